"""Counts and figures as JSON: plain numbers, and of small arrays the rows that hold something."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array


def plain(value: Any) -> Any:
    """The same value in what JSON has: numpy's numbers become Python's, NaN and infinity null.

    >>> plain({"a": np.float64("nan"), "b": (np.int32(3), 0.5)})
    {'a': None, 'b': [3, 0.5]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


def number(value: Any) -> float:
    """A number that JSON wrote; null is NaN again."""
    return float("nan") if value is None else float(value)


def sparse_rows(array: Array) -> list[list[Any]]:
    """(N, K) -> rows [index, values ...], rows of zeros left out.

    >>> sparse_rows(np.array([[0, 0], [3, 1]]))
    [[1, 3, 1]]
    """
    return [[int(row), *array[row].tolist()] for row in np.flatnonzero(array.any(1)).tolist()]


def dense_rows(rows: Sequence[Sequence[Any]], count: int, columns: int) -> Array:
    """The (count, columns) float64 array that `sparse_rows` was given."""
    array = np.zeros((count, columns))
    for row, *values in rows:
        array[row] = values
    return array
