"""How probable each word is in each cell of a picture, and under each mask."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.core.protocols import FeatureMap
from wordmask.ops import pool, resample
from wordmask.ops.odds import log_odds, log_sum_exp, sigmoid, softmax_in_place
from wordmask.tasks.finding.classes import (
    Judges,
    choose_judges,
    class_planes,
    class_shares,
    class_support,
)
from wordmask.tasks.finding.sharpen import CellLooks, sharpen
from wordmask.tasks.finding.wordcells import ExtraLogits, WeighedWords, WordCells, weigh_words

# A region's words are held against those around it: how far from it, as a share of its size, and
# what probability there counts as little. (A bag that a person holds is not "person".)
AROUND = 0.3
LITTLE = 0.05
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
        planes = [self._cells.planes(np.arange(len(self))), self._cells.none[None]]
        return np.concatenate(planes).reshape(-1, *self._grid)

    @cached_property
    def _cells(self) -> WordCells:
        vectors = self.features.vectors.reshape(-1, self.features.vectors.shape[2])
        gains = self._context_gains
        words = self._weighed_words(gains)
        cells = weigh_words(vectors, words, self._none(), self._support())
        if (gains > 0).any():
            cells.raise_likely(gains)
        if self.features.presence > 0 and len(words.ids):
            cells.suppress_absent(self._needed_peaks)
        self._put_class_words(cells)
        return cells

    def _weighed_words(self, gains: Array) -> WeighedWords:
        """Those that the vectors judge, and those that nobody knows."""
        weighed = np.ones(len(self), bool)
        if self._judges is not None:
            weighed[self._judges.by_class.rows] = False
        counts = np.diff(self.starts, append=len(self.texts))
        texts = self.texts[np.repeat(weighed, counts)] * np.float32(self.features.scale)
        starts = np.cumsum(counts[weighed]) - counts[weighed]
        losses = np.minimum(gains[weighed], 0)
        return WeighedWords(len(self), np.flatnonzero(weighed), texts, starts, losses)

    @property
    def cell_area(self) -> float:
        """Pixels of the picture in each cell."""
        return float(np.prod(self.size) / np.prod(self._grid))

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

    def _support(self) -> ExtraLogits:
        """What classes add to learned words."""
        classes, judges, cells = self.features.classes, self._judges, np.prod(self._grid)
        if classes is None or judges is None or not len(judges.supported.rows):
            return ExtraLogits(np.zeros(0, np.int64), np.zeros((0, cells), np.float32))
        rows, support = class_support(classes, judges.supported.members, self._grid)
        return ExtraLogits(judges.supported.rows[rows], support.reshape(len(rows), cells))

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
    def _context_gains(self) -> Array:
        """(C,) float32: what each word gains or loses by the picture as a whole."""
        if self.features.context is None:
            return np.zeros(len(self), np.float32)
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

    def _put_class_words(self, cells: WordCells) -> None:
        """The words that classes judge; the others share the rest."""
        classes, judges = self.features.classes, self._judges
        if classes is None or judges is None or not len(judges.by_class.rows):
            return
        rows, planes = class_planes(classes, judges.by_class.members, self._grid)
        if len(rows):
            words = judges.by_class.rows[rows]
            cells.insert(words, sharpen(planes.reshape(len(rows), -1), self._looks(words)))

    def _looks(self, words: Array) -> CellLooks:
        """What the cells look like, told without these words."""
        vectors = pool.unit(self.features.vectors.reshape(-1, self.features.vectors.shape[2]))
        rivals = self.features.rivals
        if rivals is None:
            return CellLooks(vectors, np.zeros((len(vectors), 0)), np.zeros((len(words), 0), bool))
        logits = (np.float32(self.features.scale) * vectors) @ rivals.vectors.T
        shares = np.exp(logits - logits.max(1, keepdims=True))
        ends = np.append(self.starts[1:], len(self.texts))
        competes = np.zeros((len(words), len(rivals.vectors)), bool)
        for row, word in zip(competes, words, strict=True):
            row[rivals.rows_against(self.texts[self.starts[word] : ends[word]])] = True
        return CellLooks(vectors, shares, competes)

    def _none(self) -> Array:
        """(h * w,) logit of "none of these": the engine's own and that of competing words."""
        vectors = self.features.vectors.reshape(-1, self.features.vectors.shape[2])
        own = np.full(len(vectors), -np.inf, np.float32)
        if self.features.none is not None:
            own = self.features.none.reshape(-1)
        if self.features.rivals is None:
            return own
        rivals = self.features.rivals.against(self.texts)
        logits = (np.float32(self.features.scale) * rivals) @ vectors.T
        together: Array = np.logaddexp(log_sum_exp(logits), own)
        return together

    def winners(self, grid: Size) -> tuple[Array, Array]:
        """Word ids (K,) that win somewhere, and their planes (K, h, w); the last is always "none".

        A word that wins no cell of the feature grid is left out; with 1,000 words that is nearly
        all of them.
        """
        words, _ = self._winners
        words = words[words < len(self)]
        planes = np.concatenate([self._cells.planes(words), self._cells.none[None]])
        finer = [interpolate(plane.reshape(self._grid), grid) for plane in planes]
        return np.append(words, len(self)), np.stack(finer)

    @cached_property
    def _winners(self) -> tuple[Array, Array]:
        return self._cells.winners()

    def best_cells(self, words: Array) -> tuple[Array, Array]:
        """(k,) how probable these words are where they are most so, and (k,) what wins there."""
        cells, own = self._cells.best_cells(words)
        return own, self._winners[1][cells]

    def under(self, masks: Masks) -> Array:
        """(N, C + 1): the mean probability of every word, and of none, under each mask."""
        return self._cells.mean(pool.mean_weights(masks, self._grid))

    def _around(self, masks: Masks) -> Array:
        """(N, C + 1): the mean probability of every word, and of none, around each mask."""
        return self._cells.mean(pool.mean_weights_around(masks, self._grid, AROUND))

    def of_regions(self, masks: Masks, vectors: Array | None = None) -> Array:
        """(N, C + 1): what each mask shows, if it shows one of the words.

        A word that is as probable around a mask as in it is rather what the thing lies on. Where
        the segmenter gave a unit vector for each cut (N, D), two opinions are joined by their
        geometric mean, as in OVSAM. Words that classes judge are judged by those under the mask.
        """
        shares = self.under(masks)
        if vectors is not None:
            shares[:, :-1] = np.sqrt(shares[:, :-1] * self._of_vectors(vectors))
        shares /= self._around(masks) + LITTLE
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
        scaled = self.features.scale * self.texts
        planes = np.maximum.reduceat(scaled @ vectors.T, self.starts, axis=0)
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
