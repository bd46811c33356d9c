"""Regions on their way to a `Result`: several ways find them, one way finishes them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.core.result import Why


@dataclass(frozen=True, eq=False)
class Candidates:
    """N regions of one picture, not yet named or held to a threshold."""

    masks: Masks
    prompts: tuple[str, ...]  # what the segmenter was asked, as `Why.prompt` says it
    quality: Array  # (N,) the segmenter's estimate of the IoU, NaN where it cut nothing
    label_ids: Array | None = None  # (N,) the word that was looked for; None: to be named
    scores: Array | None = None  # (N,) where the engine gave its own
    weights: tuple[Array, ...] | None = None  # per region, how each pixel of its crop is weighed
    threshold: float | None = None  # for `scores`, if the engine says one

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, rows: Array) -> "Candidates":
        """A subset by bools or indices, in their order."""
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

    def without_scores(self) -> "Candidates":
        """So that the mean probability of the word under the mask counts instead."""
        return replace(self, scores=None)

    @classmethod
    def none(cls, size: Size) -> "Candidates":
        """No region in a picture of `size`; it joins with sets that have labels."""
        return cls(Masks.empty(size), (), np.zeros(0, np.float32), np.zeros(0, np.int64))

    @classmethod
    def join(cls, parts: Sequence["Candidates"]) -> "Candidates":
        """Several sets over one picture; they keep labels if all have them, and lose scores."""
        labels = [part.label_ids for part in parts if part.label_ids is not None]
        weights = None
        # Four bytes for each pixel of every crop: only where one of the sets has weights.
        if any(part.weights is not None for part in parts):
            weights = tuple(weight for part in parts for weight in _weights_of(part))
        return cls(
            Masks.concatenate([part.masks for part in parts]),
            tuple(prompt for part in parts for prompt in part.prompts),
            np.concatenate([part.quality for part in parts]),
            np.concatenate(labels) if len(labels) == len(parts) else None,
            weights=weights,
        )

    def whys(self, rivals: Sequence[str], rival_scores: Array) -> tuple[Why, ...]:
        """Why each region is there, given the word that came second for each, and its score."""
        columns = (self.prompts, rivals, rival_scores.tolist(), self.quality.tolist())
        return tuple(Why(*row) for row in zip(*columns, strict=True))


def describe_point(xy: Sequence[float] | Array, word: str = "point") -> str:
    """A point as `Why.prompt` says it."""
    x, y = xy
    return f"{word} {x:.0f},{y:.0f}"


def describe_box(xyxy: Sequence[float] | Array) -> str:
    """A box as `Why.prompt` says it."""
    return "box " + ",".join(f"{side:.0f}" for side in xyxy)


def _weights_of(part: Candidates) -> tuple[Array, ...]:
    """A set without weights weighs the same everywhere."""
    if part.weights is not None:
        return part.weights
    return tuple(crop.astype(np.float32) for crop in part.masks.crops)
