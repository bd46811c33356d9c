"""Phrases through an exported mini's own sentence encoder, before its adapter."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wordmask.core.image import Array
from wordmask.lab.training.vocabulary import unit_rows
from wordmask.model.mini.spelling import LONGEST, TEMPLATES


@dataclass(frozen=True, eq=False)
class KinTable:
    """Common words that compete with others, and what each is related to (words.npz)."""

    things: tuple[str, ...]
    related: tuple[str, ...]
    thing_of: Array  # (K,) row of the thing that each of `related` belongs to


def read_kin(folder: Path) -> KinTable:
    """The competing words of exported files."""
    with np.load(folder / "words.npz") as table:
        pairs = [line.split("\t") for line in str(table["kin"]).split("\n")]
    things = tuple(dict.fromkeys(thing for thing, _ in pairs))
    of = np.array([things.index(thing) for thing, _ in pairs])
    return KinTable(things, tuple(other for _, other in pairs), of)


def encode_phrases(folder: Path, phrases: Sequence[str]) -> Array:
    """(N, 256) unit rows, as the engine makes them of phrases that are tidy."""
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

    with np.load(folder / "words.npz") as table:
        known = dict(zip(str(table["names"]).split("\n"), table["vectors"], strict=True))
    rows = {name: unit_rows(known[name].astype(np.float32)) for name in phrases if name in known}
    new = [name for name in dict.fromkeys(phrases) if name not in rows]
    if new:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_truncation(LONGEST)
        tokenizer.enable_padding()
        session = InferenceSession(folder / "text.onnx", providers=["CPUExecutionProvider"])
        for name in new:
            coded = tokenizer.encode_batch([template.format(name) for template in TEMPLATES])
            ids = np.array([line.ids for line in coded], np.int64)
            mask = np.array([line.attention_mask for line in coded], np.int64)
            (vectors,) = session.run(None, {"ids": ids, "mask": mask})
            rows[name] = unit_rows(vectors.mean(0))
    return np.stack([rows[name] for name in phrases])
