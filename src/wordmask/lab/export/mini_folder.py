"""mini as an exported folder: it is ONNX already, so its files are copied and held against torch.

The networks are rebuilt in torch from the files' own weights, so what is measured is the graphs.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import torch

from wordmask.core.image import Array
from wordmask.errors import WeightsError
from wordmask.files import digest, write_json, write_text
from wordmask.lab.export.folder import (
    CARD,
    FORMAT,
    MANIFEST,
    ExportSource,
    check_target,
    model_card,
    place_folder,
)
from wordmask.lab.export.graph_files import LIMITS, describe, difference, open_session
from wordmask.lab.export.mini_graphs import CutterGraph, DepthGraph, EncoderGraph, PrepareGraph
from wordmask.lab.export.mini_weights import load_shipped
from wordmask.version import __version__

CHECKS: tuple[Mapping[str, int], ...] = (
    {"pictures": 1, "rows": 1, "columns": 1},
    {"pictures": 1, "rows": 3, "columns": 5},
    {"pictures": 2, "rows": 2, "columns": 4},
)
SETTINGS = "mini.json"


def write_mini(
    files: Path, source: ExportSource, out: Path, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Copy the files of `mini` to a new folder, with a manifest and a card; the manifest."""
    check_target(out)
    part = Path(mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for file in sorted(files.iterdir()):
            if file.suffix in (".onnx", ".npz", ".json"):
                shutil.copyfile(file, part / file.name)
        parity = _parity(part)
        settings = json.loads((part / SETTINGS).read_text("utf-8"))
        graphs = {}
        for file in sorted(part.glob("*.onnx")):
            say(f"{file.name}: copied")
            entry: dict[str, Any] = {"file": file.name, "sha256": {file.name: digest(file)}}
            graphs[file.stem] = {
                **entry,
                **describe(open_session(file)),
                **parity.get(file.stem, {}),
            }
        manifest = {
            "format": FORMAT, "wordmask": __version__, "kind": "mini", "engine": source.engine,
            "source": source.source, "revision": source.revision, "licence": source.licence,
            "runtime": "onnxruntime", "precision": "fp32", "settings": settings, "graphs": graphs,
        }  # fmt: skip
        write_json(part / MANIFEST, manifest, indent=1)
        write_text(part / CARD, model_card(manifest))
        place_folder(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def _parity(folder: Path) -> dict[str, dict[str, Any]]:
    """Of the networks whose torch form can be rebuilt."""
    network = load_shipped(folder).network
    modules = {
        "encoder": EncoderGraph(network),
        "depth": DepthGraph(network),
        "prepare": PrepareGraph(network),
        "cutter": CutterGraph(network),
    }
    worst: dict[str, list[dict[str, Any]]] = {name: [] for name in modules}
    for sizes in CHECKS:
        known: dict[str, Array] = _inputs(sizes)
        for name, module in modules.items():
            found = _compare(module, folder / f"{name}.onnx", known)
            worst[name].append({"sizes": dict(sizes), "difference": found})
    limit = LIMITS["fp32"]
    entries = {}
    for name, checks in worst.items():
        largest = max(check["difference"] for check in checks)
        if not largest <= limit:
            raise WeightsError(
                f"{name}.onnx answers differently from torch: by {largest:.2g}, at most {limit:g}"
            )
        entries[name] = {"parity": {"largest": largest, "limit": limit, "checks": checks}}
    return entries


def _inputs(sizes: Mapping[str, int]) -> dict[str, Array]:
    """Made-up pictures and prompts; what the networks give is added as it comes."""
    rng = np.random.default_rng(0)
    rows, columns = sizes["rows"], sizes["columns"]
    shape = (sizes["pictures"], 3, 32 * rows, 32 * columns)
    return {
        "picture": rng.integers(0, 256, shape, dtype=np.uint8),
        "xy": rng.uniform(0, 32, (3, 2, 2)).astype(np.float32),
        "kind": rng.integers(-1, 4, (3, 2)),
        "before": np.zeros((3, 1, 4 * rows, 4 * columns), np.float32),
    }


def _compare(module: Any, path: Path, known: dict[str, Array]) -> float:
    """The difference; what the network gives of the first picture joins what is known."""
    session = open_session(path)
    feed = {port.name: known[port.name] for port in session.get_inputs()}
    outputs = [port.name for port in session.get_outputs()]
    with torch.no_grad():
        answer = module(*(torch.from_numpy(value) for value in feed.values()))
    wanted = answer if isinstance(answer, tuple) else (answer,)
    found = dict(zip(outputs, session.run(outputs, feed), strict=True))
    known.update({name: value[:1] for name, value in found.items()})
    pairs = zip(found.values(), wanted, strict=True)
    return max(difference(one, other.numpy()) for one, other in pairs)
