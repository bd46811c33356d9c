"""Regions on their way to a `Result`: several ways fill this, one way finishes it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.core.result import Why


@dataclass(frozen=True, eq=False)
class Candidates:
    """N candidate regions, not yet named or thresholded."""

    masks: Masks
    prompts: tuple[str, ...]  # what the cutter was asked, for `Why.prompt`
    quality: Array  # (N,) the cutter's estimate of the IoU, NaN where nothing was cut
    label_ids: Array | None = (
        None  # (N,) the word that a region was looked for with; None = to be named
    )
    scores: Array | None = None  # (N,) where the engine gave its own
    weights: tuple[Array, ...] | None = None  # per region, the mask's probability over its crop
    threshold: float | None = None  # for `scores`, if the engine says

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, rows: Array) -> "Candidates":
        rows = np.arange(len(self))[rows]
        return Candidates(
            self.masks[rows],
            tuple(self.prompts[row] for row in rows),
            self.quality[rows],
            None if self.label_ids is None else self.label_ids[rows],
            None if self.scores is None else self.scores[rows],
            None if self.weights is None else tuple(self.weights[row] for row in rows),
            self.threshold,
        )

    def unscored(self) -> "Candidates":
        """Without the engine's scores: the mean probability of the word under the mask counts."""
        return replace(self, scores=None)

    @classmethod
    def nothing(cls, size: Size) -> "Candidates":
        return cls(Masks.empty(size), (), np.zeros(0, np.float32), np.zeros(0, np.int64))

    @classmethod
    def join(cls, parts: Sequence["Candidates"]) -> "Candidates":
        """Several sets over one picture; all of them have labels or none has."""
        labels = [part.label_ids for part in parts if part.label_ids is not None]
        weighed = any(
            part.weights is not None for part in parts
        )  # four bytes a pixel of every crop
        return cls(
            Masks.concatenate([part.masks for part in parts]),
            tuple(prompt for part in parts for prompt in part.prompts),
            np.concatenate([part.quality for part in parts]),
            np.concatenate(labels) if len(labels) == len(parts) else None,
            None,
            tuple(weight for part in parts for weight in _weights(part)) if weighed else None,
        )

    def whys(self, rivals: Sequence[str], rival_scores: Array) -> tuple[Why, ...]:
        columns = zip(
            self.prompts, rivals, rival_scores.tolist(), self.quality.tolist(), strict=True
        )
        return tuple(
            Why(prompt, rival, score, quality) for prompt, rival, score, quality in columns
        )


def _weights(part: Candidates) -> tuple[Array, ...]:
    """A dense piece weighs the same everywhere."""
    return (
        part.weights
        if part.weights is not None
        else tuple(crop.astype(np.float32) for crop in part.masks.crops)
    )
