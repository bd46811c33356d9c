"""Words of a network that was trained with mini's: its sentence encoder, through onnxruntime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.engines.hub.texts import TextBank
from wordmask.engines.weights.shipped import open_network
from wordmask.files import cache_home, digest
from wordmask.model.mini.spelling import LONGEST, TEMPLATES, tidy

LINES_AT_ONCE = 128


class SentenceTexts:
    """Phrases as mini's adapter leaves them, kept in a text bank on disk."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        """`settings` say the sha256 of each network in the folder."""
        self._folder, self._settings = folder, settings
        with np.load(folder / "words.npz") as table:
            self._down, self._up = (table[key].astype(np.float32) for key in ("down", "up"))
        stamp = digest(folder / "text.onnx") + digest(folder / "words.npz")
        self._bank = TextBank(cache_home() / "texts", stamp)
        self._session: Any = None

    def embed(self, phrases: Sequence[str]) -> Array:
        """(P, D) unit rows."""
        if not phrases:
            return np.zeros((0, len(self._up)), np.float32)
        return self._bank.rows([tidy(one) for one in phrases], self._encode)

    def _encode(self, phrases: list[str]) -> Array:
        lines = [template.format(one) for one in phrases for template in TEMPLATES]
        order = sorted(range(len(lines)), key=lambda k: len(lines[k]))  # so that little is padding
        vectors = np.zeros((len(lines), len(self._up)), np.float32)
        for start in range(0, len(order), LINES_AT_ONCE):
            chosen = order[start : start + LINES_AT_ONCE]
            vectors[chosen] = self._run([lines[k] for k in chosen])
        rows = _unit(vectors.reshape(len(phrases), len(TEMPLATES), -1).mean(1))
        return _unit(rows + np.tanh(rows @ self._down.T) @ self._up.T)

    def _run(self, lines: list[str]) -> Array:
        if self._session is None:
            self._session = self._open()
        tokenizer, session = self._session
        coded = tokenizer.encode_batch(lines)
        ids = np.array([line.ids for line in coded], np.int64)
        mask = np.array([line.attention_mask for line in coded], np.int64)
        vectors: Array = session.run(None, {"ids": ids, "mask": mask})[0]
        return vectors

    def _open(self) -> tuple[Any, Any]:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.enable_truncation(LONGEST)
        tokenizer.enable_padding()
        return tokenizer, open_network(self._folder, "text.onnx", self._settings)


def _unit(rows: Array) -> Array:
    scaled: Array = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-6)
    return scaled
