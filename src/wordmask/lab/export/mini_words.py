"""The words that `mini` knows without running its sentence encoder: words.npz."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wordmask.files import atomic
from wordmask.lab.training.vocabulary import TEMPLATES, Vocabulary, Whitening, kin, phrases
from wordmask.model.mini.net import Adapter
from wordmask.model.minilm import embed, find_minilm


@dataclass(frozen=True, eq=False)
class WordTable:
    """Everything about words that needs no network at run time."""

    names: tuple[str, ...]
    vectors: NDArray[np.int8]
    """(N, 256) in -127..127: unit vectors after whitening, before the adapter."""
    kin: tuple[tuple[str, str], ...]
    """(thing, word that does not compete with it); a thing comes with itself."""


def word_table(
    whitening: Whitening, words: Sequence[str], vocabulary: Vocabulary, more: Sequence[str]
) -> WordTable:
    """Vectors of training's words, of their other names, and of `more` words."""
    plain = [name for one in words for name in phrases(one)[:: len(TEMPLATES)]]
    names = tuple(dict.fromkeys([*plain, *(one.strip().lower() for one in more)]))
    vectors = phrase_vectors(whitening, names)
    rows = np.round(vectors / np.abs(vectors).max(1, keepdims=True) * 127).astype(np.int8)
    return WordTable(names, rows, tuple(kin(vocabulary)))


def phrase_vectors(whitening: Whitening, names: Sequence[str]) -> NDArray[np.float32]:
    """(N, 256) unit vectors, as the engine makes them.

    Each is the mean of the plain name's and of the name's in a sentence.
    """
    folder = find_minilm()
    plain, in_sentence = (
        whitening(embed([template.format(name) for name in names], folder))
        for template in TEMPLATES
    )
    total = plain + in_sentence
    unit: NDArray[np.float32] = total / np.linalg.norm(total, axis=1, keepdims=True)
    return unit


def write_words(table: WordTable, adapter: Adapter, path: Path) -> None:
    """words.npz: names, vectors, kin, and the adapter's two matrices in fp16."""
    with atomic(path) as part:
        np.savez_compressed(
            part,
            names=np.array("\n".join(table.names)),
            vectors=table.vectors,
            kin=np.array("\n".join(f"{thing}\t{other}" for thing, other in table.kin)),
            down=adapter.down.weight.detach().numpy().astype(np.float16),
            up=adapter.up.weight.detach().numpy().astype(np.float16),
        )
