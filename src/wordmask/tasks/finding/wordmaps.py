"""Words against a picture's dense features: how probable is each word in each cell, under each mask."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.core.protocols import FeatureMap
from wordmask.ops import pool, resample

PEAK = 30  # cells in which a word must be probable to be in the picture
LEAST = np.float32(1e-4)  # probability that counts as none when cells are mixed
DOUBT = 0.02  # what remains of the probability of a word that is not


@dataclass(frozen=True, eq=False)
class WordMaps:
    """Probability of every word in every cell of a grid over the picture."""

    features: FeatureMap
    texts: Array  # (S, D) unit rows, one for each spelling of a word
    starts: Array  # (C,) each word's first row

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def size(self) -> Size:
        return self.features.size

    @cached_property
    def probabilities(self) -> Array:
        """(C + 1, h, w) float32, summing to 1; the last plane is "none of these" (zero if the engine has none)."""
        height, width, dims = self.features.vectors.shape
        # One array of words x cells, changed in place: with 1,000 words every copy costs as much as the matrix product.
        planes = np.empty((len(self) + 1, height * width), np.float32)
        self._logits(self.features.vectors.reshape(-1, dims), out=planes[:-1])
        none = self._none()
        planes[-1] = -np.inf if none is None else none
        softmax_in_place(planes)
        if self.features.presence > 0:
            doubt_absent_words(planes, self.features.presence)
        return planes.reshape(-1, height, width)

    def _logits(self, vectors: Array, out: Array | None = None) -> Array:
        """(C, N) for (N, D) unit rows: a word is as near as its nearest spelling."""
        scaled = self.features.scale * self.texts
        if len(self.texts) == len(self):
            return np.matmul(scaled, vectors.T, out=out)
        nearest: Array = np.maximum.reduceat(scaled @ vectors.T, self.starts, axis=0, out=out)
        return nearest

    def _none(self) -> Array | None:
        """(h*w,) logit of "none of these": the engine's own, and rival words unlike all words asked for."""
        own = None if self.features.none is None else self.features.none.reshape(-1)
        if self.features.rivals is None:
            return own
        far = self.features.rivals.against(self.texts)
        flat = self.features.vectors.reshape(-1, self.features.vectors.shape[2])
        logits = self.features.scale * (far @ flat.T)
        together: Array = np.logaddexp.reduce(
            logits if own is None else np.concatenate([logits, own[None]]), axis=0
        )
        return together

    def winners(self, grid: Size) -> tuple[Array, Array]:
        """Word ids (K,) that win somewhere, and their planes resized to (K, h, w). The last is always "none".

        A word that wins no cell of the feature grid is left out; with 1,000 words that is nearly all of them.
        """
        winning = _winning(self.probabilities.reshape(len(self) + 1, -1))
        found = np.union1d(winning, len(self))
        return found, np.stack([spread(self.probabilities[k], grid) for k in found])

    def under(self, masks: Masks) -> Array:
        """(N, C + 1): the mean probability of every word, and of none, under each mask."""
        return pool.mean_inside(masks, np.moveaxis(self.probabilities, 0, -1))

    def of_vectors(self, vectors: Array) -> Array:
        """(N, C): the probability of every word for (N, D) unit vectors of single regions."""
        return softmax(self._logits(vectors), None)[:-1].T

    def calibrated(self, scores: Array, areas: Array) -> Array:
        """Mean probabilities under regions of so many pixels -> how often such a region is right."""
        height, width = self.size
        return curve(scores, areas / (height * width), *self.features.calibration)


def spread(plane: Array, grid: Size) -> Array:
    """Probabilities of cells on a finer grid; logarithms are mixed, so that a faint word does not win every seam."""
    if plane.shape == grid:
        return plane
    logarithms = np.log(np.maximum(plane, LEAST))
    finer: Array = np.exp(resample.bilinear(logarithms, grid))
    return finer


def doubt_absent_words(planes: Array, presence: float) -> None:
    """In place, (C + 1, cells): what is sure of itself nowhere is doubted everywhere, most of its share goes to "none".

    Most words of a long list are not in a picture; each would still win a few cells somewhere.
    """
    words = planes[:-1]
    absent = (
        words.max(1) < presence
    )  # nearly all of a long list: what peaks lower has no mean of peaks to look at
    rest = np.flatnonzero(~absent)
    absent[rest] = (
        np.partition(words[rest], -min(PEAK, planes.shape[1]), axis=1)[:, -PEAK:].mean(1) < presence
    )
    planes[-1] += (1 - DOUBT) * (absent.astype(np.float32) @ words)
    words *= np.where(absent, np.float32(DOUBT), np.float32(1))[:, None]


def _winning(planes: Array) -> Array:
    """Rows of (C, cells) that are the highest of some cell. Rows lower than the lowest winner are not looked at."""
    candidates = np.flatnonzero(planes.max(1) >= planes.max(0).min())
    rows: Array = candidates[np.unique(planes[candidates].argmax(0))]
    return rows


def runners_up(
    shares: Array, label_ids: Array, phrases: tuple[str, ...]
) -> tuple[tuple[str, ...], Array]:
    """The word that came second in each row of (N, C + 1) shares, and its share."""
    rows = np.arange(len(shares))
    others = shares.copy()
    others[rows, label_ids] = -1
    second = others.argmax(1)
    names = (*phrases, "none of these")
    return tuple(names[k] for k in second), others[rows, second]


def curve(scores: Array, shares: Array, slope: float, offset: float, size: float) -> Array:
    """The engine's three numbers at work: odds grow with the mean probability and with the share of the picture."""
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    odds = (
        slope * np.log(clipped / (1 - clipped)) + offset + size * np.log(np.maximum(shares, 1e-9))
    )
    right: Array = 1 / (1 + np.exp(-odds))
    return right


def softmax(logits: Array, none: Array | None) -> Array:
    """(C, ...) -> (C + 1, ...): a softmax over the words and "none"."""
    rest = np.full((1, *logits.shape[1:]), -np.inf, np.float32) if none is None else none[None]
    planes = np.concatenate([logits, rest], dtype=np.float32)
    softmax_in_place(planes)
    return planes


def softmax_in_place(planes: Array) -> None:
    """Logits become probabilities over the first axis."""
    planes -= planes.max(0)
    np.exp(planes, out=planes)
    planes /= planes.sum(0)


def otsu(values: Array) -> float:
    """The threshold that parts the values best in two; below them all where they are alike."""
    if len(values) < 2 or float(np.ptp(values)) < 1e-6:
        return 0.0
    ordered = np.sort(values).astype(np.float64)
    counts = np.arange(1, len(ordered))
    sums = np.cumsum(ordered)
    low, high = sums[:-1] / counts, (sums[-1] - sums[:-1]) / (len(ordered) - counts)
    cut = int((counts * (len(ordered) - counts) * (low - high) ** 2).argmax())
    return float((ordered[cut] + ordered[cut + 1]) / 2)
