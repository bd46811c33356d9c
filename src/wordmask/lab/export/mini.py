"""From a checkpoint to the six files that `mini` runs on.

encoder.onnx, cutter.onnx and text.onnx are the networks (`mini_graphs`), words.npz and
tokenizer.json the words (`mini_words`), mini.json the settings with the sha256 of each network.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from wordmask.files import write_text
from wordmask.lab.export.mini_graphs import export_cutter, export_encoder, export_text
from wordmask.lab.export.mini_words import word_table, write_words
from wordmask.lab.training.loop import load_average
from wordmask.lab.training.vocabulary import Vocabulary, Whitening
from wordmask.model.mini.constants import WORDS
from wordmask.model.mini.net import Adapter, MiniNetwork
from wordmask.model.minilm import find_minilm

# What mini.json says before anything has been measured; `lab.training.calibrate` puts measured
# values there.
DEFAULTS: dict[str, Any] = {
    "side": 512,
    "views": [[1.0, False], [0.75, True], [1.5, True]],
    "calibration": [1.0, 0.0, 0.0],
    "threshold": None,
    "presence": 0.7,
}


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
    """Write the six files; `more_words` get ready-made vectors as well."""
    out.mkdir(parents=True, exist_ok=True)
    export_encoder(trained.network, out / "encoder.onnx")
    export_cutter(trained.network, out / "cutter.onnx")
    export_text(trained.whitening, out / "text.onnx")
    table = word_table(trained.whitening, trained.words, vocabulary, more_words)
    write_words(table, trained.adapter, out / "words.npz")
    _write_tokenizer(out / "tokenizer.json")
    networks = sorted(out.glob("*.onnx"))
    measured = {
        "scale": float(trained.network.scale().detach()),
        "dims": WORDS,
        "files": {path.name: sha256(path.read_bytes()).hexdigest() for path in networks},
    }
    write_text(out / "mini.json", json.dumps(DEFAULTS | measured, indent=1) + "\n")


def _write_tokenizer(path: Path) -> None:
    """The published tokenizer; the engine pads and truncates by itself."""
    tokenizer = json.loads((find_minilm() / "tokenizer.json").read_text())
    value = tokenizer | {"padding": None, "truncation": None}
    write_text(path, json.dumps(value, ensure_ascii=False, separators=(",", ":")))
