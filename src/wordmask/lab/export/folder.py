"""An engine as a folder of ONNX files that runs without torch: graphs, manifest.json, a model card.

The folder stands whole or not at all, and its manifest says how far each file is from the network
that it was made of.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal

from wordmask.core.graphs import GraphSet
from wordmask.errors import OutputError
from wordmask.files import digest, write_json, write_text
from wordmask.lab.export.graph_files import describe, measure_parity, open_session, write_graph
from wordmask.lab.export.onnx_files import ONE_FILE, OPSET
from wordmask.version import __version__

MANIFEST, CARD = "manifest.json", "README.md"
FORMAT = 1
USAGE = "python -c \"import wordmask; print(wordmask.load('./FOLDER').made_by)\""
Precision = Literal["fp32", "fp16"]


@dataclass(frozen=True)
class ExportSource:
    """Where the weights come from and what their licence allows."""

    engine: str  # "sam2.1-tiny@sha256:1f3c5d7e9a0b"
    source: str
    revision: str | None
    licence: str


@dataclass(frozen=True, eq=False)
class ExportPlan:
    """What is written."""

    made: GraphSet
    source: ExportSource
    precision: Precision = "fp32"
    exact: GraphSet | None = None  # the same networks in full precision, where `made` is not
    most: int = ONE_FILE  # bytes of weights in one file


def write_folder(
    plan: ExportPlan, out: Path, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Write the folder `out`, which must be new or empty; the manifest."""
    check_target(out)
    part = Path(mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        rows = enumerate(plan.made.graphs)
        graphs = {graph.name: _write_one(plan, row, part, say) for row, graph in rows}
        for name, write in plan.made.files.items():
            write(part / name)
        manifest = _manifest(plan, graphs)
        write_json(part / MANIFEST, manifest, indent=1)
        write_text(part / CARD, model_card(manifest))
        place_folder(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def check_target(out: Path) -> None:
    """Raise unless the folder is new or empty; make what it stands in."""
    if out.suffix == ".onnx":
        raise OutputError(
            f"an export is a folder of several files; got {out}, the name of one: leave out .onnx"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is there and not empty; give a new folder, or delete it")
    out.parent.mkdir(parents=True, exist_ok=True)


def place_folder(part: Path, out: Path) -> None:
    """Give a finished folder its name."""
    if out.exists():
        out.rmdir()
    part.chmod(0o755)  # temporary folders are the user's alone
    part.rename(out)


def _write_one(
    plan: ExportPlan, row: int, folder: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Write a graph, hold it against its network; its entry in the manifest."""
    graph = plan.made.graphs[row]
    exact = None if plan.exact is None else plan.exact.graphs[row]
    path = folder / f"{graph.name}.onnx"
    say(f"{path.name}: writing")
    write_graph(graph, path, plan.most)
    parity = measure_parity(graph, path, plan.precision, exact)
    say(f"{path.name}: at most {parity.worst.difference:.1g} from torch")
    return {
        "file": path.name,
        "sha256": file_hashes(folder, path.name),
        **describe(open_session(path)),
        "parity": {
            "largest": parity.worst.difference,
            "limit": parity.limit,
            "checks": [check._asdict() for check in parity.checks],
        },
    }


def file_hashes(folder: Path, name: str) -> dict[str, str]:
    """The sha256 of a graph and of the file with its weights, if there is one."""
    files = sorted(folder.glob(f"{name}*"))
    return {file.name: digest(file) for file in files}


def _manifest(plan: ExportPlan, graphs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "wordmask": __version__,
        "kind": plan.made.kind,
        **asdict(plan.source),
        "runtime": "onnxruntime",
        "precision": plan.precision,
        "opset": OPSET,
        "settings": dict(plan.made.settings),
        "graphs": dict(graphs),
    }


def model_card(manifest: Mapping[str, Any]) -> str:
    """README.md of the folder."""
    rows = [
        f"| `{entry['file']}` | {_ports(entry['inputs'])} | {_ports(entry['outputs'])} | "
        f"{entry.get('parity', {}).get('largest', 0):.1e} |"
        for entry in manifest["graphs"].values()
    ]
    revision = manifest["revision"] or "not pinned"
    return "\n".join(
        [
            f"# {manifest['engine'].partition('@')[0]}, exported by wordmask",
            "",
            f"Weights: {manifest['source']} (revision: {revision}), `{manifest['engine']}`. "
            f"**Licence of the weights: {manifest['licence']}**; it holds for these files too.",
            "",
            f"Numbers: {manifest['precision']}, opset {manifest.get('opset', OPSET)}, "
            f"for {manifest['runtime']}. `manifest.json` holds names, shapes, pixel statistics "
            "and hashes.",
            "",
            "| file | takes | gives | largest difference to torch |",
            "|---|---|---|---|",
            *rows,
            "",
            "Differences are shares of an output's largest value (of 1 where that is smaller), at "
            "three sizes that are not those of the example; the limit is in the manifest.",
            "",
            "Run it without torch, from the folder above this one:",
            "",
            f"    {USAGE}",
            "",
        ]
    )


def _ports(ports: list[dict[str, Any]]) -> str:
    return "<br>".join(
        f"`{port['name']}` {' x '.join(str(side) for side in port['shape'])}" for port in ports
    )
