"""Boxes: (N, 4) x0 y0 x1 y1 with exclusive ends, in the picture's coordinates; whole pixels or fractions.

An empty box (x1 <= x0 or y1 <= y0) has area 0 and meets nothing.
"""

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.errors import OptionError


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
    """(K,) indices that stay, best first: a box goes if a better one overlaps it by an IoU above `limit`.

    With `groups` (N,) only boxes of one group compete. Ties: the larger box, then the one further up and left.
    """
    rows = _rows(xyxy)
    rivals = iou(rows, rows) > limit
    if groups is not None:
        rivals &= np.asarray(groups)[:, None] == np.asarray(groups)[None]
    alive = np.ones(len(rows), bool)
    kept = []
    for index in np.lexsort(
        (rows[:, 0], rows[:, 1], -area(rows), -np.asarray(scores, np.float64))
    ).tolist():
        if alive[index]:
            kept.append(index)
            alive &= ~rivals[index]
    return np.array(kept, np.int64)


def expand(xyxy: Array, share: float, size: Size | None = None) -> Array:
    """Boxes about the same centre with sides `1 + share` times as long; cut to the picture where its size is given."""
    if share <= -1:
        raise OptionError(
            f"a box cannot shrink by its whole side; share must be above -1, got {share}"
        )
    rows = np.asarray(_rows(xyxy), np.float64)
    grow = (rows[:, 2:] - rows[:, :2]) * (share / 2)
    grown = np.concatenate([rows[:, :2] - grow, rows[:, 2:] + grow], 1)
    return grown if size is None else clip(grown, size)


def scale(xyxy: Array, old: Size, new: Size) -> Array:
    """Boxes of a picture of size `old`, on the same picture stretched to `new`."""
    fx, fy = new[1] / old[1], new[0] / old[0]
    return np.asarray(_rows(xyxy) * np.array([fx, fy, fx, fy]))


def outward(xyxy: Array, size: Size) -> Array:
    """(N, 4) int64: the smallest boxes of whole pixels around them, inside the picture.

    >>> outward(np.array([[0.2, 1.0, 2.0, 2.1]]), (9, 9)).tolist()
    [[0, 1, 2, 3]]
    """
    rows = _rows(xyxy)
    whole = np.concatenate([np.floor(rows[:, :2]), np.ceil(rows[:, 2:])], 1)
    return clip(whole, size).astype(np.int64)


def _rows(xyxy: Array) -> Array:
    return np.asarray(xyxy).reshape(-1, 4)
