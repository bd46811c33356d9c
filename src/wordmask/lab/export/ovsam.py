"""From a trained Open-Vocabulary SAM to the folder that its engine runs on.

ovsam.json says the sizes, the backbone by name, and the fusion's exponent; model.safetensors holds
what was learned (and lite0's own weights, which are small); where words are mini's, the files of
mini's sentence encoder lie beside them. Of a teacher that cuts first, mini's cutter lies in
`teacher`; any other is kept by its name.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wordmask.errors import missing_extra
from wordmask.files import atomic, digest, write_text
from wordmask.lab.export.mini_weights import SHIPPED
from wordmask.model.ovsam.lite0 import Lite0Backbone
from wordmask.model.ovsam.net import FrozenBackbone, OvsamNetwork

TEXT_FILES = ("text.onnx", "tokenizer.json", "words.npz")
SETTINGS = "ovsam.json"
TEACHER = "teacher"
MINI, MINI_CUTS = "mini", ("mini.json", "prepare.onnx", "cutter.onnx", "words.npz")


def export_ovsam(
    network: OvsamNetwork, backbone: FrozenBackbone, words: Sequence[str], folder: Path
) -> None:
    """Write the folder; the exponent is 0.5 until it is fitted (`write_exponent`)."""
    try:
        from safetensors.torch import save_file
    except ImportError as error:
        raise missing_extra("safetensors", "train") from error
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"network.{name}": one for name, one in network.state_dict().items()}
    if isinstance(backbone, Lite0Backbone):
        state = backbone.network.state_dict()
        tensors |= {f"backbone.{name}": one for name, one in state.items()}
        for name in TEXT_FILES:
            shutil.copyfile(SHIPPED / name, folder / name)
    with atomic(folder / "model.safetensors") as part:
        save_file({name: one.contiguous().cpu() for name, one in tensors.items()}, str(part))
    files = sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".onnx"))
    settings: dict[str, Any] = {
        "plan": asdict(network.plan),
        "backbone": backbone.name,
        "exponent": 0.5,
        "words": list(words),
        "files": {path.name: digest(path) for path in files},
    }
    write_text(folder / SETTINGS, json.dumps(settings, indent=1) + "\n")


def write_teacher(folder: Path, spec: str, name: str) -> None:
    """Which segmenter cuts first: `spec` as it is loaded, `name` by its weights."""
    if spec == MINI:
        (folder / TEACHER).mkdir(exist_ok=True)
        for file in MINI_CUTS:
            shutil.copyfile(SHIPPED / file, folder / TEACHER / file)
        spec = TEACHER
    elif Path(spec).exists():
        spec = str(Path(spec).resolve())
    _change(folder, {"teacher": {"spec": spec, "name": name}})


def write_exponent(folder: Path, exponent: float) -> None:
    """Into the settings of an exported network."""
    _change(folder, {"exponent": exponent})


def _change(folder: Path, values: dict[str, Any]) -> None:
    settings = json.loads((folder / SETTINGS).read_text("utf-8")) | values
    write_text(folder / SETTINGS, json.dumps(settings, indent=1) + "\n")
