"""Boxes: (N, 4) x0 y0 x1 y1 in the picture's coordinates, exclusive ends, whole or fractions.

An empty box (x1 <= x0 or y1 <= y0) has area 0 and meets nothing.
"""

import numpy as np

from wordmask.core.image import Array, Size


def clip(xyxy: Array, size: Size) -> Array:
    """The part of each box inside a picture of `size`.

    >>> clip(np.array([[-2, 1, 9, 3]]), (2, 5)).tolist()
    [[0, 1, 5, 2]]
    """
    height, width = size
    return np.clip(_rows(xyxy), 0, [width, height, width, height])


def area(xyxy: Array) -> Array:
    """(N,) widths times heights."""
    rows = _rows(xyxy)
    sides = np.maximum(rows[:, 2:] - rows[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1])


def iou(first: Array, second: Array) -> Array:
    """(N, M) intersection over union; 0 where both are empty."""
    shared = intersections(first, second)
    union = area(first)[:, None] + area(second)[None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros(shared.shape), where=union > 0))


def intersections(first: Array, second: Array) -> Array:
    """(N, M) area that each pair shares."""
    one, two = _rows(first)[:, None], _rows(second)[None]
    sides = np.minimum(one[..., 2:], two[..., 2:]) - np.maximum(one[..., :2], two[..., :2])
    return np.asarray(np.maximum(sides, 0).prod(-1))


def nms(xyxy: Array, scores: Array, limit: float = 0.7, groups: Array | None = None) -> Array:
    """(K,) rows that stay, best first: a box goes if a better one has an IoU above `limit` with it.

    With `groups` (N,) only boxes of one group compete. Ties: the larger box, then the one further
    up and left.
    """
    rows = _rows(xyxy)
    same = iou(rows, rows) > limit
    if groups is not None:
        same &= np.asarray(groups)[:, None] == np.asarray(groups)[None]
    alive = np.ones(len(rows), bool)
    order = np.lexsort((rows[:, 0], rows[:, 1], -area(rows), -np.asarray(scores, np.float64)))
    kept = []
    for row in order.tolist():
        if alive[row]:
            kept.append(row)
            alive &= ~same[row]
    return np.array(kept, np.int64)


def _rows(xyxy: Array) -> Array:
    return np.asarray(xyxy).reshape(-1, 4)
