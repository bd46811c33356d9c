"""An exported folder for another runtime: OpenVINO, CoreML by onnxruntime, TensorRT by a script.

What comes out is a folder of the same kind, so the same engine runs it (TensorRT's plans are for
programs of your own).
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from wordmask.errors import CapabilityError, WeightsError, missing_extra
from wordmask.files import write_json, write_text
from wordmask.lab.export import build_tensorrt
from wordmask.lab.export.folder import (
    CARD,
    MANIFEST,
    check_target,
    file_hashes,
    model_card,
    place_folder,
)
from wordmask.lab.export.graph_files import difference, open_session
from wordmask.lab.export.made_up import made_up_feed

LIMIT = 1e-3  # to onnxruntime, as a share of the largest value
Say = Callable[[str], None]


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of an exported folder of ONNX files."""
    file = folder / MANIFEST
    if not file.is_file():
        raise WeightsError(
            f"{folder} is no exported folder: there is no {MANIFEST}; export the engine to onnx "
            "first"
        )
    manifest: dict[str, Any] = json.loads(file.read_text("utf-8"))
    if manifest.get("runtime") != "onnxruntime":
        raise WeightsError(
            f"{folder} is for {manifest.get('runtime')}; convert the folder of ONNX files that it "
            "was made of"
        )
    return manifest


def to_openvino(folder: Path, out: Path, say: Say) -> dict[str, Any]:
    """Every graph as OpenVINO's .xml and .bin, held against onnxruntime."""
    if find_spec("openvino") is None:
        raise missing_extra("openvino", "openvino")
    import openvino

    manifest = read_manifest(folder)

    def write(part: Path) -> dict[str, Any]:
        graphs = {}
        for name, entry in manifest["graphs"].items():
            say(f"{name}.xml: writing")
            model = openvino.convert_model(str(folder / entry["file"]))
            openvino.save_model(model, str(part / f"{name}.xml"), compress_to_fp16=False)
            parity = _openvino_parity(folder / entry["file"], part / f"{name}.xml", entry)
            hashes = file_hashes(part, f"{name}.xml") | file_hashes(part, f"{name}.bin")
            graphs[name] = entry | {"file": f"{name}.xml", "sha256": hashes, "parity": parity}
        return manifest | {"runtime": "openvino", "graphs": graphs}

    return _write(folder, out, write)


def _openvino_parity(source: Path, path: Path, entry: Mapping[str, Any]) -> dict[str, Any]:
    import openvino

    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(str(path), "CPU", exact)
    session = open_session(source)
    checks = []
    for check in entry["parity"]["checks"]:
        feed = made_up_feed(entry, check["sizes"])
        found = compiled(feed)
        wanted = session.run(None, feed)
        pairs = enumerate(wanted)
        worst = max(difference(np.array(found[row]), one) for row, one in pairs)
        checks.append({"sizes": check["sizes"], "difference": worst})
    largest = max(check["difference"] for check in checks)
    if not largest <= LIMIT:
        raise WeightsError(
            f"{path.name} answers differently from onnxruntime: by {largest:.2g}, at most {LIMIT:g}"
        )
    return {"largest": largest, "limit": LIMIT, "checks": checks, "against": "onnxruntime"}


def to_coreml(folder: Path, out: Path, say: Say) -> dict[str, Any]:
    """The same files, to be run by onnxruntime's CoreML provider."""
    import onnxruntime

    there = onnxruntime.get_available_providers()
    if "CoreMLExecutionProvider" not in there:
        raise CapabilityError(
            f"onnxruntime {onnxruntime.__version__} has no CoreMLExecutionProvider here (it has "
            f"{', '.join(there)}); do this on a Mac"
        )
    manifest = read_manifest(folder)

    def write(part: Path) -> dict[str, Any]:
        for entry in manifest["graphs"].values():
            for name in entry["sha256"]:
                say(f"{name}: copying")
                shutil.copyfile(folder / name, part / name)
        return manifest | {"runtime": "coreml"}

    return _write(folder, out, write)


def _write(folder: Path, out: Path, write: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """The folder `out`, whole or not at all, with the tokenizer and the card of the first."""
    check_target(out)
    part = Path(mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        manifest = write(part)
        for file in folder.glob("*.json"):
            if file.name != MANIFEST:
                shutil.copyfile(file, part / file.name)
        write_json(part / MANIFEST, manifest, indent=1)
        write_text(part / CARD, model_card(manifest))
        place_folder(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def to_tensorrt(folder: Path, say: Say) -> Path:
    """Write the script beside the files, and run it where TensorRT is installed."""
    read_manifest(folder)
    script = folder / "build_tensorrt.py"
    write_text(script, Path(build_tensorrt.__file__).read_text("utf-8"))
    if build_tensorrt.find_library() is None:
        raise CapabilityError(
            f"TensorRT is not installed here; {script} is written: copy the folder to the machine "
            f"with the GPU, pip install tensorrt onnxruntime, python {script.name}"
        )
    say(f"{script.name}: running")
    done = subprocess.run(
        [sys.executable, str(script)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no word why"]
        raise CapabilityError(f"{script} failed: {lines[-1][:300]}")
    for line in done.stdout.splitlines():
        say(line)
    return script
