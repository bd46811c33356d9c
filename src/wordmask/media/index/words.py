"""What an engine says of words, kept beside the index's tables: a search then needs no picture.

The words that compete with every query, and those that its vectors have learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.protocols import FeatureMap, Rivals
from wordmask.errors import FormatError
from wordmask.files import write_bytes

NAME = "words.npz"


@dataclass(frozen=True, eq=False)
class WordKnowledge:
    """None: the engine does not say."""

    rivals: Rivals | None = None
    learned: Array | None = None  # (T, D) unit rows
    alike: float = 0.6  # cosine from which a word is near enough to a learned one
    named: tuple[str, ...] = ()  # words among which the regions were named

    def is_unknown(self, texts: Array) -> bool:
        """Whether none of the spellings (S, D) is near a learned word."""
        return self.learned is not None and float((texts @ self.learned.T).max()) < self.alike


def save_words(folder: Path, features: FeatureMap, named: Sequence[str]) -> None:
    """Keep what the engine says of words with the features of any picture."""
    values: dict[str, Any] = {"named": np.array(list(named), str)}
    if features.rivals is not None:
        rivals = features.rivals
        values |= {"rivals": rivals.vectors.astype(np.float32), "kin_of": rivals.kin_of}
        values |= {"kin": rivals.kin.astype(np.float32), "kin_alike": np.array(rivals.alike)}
    if features.classes is not None:
        names = features.classes.names
        values |= {"learned": names.learned.astype(np.float16), "alike": np.array(names.alike)}
    buffer = BytesIO()
    np.savez(buffer, **values)
    write_bytes(folder / NAME, buffer.getvalue())


def load_words(folder: Path) -> WordKnowledge:
    path = folder / NAME
    try:
        with np.load(path, allow_pickle=False) as file:
            values = {name: file[name] for name in file.files}
        rivals, learned = None, values.get("learned")
        if "rivals" in values:
            alike = float(values["kin_alike"])
            rivals = Rivals(values["rivals"], values["kin"], values["kin_of"], alike)
        named = tuple(values["named"].tolist())
        if learned is None:
            return WordKnowledge(rivals, named=named)
        return WordKnowledge(rivals, learned.astype(np.float32), float(values["alike"]), named)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise FormatError(
            f"{path} is missing or broken ({error}); index the pictures again"
        ) from None
