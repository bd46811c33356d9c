"""Pairs between two sets: truth and prediction, tracks and detections."""

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.errors import InputError


def assign(cost: Array, gate: float) -> Array:
    """(K, 2) pairs (row, column) of least total cost, rows ascending; no pair costs more than `gate`.

    Leaving a row and a column alone costs as much as the gate: a cheap pair is not given up so that a
    dear one becomes possible (Hungarian method). Infinite costs forbid a pair.

    >>> assign(np.array([[0.1, 0.9], [0.2, 0.3]]), gate=0.5).tolist()
    [[0, 0], [1, 1]]
    """
    from scipy.optimize import linear_sum_assignment

    cost = np.asarray(cost, np.float64)
    if cost.ndim != 2 or not (cost > -np.inf).all():
        raise InputError(f"costs are (N, M) numbers, no NaN, none minus infinity; got {cost.shape}")
    # Above the gate every pair costs the same: as much as none.
    rows, columns = linear_sum_assignment(np.minimum(cost, np.nextafter(gate, np.inf)))
    pairs = np.stack([rows, columns], 1).astype(np.int64)
    return np.asarray(pairs[cost[rows, columns] <= gate])


def by_iou(first: Masks, second: Masks, least: float = 0.5) -> Array:
    """(K, 2) pairs of masks with the greatest total IoU, each at least `least`."""
    return assign(1 - first.iou(second), 1 - least)


def alone(pairs: Array, count: int, side: int) -> Array:
    """Which of `count` rows (side 0) or columns (side 1) are in no pair, ascending."""
    return np.setdiff1d(np.arange(count), pairs[:, side])
