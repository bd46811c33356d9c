"""Evidence that reaches over a thing's edge, held down where cells do not look like the thing.

A classifier sees large cells: between a rocket and its tower it finds "rocket" as well. The dense
vectors have finer cells. They never learned the word, but they tell what looks like its surest
cells from what looks like the rest of the picture.
"""

from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array
from wordmask.ops import pool
from wordmask.ops.odds import sigmoid

ROUNDS = 3  # what is held down no longer says what the thing looks like
SURE = 0.7  # cells with this share of the highest evidence show the thing
SUREST = 0.9  # cells with this share keep what they have, on average
VECTOR_WEIGHT, WORD_WEIGHT = 20.0, 2.0  # of the two comparisons in the log-odds
LITTLE = 0.01  # probabilities of common words are compared with this much added
TINY = np.float32(1e-30)


@dataclass(frozen=True, eq=False)
class CellLooks:
    """What N cells of a picture look like: their vectors, and which of R common words."""

    vectors: Array  # (N, D) unit rows
    words: Array  # (N, R) how probable each common word is, up to a factor of each cell
    rivals: Array  # (K, R) bool: common words that do not mean the same as one of K words

    def log_odds(self, sure: Array, without: Array) -> Array:
        """(K, N): whether cells look like the `sure` ones of a word or like those `without` it.

        Both are weights (K, N).
        """
        vectors = pool.unit(sure @ self.vectors) - pool.unit(without @ self.vectors)
        totals = self.rivals.astype(np.float32) @ self.words.T + TINY  # (K, N)
        words = self._mean_logs(sure, totals) - self._mean_logs(without, totals)
        odds: Array = WORD_WEIGHT * (words @ self.words.T) / totals
        odds += VECTOR_WEIGHT * (vectors @ self.vectors.T)
        return odds

    def _mean_logs(self, weights: Array, totals: Array) -> Array:
        """(K, R): logarithms of the common words' mean probabilities; 0 where one is no rival."""
        sums = np.maximum(weights.sum(1, keepdims=True), TINY)
        means = (weights / totals) @ self.words / sums
        logs: Array = np.where(self.rivals, np.log(means + LITTLE), 0)
        return logs


def sharpen(evidence: Array, looks: CellLooks) -> Array:
    """(K, N) evidence for words, 0 to 1, without most of it where cells look like other cells."""
    highest = evidence.max(1, keepdims=True)
    surest = evidence >= SUREST * highest
    sharp = evidence
    for _ in range(ROUNDS):
        sure = np.where(sharp >= SURE * sharp.max(1, keepdims=True), sharp, 0) ** 2
        without = np.maximum(1 - sharp / np.maximum(highest, TINY), 0) ** 2
        likely = sigmoid(looks.log_odds(sure, without))
        likely /= (likely * surest).sum(1, keepdims=True) / surest.sum(1, keepdims=True)
        sharp = evidence * np.minimum(likely, 1)
    return sharp
