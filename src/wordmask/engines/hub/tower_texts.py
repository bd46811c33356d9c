"""Phrases through a tower that reads words, kept in a text bank."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from wordmask.core.graphs import NetworkGraph
from wordmask.core.image import Array
from wordmask.engines.hub import towers
from wordmask.engines.hub.pixels import to_numpy
from wordmask.engines.hub.runtime import Runtime, chunks, log
from wordmask.engines.hub.texts import TextBank, ensemble
from wordmask.engines.hub.word_graphs import text_graph

SENTENCES, GPU_SENTENCES = {"cpu": 160}, 2048  # most at a time


class TowerTexts:
    """The text side: sentences in batches of like length, phrases through the bank."""

    def __init__(self, tower: towers.Tower, tokenizer: Any, bank: TextBank, place: Runtime) -> None:
        self._tower, self._tokenizer, self._bank, self._place = tower, tokenizer, bank, place
        self.longest = int(tower.text_length or min(tokenizer.model_max_length, 77))
        nbytes = 400 * self.longest * tower.width
        most = SENTENCES.get(place.device.type, GPU_SENTENCES)
        self.sentences_at_a_time = place.rows(nbytes, most)
        self.width = 0  # of a vector, once one is known

    @property
    def bank_path(self) -> Path:
        return self._bank.path

    def embed(self, phrases: Sequence[str]) -> Array:
        """(P, D) unit rows."""
        if not phrases:
            return np.zeros((0, self.width), np.float32)
        rows = self._bank.rows(phrases, lambda new: ensemble(new, self.sentences))
        self.width = rows.shape[1]
        return rows

    def sentences(self, lines: Sequence[str]) -> Array:
        """(N, D) unit rows of whole sentences, without templates."""
        parts = [self._batch(batch) for batch in chunks(lines, self.sentences_at_a_time)]
        return np.concatenate(parts)

    # ---- exported

    def graph(self) -> NetworkGraph:
        return text_graph(self._tower, len(self._tokenizer), self.longest)

    def settings(self) -> dict[str, Any]:
        """How lines become tokens."""
        return {
            "length": self._tower.text_length,
            "longest": self.longest,
            "pad_id": int(self._tokenizer.pad_token_id or 0),
            "pad_token": str(self._tokenizer.pad_token),
        }

    def write_tokenizer(self, path: Path) -> None:
        self._tokenizer.backend_tokenizer.save(str(path))

    def _batch(self, lines: Sequence[str]) -> Array:
        fixed = self._tower.text_length is not None
        tokens = self._tokenizer(
            list(lines),
            # To pad all to 77 would cost ten times as much for short phrases.
            padding="max_length" if fixed else "longest",
            truncation=True,
            max_length=self.longest,
            return_tensors="pt",
        )
        if tokens["input_ids"].shape[1] == self.longest and not fixed:
            longest = max(lines, key=len)
            log.warning("a text fills all %d tokens and may be cut: %r", self.longest, longest[:60])
        names = [name for name in ("input_ids", "attention_mask") if name in tokens]
        with torch.no_grad():
            vectors = self._tower.words(
                {name: tokens[name].to(self._place.device) for name in names}
            )
            return to_numpy(functional.normalize(vectors.float(), dim=-1))
