"""Pairs between two sets, such as the tracks of the truth and the tracks that were found."""

from dataclasses import dataclass, field

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import InputError


def assign(costs: Array) -> tuple[Array, Array]:
    """Rows (K,) and columns (K,) of the pairs with the least total cost; K is the shorter side.

    The assignment problem by shortest augmenting paths (Crouse 2016), rows ascending. Of equal
    totals it picks the pairs that SciPy's `linear_sum_assignment` picks.

    >>> rows, columns = assign(np.array([[0.1, 0.9], [0.2, 0.3]]))
    >>> rows.tolist(), columns.tolist()
    ([0, 1], [0, 1])
    """
    costs = np.asarray(costs, np.float64)
    if costs.ndim != 2 or not np.isfinite(costs).all():
        raise InputError(f"costs are (N, M) finite numbers, got {costs.shape}")
    if costs.shape[0] <= costs.shape[1]:
        columns = _Assignment(costs).solve()
        return np.arange(len(columns)), columns
    rows = _Assignment(costs.T).solve()
    order = np.argsort(rows)
    return rows[order], order


@dataclass(eq=False)
class _Path:
    """The shortest way from a free row to a free column, over rows that have a column already."""

    lengths: Array  # (M,) to each column
    before: Array  # (M,) the row from which each column was reached
    rows: list[int]
    columns: list[int] = field(default_factory=list)  # the last one is the free column
    length: float = 0.0


class _Assignment:
    """One row after the other gets a column; N <= M. Prices keep the reduced costs non-negative."""

    def __init__(self, costs: Array) -> None:
        count, width = costs.shape
        self._costs = costs
        self._row_prices, self._column_prices = np.zeros(count), np.zeros(width)
        self._column_of = np.full(count, -1)
        self._row_of = np.full(width, -1)

    def solve(self) -> Array:
        """(N,) the column of each row."""
        for row in range(len(self._costs)):
            path = self._shortest_path(row)
            self._raise_prices(path)
            self._augment(path)
        return self._column_of

    def _shortest_path(self, row: int) -> _Path:
        """Dijkstra's: the nearest column next, until one is free."""
        width = len(self._row_of)
        path = _Path(np.full(width, np.inf), np.full(width, -1), [row])
        remaining = np.arange(width)[::-1].copy()  # reversed, and below swapped, as in SciPy
        for left in range(width, 0, -1):
            columns = remaining[:left]
            lengths = path.length + self._costs[row, columns]
            lengths = lengths - self._row_prices[row] - self._column_prices[columns]
            shorter = lengths < path.lengths[columns]
            path.lengths[columns[shorter]] = lengths[shorter]
            path.before[columns[shorter]] = row
            place = self._nearest(path.lengths[columns], columns)
            column = int(columns[place])
            path.columns.append(column)
            path.length = float(path.lengths[column])
            remaining[place] = remaining[left - 1]
            row = int(self._row_of[column])
            if row < 0:
                break
            path.rows.append(row)
        return path

    def _nearest(self, lengths: Array, columns: Array) -> int:
        """Place of the nearest column; of equals a free one, which ends the search."""
        nearest = np.flatnonzero(lengths == lengths.min())
        free = nearest[self._row_of[columns[nearest]] < 0]
        return int(free[-1] if len(free) else nearest[0])

    def _raise_prices(self, path: _Path) -> None:
        start, others = path.rows[0], path.rows[1:]
        self._row_prices[start] += path.length
        self._row_prices[others] += path.length - path.lengths[self._column_of[others]]
        self._column_prices[path.columns] -= path.length - path.lengths[path.columns]

    def _augment(self, path: _Path) -> None:
        """Each row on the way gives its column to the row before it and takes the next one."""
        column = path.columns[-1]
        while column >= 0:
            row = int(path.before[column])
            self._row_of[column] = row
            self._column_of[row], column = column, int(self._column_of[row])
