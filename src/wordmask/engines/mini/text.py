"""Words for `mini`: phrases -> unit vectors in the space of its pictures.

About 3,000 common words are ready-made (words.npz). Anything else goes through our int8 export of
all-MiniLM-L6-v2, once plain and once in a sentence, and is remembered. A phrase that means nothing
to the network by itself ("red car") is moved towards its head ("car").
"""

from collections.abc import Sequence
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from wordmask.core.classes import ClassNames
from wordmask.core.image import Array, frozen
from wordmask.core.protocols import Rivals
from wordmask.engines.mini.heads import find_heads
from wordmask.engines.weights.shipped import open_network
from wordmask.model.mini.spelling import LONGEST, TEMPLATES, tidy

LINES_AT_ONCE = 128
REMEMBERED = 20_000  # phrases, beside the ready-made ones
LISTS = 8  # whole lists of words: for a folder of pictures the same ones are asked for again


class TextEncoder:
    """The text side of the engine."""

    def __init__(self, folder: Path, settings: dict[str, Any], threads: int = 0) -> None:
        with np.load(folder / "words.npz") as table:
            rows = table["vectors"].astype(np.float32)
            self._down, self._up = table["down"].astype(np.float32), table["up"].astype(np.float32)
            names, kin, classes = (
                str(table[key]).split("\n") for key in ("names", "kin", "classes")
            )
            learned = int(table["learned"])
        self._folder, self._settings, self._lock = folder, settings, RLock()
        self._threads = threads
        self._text: Any = None
        self._known = dict(zip(names, unit(rows), strict=True))
        self._shipped = len(self._known)
        self._lists: dict[tuple[str, ...], Array] = {}
        pairs = [line.split("\t") for line in classes]
        self._named = names[:learned], pairs
        self._class_names: ClassNames | None = None
        self.rivals = self._rivals([line.split("\t") for line in kin])

    @property
    def remembered(self) -> int:
        """How many phrases have been added to the ready-made ones."""
        return len(self._known) - self._shipped

    def embed(self, phrases: Sequence[str]) -> Array:
        """(N, D) unit rows, in the order given."""
        query = tuple(phrases)
        with self._lock:
            if query not in self._lists:
                newest = list(self._lists.items())[1 - LISTS :]
                self._lists = {**dict(newest), query: self._embed([tidy(p) for p in query])}
            return self._lists[query]

    def class_names(self) -> ClassNames:
        """What mini knows by name."""
        with self._lock:
            if self._class_names is None:
                self._class_names = self._make_class_names(*self._named)
            return self._class_names

    def _embed(self, phrases: list[str]) -> Array:
        """(N, D) unit rows of tidy phrases, read-only."""
        rows = self._rows(phrases)
        heads = {row: find_heads(phrase) for row, phrase in enumerate(phrases)}
        described = [row for row, parts in heads.items() if parts]
        if described:
            known = self.class_names().are_known(rows[described])
            for row, is_known in zip(described, known, strict=True):
                if not is_known:
                    rows[row] = self._move_to_head(rows[row], heads[row])
        return frozen(rows)

    def _move_to_head(self, row: Array, heads: list[str]) -> Array:
        """The mean of a phrase's vector (D,) and that of its longest head that mini knows."""
        vectors = self._rows(heads)
        known = np.flatnonzero(self.class_names().are_known(vectors))
        return unit(row + vectors[known[0]]) if len(known) else row

    def _rows(self, phrases: list[str]) -> Array:
        """(N, D) unit rows of the phrases as they stand."""
        if not phrases:
            return np.zeros((0, self._up.shape[0]), np.float32)
        self._learn(phrases)
        rows = np.stack([self._known[phrase] for phrase in phrases])
        return unit(rows + np.tanh(rows @ self._down.T) @ self._up.T)

    def _learn(self, phrases: list[str]) -> None:
        """Encode what is not known yet; too many remembered phrases are forgotten first."""
        missing = self._unknown(phrases)
        if len(self._known) + len(missing) > self._shipped + REMEMBERED:
            self._known = dict(list(self._known.items())[: self._shipped])
            missing = self._unknown(phrases)
        if missing:
            self._known.update(zip(missing, self._encode(missing), strict=True))

    def _unknown(self, phrases: list[str]) -> list[str]:
        return [phrase for phrase in dict.fromkeys(phrases) if phrase not in self._known]

    def _rivals(self, pairs: list[list[str]]) -> Rivals:
        things = list(dict.fromkeys(thing for thing, _ in pairs))
        of = np.array([things.index(thing) for thing, _ in pairs])
        return Rivals(frozen(self._rows(things)), frozen(self._rows([o for _, o in pairs])), of)

    def _make_class_names(self, learned: list[str], pairs: list[list[str]]) -> ClassNames:
        names = {name: row for row, name in enumerate(dict.fromkeys(name for _, name in pairs))}
        numbers = np.array([int(number) for number, _ in pairs])
        classes = np.zeros((len(names), int(numbers.max()) + 1), bool)
        classes[[names[name] for _, name in pairs], numbers] = True
        return ClassNames(frozen(self._rows(learned)), frozen(self._rows(list(names))), classes)

    def _encode(self, phrases: list[str]) -> Array:
        """Each phrase in each template, averaged; sorted by length so that little is padding."""
        lines = [t.format(p) for p in phrases for t in TEMPLATES]
        order = sorted(range(len(lines)), key=lambda k: len(lines[k]))
        vectors = np.zeros((len(lines), self._up.shape[0]), np.float32)
        for k in range(0, len(order), LINES_AT_ONCE):
            chosen = order[k : k + LINES_AT_ONCE]
            vectors[chosen] = self._run([lines[i] for i in chosen])
        return unit(vectors.reshape(len(phrases), len(TEMPLATES), -1).mean(1))

    def _run(self, lines: list[str]) -> Array:
        if self._text is None:
            from tokenizers import Tokenizer

            tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
            tokenizer.enable_truncation(LONGEST)
            tokenizer.enable_padding()
            network = open_network(self._folder, "text.onnx", self._settings, self._threads)
            self._text = tokenizer, network
        tokenizer, network = self._text
        coded = tokenizer.encode_batch(lines)
        ids = np.array([line.ids for line in coded], np.int64)
        mask = np.array([line.attention_mask for line in coded], np.int64)
        vectors: Array = network.run(None, {"ids": ids, "mask": mask})[0]
        return vectors


def unit(rows: Array) -> Array:
    scaled: Array = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-6)
    return scaled
