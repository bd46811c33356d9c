"""The words that `mini` knows without running its sentence encoder: words.npz."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wordmask.files import atomic
from wordmask.lab.training.vocabulary import TEMPLATES, Vocabulary, Whitening, kin, phrases
from wordmask.model.mini.net import Adapter
from wordmask.model.minilm import embed, find_minilm

CLASS_NAMES = Path(__file__).parent / "imagenet_names.txt"


@dataclass(frozen=True, eq=False)
class WordTable:
    """Everything about words that needs no network at run time."""

    names: tuple[str, ...]
    vectors: NDArray[np.int8]
    """(N, 256) in -127..127: unit vectors after whitening, before the adapter."""
    kin: tuple[tuple[str, str], ...]
    """(thing, word that does not compete with it); a thing comes with itself."""
    learned: int
    """The first of the names, which the dense vectors were trained on."""
    classes: tuple[tuple[int, str], ...]
    """(class of ImageNet, a name of it); each name is among the names."""


def word_table(
    whitening: Whitening, words: Sequence[str], vocabulary: Vocabulary, more: Sequence[str]
) -> WordTable:
    """Vectors of training's words, of their other names, of `more` words and of classes."""
    plain = [name for one in words for name in phrases(one)[:: len(TEMPLATES)]]
    learned = len(dict.fromkeys(plain))
    classes = read_class_names()
    usual = (one.strip().lower() for one in more)
    names = tuple(dict.fromkeys([*plain, *usual, *(name for _, name in classes)]))
    rows = _as_int8(phrase_vectors(whitening, names))
    return WordTable(names, rows, tuple(kin(vocabulary)), learned, classes)


def read_class_names() -> tuple[tuple[int, str], ...]:
    """(class, name) of every name of ImageNet's 1,000 classes.

    A line of the file is a class: WordNet's names of it without the Latin ones, then words that
    include it ("bird", "fruit").
    """
    lines = CLASS_NAMES.read_text(encoding="utf-8").splitlines()
    return tuple((k, name) for k, line in enumerate(lines) for name in line.split("\t"))


def class_vectors(embed: Callable[[Sequence[str]], NDArray[np.float32]]) -> NDArray[np.float32]:
    """(1000, D) a unit vector for each of ImageNet's classes: its first name's.

    The other names hold words that are only near ("carrot" with zucchini), which would teach words
    that ImageNet does not know.
    """
    first = dict(reversed(read_class_names()))
    return np.array(embed([first[number] for number in sorted(first)]), np.float32)


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
            learned=np.array(table.learned),
            classes=np.array("\n".join(f"{k}\t{name}" for k, name in table.classes)),
            up=adapter.up.weight.detach().numpy().astype(np.float16),
        )


def add_words(
    words: Mapping[str, NDArray[np.float32]], adapter: Adapter, old: Path, new: Path
) -> None:
    """A words.npz with another adapter, in which `words` are the first that were learned."""
    with np.load(old) as table:
        kept = {key: table[key] for key in table.files}
    names = str(kept["names"]).split("\n")
    vectors = dict(zip(names, kept["vectors"], strict=True))
    vectors |= {name: _as_int8(row[None])[0] for name, row in words.items()}
    learned = list(dict.fromkeys([*words, *names[: int(kept["learned"])]]))
    order = list(dict.fromkeys([*learned, *names]))
    changed = {
        "names": np.array("\n".join(order)),
        "vectors": np.stack([vectors[name] for name in order]),
        "learned": np.array(len(learned)),
        "down": adapter.down.weight.detach().numpy().astype(np.float16),
        "up": adapter.up.weight.detach().numpy().astype(np.float16),
    }
    with atomic(new) as part:
        np.savez_compressed(part, **kept | changed)


def _as_int8(vectors: NDArray[np.float32]) -> NDArray[np.int8]:
    largest = np.abs(vectors).max(1, keepdims=True)
    rows: NDArray[np.int8] = np.round(vectors / largest * 127).astype(np.int8)
    return rows
