"""From a checkpoint to the files that `mini` runs on.

encoder.onnx, prepare.onnx, cutter.onnx, depth.onnx, classes.onnx and text.onnx are the networks
(`mini_graphs`), and context.onnx is one that is trained for them afterwards; together.onnx has
nothing to learn; words.npz and tokenizer.json hold the words (`mini_words`), mini.json the settings
with the sha256 of each network.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordmask.files import digest, write_text
from wordmask.lab.export.mini_graphs import (
    export_context,
    export_cutter,
    export_depth,
    export_encoder,
    export_prepare,
    export_text,
    export_together,
)
from wordmask.lab.export.mini_replace import replace_weights
from wordmask.lab.export.mini_weights import SHIPPED
from wordmask.lab.export.mini_words import add_words, word_table, write_words
from wordmask.lab.training.loop import load_average
from wordmask.lab.training.vocabulary import Vocabulary, Whitening
from wordmask.model.mini.constants import WORDS
from wordmask.model.mini.context import ContextNetwork
from wordmask.model.mini.net import Adapter, MiniNetwork
from wordmask.model.minilm import find_minilm

# What mini.json says before anything has been measured; `lab.training.calibrate` puts measured
# values there.
DEFAULTS: dict[str, Any] = {
    "side": 512,
    "views": [[1.0, False], [0.75, True], [1.25, True]],
    "together": {"share": 0.6, "sharpness": 30.0, "every": 3},
    "calibration": [1.0, 0.0, 0.0],
    "threshold": None,
    "presence": 0.7,
    "everything": {"quality": 0.35, "stability": 0.4},
    "classes": {
        "weight": 0.6,
        "slope": 0.7,
        "offset": 1.5,
        "region_offset": 0.0,
        "support": 0.3,
        "support_from": -6.0,
        "support_most": 1.2,
    },
}

# Chosen on held-out training pictures (docs/training.md).
CONTEXT: dict[str, float] = {
    "weight": 1.0,
    "offset": 1.5,
    "least": -6.0,
    "most": 2.5,
    "peak_share": 0.3,
    "limit": 0.0,
}
# Scores after another training of words, until `lab.training.calibrate` has fitted them.
RAW = {key: DEFAULTS[key] for key in ("calibration", "threshold")}
HEAD = ("to_words", "to_none")  # what learns of the network where a user trains own words


@dataclass(frozen=True, eq=False)
class TrainedMini:
    """The averaged networks of a run, and the words that they were trained with."""

    network: MiniNetwork
    adapter: Adapter
    whitening: Whitening
    words: tuple[str, ...]

    @classmethod
    def read(cls, checkpoint: Path) -> "TrainedMini":
        """From a checkpoint of `lab.training`."""
        network, adapter = MiniNetwork().eval(), Adapter().eval()
        known = load_average(checkpoint, {"network": network, "adapter": adapter})
        whitening = Whitening(known["mean"].numpy(), known["turn"].numpy())
        return cls(network, adapter, whitening, tuple(known["words"]))


def export_mini(
    trained: TrainedMini, vocabulary: Vocabulary, more_words: Sequence[str], out: Path
) -> None:
    """Write the files, but for the context, which is trained afterwards.

    `more_words` get ready-made vectors as well.
    """
    out.mkdir(parents=True, exist_ok=True)
    export_encoder(trained.network, out / "encoder.onnx")
    export_prepare(trained.network, out / "prepare.onnx")
    export_cutter(trained.network, out / "cutter.onnx")
    export_depth(trained.network, out / "depth.onnx")
    export_text(trained.whitening, out / "text.onnx")
    export_together(out / "together.onnx")
    # The layers under the classes are never trained, so every mini has the same classes.
    shutil.copyfile(SHIPPED / "classes.onnx", out / "classes.onnx")
    table = word_table(trained.whitening, trained.words, vocabulary, more_words)
    write_words(table, trained.adapter, out / "words.npz")
    _write_tokenizer(out / "tokenizer.json")
    networks = sorted(out.glob("*.onnx"))
    measured = {
        **_scale_of(trained.network),
        "dims": WORDS,
        "files": {path.name: digest(path) for path in networks},
    }
    write_text(out / "mini.json", json.dumps(DEFAULTS | measured, indent=1) + "\n")


def export_cutter_into(network: MiniNetwork, files: Path, out: Path) -> None:
    """Another cutter beside the rest of exported `files`; words keep their calibration."""
    _copy_files(files, out)
    export_prepare(network, out / "prepare.onnx")
    export_cutter(network, out / "cutter.onnx")
    _write_settings(out, {})


def export_judge_into(network: MiniNetwork, files: Path, out: Path) -> None:
    """A cutter with another judge beside the rest of exported `files`; masks stay exactly."""
    _copy_files(files, out)
    replace_weights(network, ("decoder.judge",), files / "cutter.onnx", out / "cutter.onnx")
    _write_settings(out, {})


def export_context_into(network: ContextNetwork, files: Path, out: Path) -> None:
    """A context beside the rest of exported `files`."""
    _copy_files(files, out)
    export_context(network, out / "context.onnx")
    _write_settings(out, RAW | {"context": CONTEXT})


def export_words_into(network: MiniNetwork, adapter: Adapter, files: Path, out: Path) -> None:
    """Another neck and head for words, and adapter, beside the rest of exported `files`."""
    _copy_files(files, out)
    export_encoder(network, out / "encoder.onnx")
    add_words({}, adapter, files / "words.npz", out / "words.npz")
    _write_settings(out, RAW | _scale_of(network))


def export_head_into(
    network: MiniNetwork,
    adapter: Adapter,
    words: Mapping[str, NDArray[np.float32]],
    files: Path,
    out: Path,
) -> None:
    """Another head and adapter beside the rest of exported `files`.

    `words`: phrase -> its vector before the adapter; they count as learned from now on.
    """
    _copy_files(files, out)
    replace_weights(network, HEAD, files / "encoder.onnx", out / "encoder.onnx")
    add_words(words, adapter, files / "words.npz", out / "words.npz")
    _write_settings(out, RAW | _scale_of(network))


def _scale_of(network: MiniNetwork) -> dict[str, float]:
    return {"scale": float(network.scale().detach())}


def _copy_files(files: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for path in files.iterdir():
        if path.suffix in (".onnx", ".npz", ".json") and files.resolve() != out.resolve():
            shutil.copyfile(path, out / path.name)


def _write_settings(out: Path, changed: dict[str, Any]) -> None:
    settings = json.loads((out / "mini.json").read_text()) | changed
    settings["files"] = {path.name: digest(path) for path in sorted(out.glob("*.onnx"))}
    write_text(out / "mini.json", json.dumps(settings, indent=1) + "\n")


def _write_tokenizer(path: Path) -> None:
    """The published tokenizer; the engine pads and truncates by itself."""
    tokenizer = json.loads((find_minilm() / "tokenizer.json").read_text())
    value = tokenizer | {"padding": None, "truncation": None}
    write_text(path, json.dumps(value, ensure_ascii=False, separators=(",", ":")))
