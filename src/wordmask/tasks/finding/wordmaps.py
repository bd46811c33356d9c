"""How probable each word is in each cell of a picture, and under each mask."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.core.protocols import FeatureMap
from wordmask.ops import pool, resample
from wordmask.ops.odds import log_odds, sigmoid, softmax_in_place
from wordmask.tasks.finding.classes import (
    Judges,
    choose_judges,
    class_planes,
    class_shares,
    class_support,
)

PEAK_CELLS = 30  # the most probable cells of a word that say whether it is in the picture
ABSENT_SHARE = 0.02  # share of its probability that an absent word keeps
LEAST = np.float32(1e-4)  # lower probabilities count as this one when cells are interpolated


@dataclass(frozen=True, eq=False)
class WordMaps:
    """Probability of every word in every cell of a grid over the picture."""

    features: FeatureMap
    texts: Array  # (S, D) unit rows, one for each spelling of a word
    starts: Array  # (C,) each word's first row in `texts`

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def size(self) -> Size:
        """The picture's."""
        return self.features.size

    @cached_property
    def probabilities(self) -> Array:
        """(C + 1, h, w) float32, summing to 1 in every cell.

        The last plane is "none of these"; it is zero if the engine cannot say so.
        """
        height, width, dims = self.features.vectors.shape
        # One array of words x cells, changed in place: with 1,000 words every copy costs as much
        # as the matrix product.
        planes = np.empty((len(self) + 1, height * width), np.float32)
        self._logits(self.features.vectors.reshape(-1, dims), out=planes[:-1])
        none = self._none()
        planes[-1] = -np.inf if none is None else none
        self._add_support(planes)
        gains = self._context_gains
        if gains is not None:
            planes[:-1] += np.minimum(gains, 0)[:, None]
        softmax_in_place(planes)
        if gains is not None:
            raise_likely_words(planes, gains)
        if self.features.presence > 0:
            suppress_absent_words(planes, self._needed_peaks)
        self._add_class_words(planes)
        return planes.reshape(-1, height, width)

    @cached_property
    def unknown(self) -> Array:
        """(C,) bool: words of which the engine says that it does not know them."""
        return np.zeros(len(self), bool) if self._judges is None else self._judges.unknown

    @cached_property
    def _judges(self) -> Judges | None:
        classes = self.features.classes
        return None if classes is None else choose_judges(classes.names, self.texts, self.starts)

    @property
    def _grid(self) -> Size:
        height, width, _ = self.features.vectors.shape
        return height, width

    def _add_support(self, logits: Array) -> None:
        """In place, (C + 1, cells): classes support learned words and stand for the others."""
        classes, judges = self.features.classes, self._judges
        if classes is None or judges is None:
            return
        logits[judges.by_class.rows] = -np.inf
        if len(judges.supported.rows):
            rows, support = class_support(classes, judges.supported.members, self._grid)
            logits[judges.supported.rows[rows]] += support.reshape(len(rows), logits.shape[1])

    @cached_property
    def _context_odds(self) -> Array:
        """(C,): log-odds that each word is in the picture; NaN where nothing says so."""
        context, judges = self.features.context, self._judges
        odds = np.full(len(self), np.nan)
        if context is None or judges is None:
            return odds
        of_words = np.maximum.reduceat(context.log_odds(self.texts), self.starts)
        odds[judges.learned] = of_words[judges.learned]
        return odds

    @property
    def _context_gains(self) -> Array | None:
        """(C,) float32: what each word gains or loses by the picture as a whole."""
        if self.features.context is None:
            return None
        gains = self.features.context.gains(self._context_odds)
        return np.nan_to_num(gains).astype(np.float32)

    @property
    def _needed_peaks(self) -> Array:
        """(C,): the peak from which each word counts as present."""
        needed = np.full(len(self), self.features.presence)
        context = self.features.context
        if context is not None:
            likely = sigmoid(context.limit - context.peak_share * self._context_odds)
            needed = np.where(np.isnan(likely), needed, likely)
        return needed.astype(np.float32)

    def _add_class_words(self, planes: Array) -> None:
        """In place: the words that classes judge, (C + 1, cells); the others share the rest."""
        classes, judges = self.features.classes, self._judges
        if classes is None or judges is None or not len(judges.by_class.rows):
            return
        own = class_planes(classes, judges.by_class.members, self._grid)
        own = own.reshape(len(own), planes.shape[1])
        planes *= 1 - own.sum(0)
        planes[judges.by_class.rows] = own

    def _logits(self, vectors: Array, out: Array | None = None) -> Array:
        """(C, N) for (N, D) unit rows; a word's logit is that of its nearest spelling."""
        scaled = self.features.scale * self.texts
        if len(self.texts) == len(self):
            return np.matmul(scaled, vectors.T, out=out)
        nearest: Array = np.maximum.reduceat(scaled @ vectors.T, self.starts, axis=0, out=out)
        return nearest

    def _none(self) -> Array | None:
        """(h * w,) logit of "none of these": the engine's own and that of competing words."""
        own = None if self.features.none is None else self.features.none.reshape(-1)
        if self.features.rivals is None:
            return own
        rivals = self.features.rivals.against(self.texts)
        vectors = self.features.vectors.reshape(-1, self.features.vectors.shape[2])
        logits = self.features.scale * (rivals @ vectors.T)
        if own is not None:
            logits = np.concatenate([logits, own[None]])
        together: Array = np.logaddexp.reduce(logits, axis=0)
        return together

    def winners(self, grid: Size) -> tuple[Array, Array]:
        """Word ids (K,) that win somewhere, and their planes (K, h, w); the last is always "none".

        A word that wins no cell of the feature grid is left out; with 1,000 words that is nearly
        all of them.
        """
        winning = _winning_rows(self.probabilities.reshape(len(self) + 1, -1))
        rows = np.union1d(winning, len(self))
        planes = [interpolate(self.probabilities[row], grid) for row in rows]
        return rows, np.stack(planes)

    def under(self, masks: Masks) -> Array:
        """(N, C + 1): the mean probability of every word, and of none, under each mask."""
        return pool.mean_inside(masks, np.moveaxis(self.probabilities, 0, -1))

    def of_regions(self, masks: Masks, vectors: Array | None = None) -> Array:
        """(N, C + 1): what each mask shows, if it shows one of the words.

        Where the segmenter gave a unit vector for each cut (N, D), two opinions are joined by their
        geometric mean, as in OVSAM. Words that classes judge are judged by those under the mask.
        """
        shares = self.under(masks)
        if vectors is not None:
            shares[:, :-1] = np.sqrt(shares[:, :-1] * self._of_vectors(vectors))
        classes, judges = self.features.classes, self._judges
        if classes is None or judges is None or not len(judges.by_class.rows):
            return _share_out(shares)
        own = class_shares(classes, judges.by_class.members, masks)
        shares[:, judges.by_class.rows] = 0
        named: Array = _share_out(shares) * (1 - own.sum(1, keepdims=True))
        named[:, judges.by_class.rows] = own
        return named

    def _of_vectors(self, vectors: Array) -> Array:
        """(N, C): the probability of every word for (N, D) unit vectors of single regions."""
        planes = self._logits(vectors)
        softmax_in_place(planes)
        shares: Array = planes.T
        return shares

    def calibrate(self, scores: Array, areas: Array) -> Array:
        """How often a region of this mean probability and area in pixels is right, (N,) of (N,)."""
        height, width = self.size
        return curve(scores, areas / (height * width), *self.features.calibration)


def _share_out(shares: Array) -> Array:
    """Rows that sum to 1."""
    fractions: Array = shares / np.maximum(shares.sum(1, keepdims=True), 1e-12)
    return fractions


def interpolate(plane: Array, grid: Size) -> Array:
    """Probabilities of cells on another grid.

    Logarithms are interpolated: on probabilities a faint word would win every seam between two
    other words.
    """
    if plane.shape == grid:
        return plane
    logarithms = np.log(np.maximum(plane, LEAST))
    finer: Array = np.exp(resample.bilinear(logarithms, grid))
    return finer


def raise_likely_words(planes: Array, gains: Array) -> None:
    """In place, (C + 1, cells): words with positive `gains` (C,) in logits, unless they are sure.

    A word gains the less the higher its most probable cells are without it.
    """
    rows = np.flatnonzero(gains > 0)
    if not len(rows):
        return
    factors = np.exp(gains[rows] * (1 - _peaks(planes[rows])))[:, None]
    planes /= 1 + ((factors - 1) * planes[rows]).sum(0)
    planes[rows] *= factors


def _peaks(planes: Array) -> Array:
    """(W,): the mean of the most probable cells of (W, cells)."""
    cells = min(PEAK_CELLS, planes.shape[1])
    means: Array = np.partition(planes, -cells, axis=1)[:, -cells:].mean(1)
    return means


def suppress_absent_words(planes: Array, needed: Array) -> None:
    """In place, (C + 1, cells): most of the probability of absent words goes to "none".

    A word is in the picture if its most probable cells reach `needed` (C,) on average. Most words
    of a long list are not, and each would still win a few cells somewhere.
    """
    words = planes[:-1]
    # Nearly all words of a long list peak lower than this: nothing to average.
    absent = words.max(1) < needed
    rest = np.flatnonzero(~absent)
    absent[rest] = _peaks(words[rest]) < needed[rest]
    planes[-1] += (1 - ABSENT_SHARE) * (absent.astype(np.float32) @ words)
    words *= np.where(absent, np.float32(ABSENT_SHARE), np.float32(1))[:, None]


def _winning_rows(planes: Array) -> Array:
    """Rows of (C, cells) that are the highest of some cell."""
    # A row that is lower everywhere than the lowest winner cannot win.
    candidates = np.flatnonzero(planes.max(1) >= planes.max(0).min())
    rows: Array = candidates[np.unique(planes[candidates].argmax(0))]
    return rows


def runners_up(
    shares: Array, label_ids: Array, names: tuple[str, ...]
) -> tuple[tuple[str, ...], Array]:
    """The word that came second in each row of (N, C + 1) probabilities, and its probability."""
    rows = np.arange(len(shares))
    others = shares.copy()
    others[rows, label_ids] = -1
    second = others.argmax(1)
    all_names = (*names, "none of these")
    return tuple(all_names[row] for row in second), others[rows, second]


def curve(scores: Array, shares: Array, slope: float, offset: float, size: float) -> Array:
    """A calibrated score from a mean probability and a share of the picture, by three numbers.

    Its log-odds are slope * logit(score) + offset + size * log(share).
    """
    logits = log_odds(scores, 1e-6)
    return sigmoid(slope * logits + offset + size * np.log(np.maximum(shares, 1e-9)))
