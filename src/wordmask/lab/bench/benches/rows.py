"""Small arrays as JSON: only the rows that hold something."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array


def sparse_rows(array: Array) -> list[list[Any]]:
    """(N, K) -> rows [index, values ...], rows of zeros left out.

    >>> sparse_rows(np.array([[0, 0], [3, 1]]))
    [[1, 3, 1]]
    """
    return [[int(row), *array[row].tolist()] for row in np.flatnonzero(array.any(1)).tolist()]


def dense_rows(rows: Sequence[Sequence[Any]], count: int, columns: int) -> Array:
    """The (count, columns) float64 array again."""
    array = np.zeros((count, columns))
    for row, *values in rows:
        array[row] = values
    return array


def weighted(weights: Array, rows: Array) -> Array:
    """Sum of (P, ...) rows times (P,) weights."""
    total: Array = np.tensordot(weights.astype(np.float64), rows, 1)
    return total


def mean_over(weights: Array, values: Array) -> float:
    """Weighted mean of (P,) values that are not nan; nan where none is left."""
    known = ~np.isnan(values) & (weights > 0)
    total = float(weights[known].sum())
    return float(weights[known] @ values[known] / total) if total else float("nan")
