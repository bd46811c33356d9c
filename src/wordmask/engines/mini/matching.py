"""Cells of a new frame matched with cells that are remembered: which of them are the object's?

A cell asks the remembered ones that are most like it and near where it may have come from. Each of
them votes for what it was, object or not. Likeness is a cosine; nearness is a Gaussian of the
distance, which as (p . q - p^2 / 2 - q^2 / 2) / sigma^2 is four more columns of the same product.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array

SCALE = 24.0  # of the softmax over the votes
VOTES = 20  # cells that vote
# The best of so many groups of cells are compared: sorting them all takes ten times as long.
GROUPS = 128
FAR = -9.0  # likeness of what fills up a group


@dataclass(frozen=True, eq=False)
class Cells:
    """What is remembered of N cells of one frame."""

    features: Array  # (N, D) float32 unit rows
    places: Array  # (N, 2) float32, in any unit that the asking cells share
    inside: Array  # (N,) float32: how much of the object each holds

    @property
    def nbytes(self) -> int:
        return int(self.features.nbytes + self.places.nbytes + self.inside.nbytes)


@dataclass(frozen=True, eq=False)
class Question:
    """Where cells look: in `cells`, from `places` (n, 2), with `sigma` (2,) in the same unit."""

    cells: Cells
    places: Array
    sigma: Array


def vote(features: Array, questions: Sequence[Question]) -> Array:
    """(n,) float32 share of the votes for "object" that n cells with these features (n, D) get."""
    best: list[Array] = []
    votes: list[Array] = []
    for question in questions:
        asking = _with_places(features, question.places / question.sigma, ask=True)
        cells = question.cells
        known = _with_places(cells.features, cells.places / question.sigma, ask=False)
        for is_object in (True, False):
            rows = known[(cells.inside > 0.5) == is_object]
            if len(rows):
                best.append(_best_of_groups(asking @ rows.T))
                votes.append(np.full(best[-1].shape[1], is_object, np.float32))
    alike = np.concatenate(best, 1)
    return _softmax_of_top(alike, np.concatenate(votes))


def _softmax_of_top(alike: Array, votes: Array) -> Array:
    last = max(0, alike.shape[1] - VOTES)
    least = np.partition(alike, last, axis=1)[:, last, None]
    weights = np.exp(SCALE * (alike - alike.max(1, keepdims=True)))
    weights *= alike >= least
    share: Array = (weights @ votes) / weights.sum(1)
    return share


def _best_of_groups(alike: Array) -> Array:
    """(n, at most GROUPS): the likest of each group of columns, which are far apart."""
    count, width = alike.shape
    if width <= GROUPS:
        return alike
    rows = -(-width // GROUPS)
    whole = (rows - 1) * GROUPS
    best: Array = alike[:, :whole].reshape(count, rows - 1, GROUPS).max(1)
    rest = width - whole
    np.maximum(best[:, :rest], alike[:, whole:], out=best[:, :rest])
    return best


def _with_places(features: Array, places: Array, *, ask: bool) -> Array:
    """(N, D + 4): features, and the columns whose product is the log of the Gaussian / SCALE."""
    half = -0.5 * (places**2).sum(1, keepdims=True)
    ones = np.ones_like(half)
    columns = [places, half, ones] if ask else [places / SCALE, ones / SCALE, half / SCALE]
    return np.concatenate([features, *columns], 1, dtype=np.float32)
