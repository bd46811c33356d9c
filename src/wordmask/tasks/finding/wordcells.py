"""Probabilities of many words in many cells, kept so that a long list costs little.

Most words of a long list are nowhere, but each must be weighed in every cell. So the matrix of
cells x words is written once, a block of cells at a time while it is in the processor's cache.
What later scales a whole word or a whole cell is kept beside it, and only the words that can still
win a cell are looked at again.
"""

from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array

PEAK_CELLS = 30  # the most probable cells of a word that say whether it is in the picture
ABSENT_SHARE = 0.02  # share of its probability that an absent word keeps
BLOCK_VALUES = 1 << 21  # 8 MB
NEAR_CELLS = 64  # cells that are searched at once for a word's best one
MODERATE = 60.0  # logits up to this need no shift before they are exponents
LOWEST, TINY = np.float32(-1e30), np.float32(1e-30)  # where there is neither a word nor "none"
ROUNDING = np.float32(1.001)


class WeighedWords(NamedTuple):
    """The V words of a softmax, of W in all; each is spelled in one or more ways."""

    total: int  # W
    ids: Array  # (V,)
    texts: Array  # (S, D) float32, whose products with vectors are logits
    starts: Array  # (V,) each word's first row
    losses: Array  # (V,) float32, what is added to a word's logits in every cell, at most 0


class ExtraLogits(NamedTuple):
    """What is added to the logits of some words."""

    words: Array  # (R,)
    logits: Array  # (R, N)


class WordCells:
    """How probable each of W words is in each of N cells; with "none of these" they sum to 1."""

    def __init__(self, values: Array, none: Array, words: WeighedWords, peaks: Array) -> None:
        self._values = values  # (N, V) of the weighed words, before anything was scaled
        self._inserted = np.zeros((1, len(values)), np.float32)  # rows of others; first: nowhere
        self._columns = np.full(words.total, len(words.ids))  # (W,) in the one, then the other
        self._columns[words.ids] = np.arange(len(words.ids))
        self._peaks, self._factors = np.zeros((2, words.total), np.float32)
        self._peaks[words.ids] = peaks  # (W,) the highest value of each word
        self._factors[words.ids] = np.exp(words.losses)
        self._cells = np.ones(len(none), np.float32)
        self._candidates = words.ids  # words that may win a cell
        self.none = none  # (N,)

    def planes(self, words: Array) -> Array:
        """(k, N) of these words."""
        planes = np.empty((len(words), len(self._values)), np.float32)
        weighed, columns, rows = self._find(words)
        planes[weighed] = self._values[:, columns].T
        planes[weighed] *= self._cells
        planes[~weighed] = self._inserted[rows]
        planes *= self._factors[words, None]
        return planes

    def mean(self, weights: Array) -> Array:
        """(M, W + 1): the mean of each word, and of none, for (M, N) weights that sum to 1."""
        parts = [(weights * self._cells) @ self._values, weights @ self._inserted.T]
        means = np.concatenate(parts, 1)[:, self._columns] * self._factors
        return np.concatenate([means, weights @ self.none[:, None]], 1)

    def _find(self, words: Array) -> tuple[Array, Array, Array]:
        """(k,) bool, which words were weighed; their columns, and the rows of the others."""
        columns, weighed = self._columns[words], self._values.shape[1]
        is_weighed = columns < weighed
        return is_weighed, columns[is_weighed], columns[~is_weighed] - weighed

    # ---- what changes them

    def raise_likely(self, gains: Array) -> None:
        """Words with positive `gains` (W,) in logits gain, unless they are sure.

        A word gains the less the higher its most probable cells are without it.
        """
        words = np.flatnonzero(gains > 0)
        planes = self.planes(words)
        factors = np.exp(gains[words] * (1 - peak_means(planes)))
        self._scale(1 / (1 + (factors - 1) @ planes))
        self._factors[words] *= factors

    def suppress_absent(self, needed: Array) -> None:
        """Most of the probability of absent words goes to "none".

        A word is in the picture if its most probable cells reach `needed` (W,) on average. Most
        words of a long list are not, and each would still win a few cells somewhere. An absent word
        keeps less than it gives to "none", so it wins no cell.
        """
        near = np.flatnonzero(self._highest() >= needed)
        planes = self.planes(near)
        is_here = peak_means(planes) >= needed[near]
        here = near[is_here]
        absent = np.maximum(1 - self.none - planes[is_here].sum(0), 0)
        self.none += np.float32(1 - ABSENT_SHARE) * absent
        factors = np.full_like(self._factors, ABSENT_SHARE)
        factors[here] = 1
        self._factors *= factors
        self._candidates = here

    def insert(self, words: Array, planes: Array) -> None:
        """Words that were left out of the softmax, (k, N); the others share the rest."""
        self._scale(1 - planes.sum(0))
        self._columns[words] = self._values.shape[1] + len(self._inserted) + np.arange(len(words))
        self._inserted = np.concatenate([self._inserted, planes])
        self._peaks[words], self._factors[words] = np.inf, 1
        self._candidates = np.union1d(self._candidates, words)

    def _scale(self, factors: Array) -> None:
        self._cells *= factors
        self._inserted *= factors
        self.none *= factors

    # ---- what is highest

    def winners(self) -> tuple[Array, Array]:
        """The words (K,) that are highest in some cell, W for "none"; and (N,) how high."""
        # The highest of a cell is at least the mean of all, and at least "none".
        least = max(1 / (1 + len(self._columns)), float(self.none.min()))
        words = self._candidates[self._highest()[self._candidates] >= least]
        planes = np.concatenate([self.planes(words), self.none[None]])
        rows = np.unique(planes.argmax(0))
        return np.append(words, len(self._columns))[rows], planes.max(0)

    def best_cells(self, words: Array) -> tuple[Array, Array]:
        """The most probable cell of each of these words, and its probability there: (k,), (k,)."""
        cells, shares = np.zeros(len(words), np.intp), np.zeros(len(words), np.float32)
        weighed, columns, rows = self._find(words)
        cells[weighed], shares[weighed] = self._best_of_columns(columns)
        cells[~weighed] = self._inserted.argmax(1)[rows]
        shares[~weighed] = self._inserted.max(1)[rows]
        return cells, shares * self._factors[words]

    def _best_of_columns(self, columns: Array) -> tuple[Array, Array]:
        """The highest of each column, and where: blocks first, then the cells of the best block."""
        starts = np.arange(0, len(self._values), NEAR_CELLS)
        parts = [slice(start, start + NEAR_CELLS) for start in starts]
        highest = [(self._values[part] * self._cells[part, None]).max(0) for part in parts]
        firsts = starts[np.array(highest)[:, columns].argmax(0)]
        cells = np.minimum(firsts + np.arange(NEAR_CELLS)[:, None], len(self._values) - 1)
        shares = self._values[cells, columns] * self._cells[cells]
        best = shares.argmax(0), np.arange(len(columns))
        return cells[best], shares[best]

    def _highest(self) -> Array:
        """(W,) what no cell of each word exceeds."""
        highest: Array = self._peaks * self._factors * (self._cells.max() * ROUNDING)
        return highest


def weigh_words(vectors: Array, words: WeighedWords, none: Array, extra: ExtraLogits) -> WordCells:
    """Softmax over the words and "none", of whose logits (N,), for vectors (N, D)."""
    cells = len(vectors)
    values = np.empty((cells, len(words.ids)), np.float32)
    left, peaks = np.empty(cells, np.float32), np.zeros(len(words.ids), np.float32)
    columns, factors = np.searchsorted(words.ids, extra.words), np.exp(words.losses)
    step = max(1, BLOCK_VALUES // max(1, len(words.texts)))
    for start in range(0, cells, step):
        part = slice(start, start + step)
        logits = values[part]
        _multiply(vectors[part], words, out=logits)
        logits[:, columns] += extra.logits[:, part].T
        left[part] = _softmax(logits, none[part], factors)
        np.maximum(peaks, logits.max(0), out=peaks)
    return WordCells(values, left, words, peaks)


def peak_means(planes: Array) -> Array:
    """(W,): the mean of the most probable cells of (W, N)."""
    cells = min(PEAK_CELLS, planes.shape[1])
    means: Array = np.partition(planes, -cells, axis=1)[:, -cells:].mean(1)
    return means


def _multiply(vectors: Array, words: WeighedWords, out: Array) -> None:
    """(B, V) logits; a word's is that of its nearest spelling."""
    if len(words.texts) == len(words.starts):
        np.matmul(vectors, words.texts.T, out=out)
    else:
        np.maximum.reduceat(vectors @ words.texts.T, words.starts, axis=1, out=out)


def _softmax(logits: Array, none: Array, factors: Array) -> Array:
    """In place, (B, V), but for the words' factors; (B,) of "none", whose logits are given."""
    highest = np.maximum(logits.max(1, initial=LOWEST), none)
    if np.abs(highest).max() > MODERATE:
        logits -= highest[:, None]
        none = none - highest
    np.exp(logits, out=logits)
    left = np.exp(none)
    scale = 1 / np.maximum(logits @ factors + left, TINY)
    logits *= scale[:, None]
    share: Array = left * scale
    return share
