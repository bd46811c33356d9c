"""Polygons filled exactly as the COCO API fills them, so that areas and AP agree to the last pixel.

The outline is walked on a grid five times as fine. Where it crosses the centre of a column, the
pixels below in that column change from outside to inside or back (`rleFrPoly` in the COCO API).
"""

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.errors import MaskError

FINE = 5


def fill(ring: Array, size: Size) -> Masks:
    """One mask from a ring (n, 2) of corners x y."""
    if not np.isfinite(ring).all():
        raise MaskError("a polygon's corners must be finite numbers")
    height, width = size
    corners = np.trunc(FINE * ring + 0.5).astype(np.int64)
    ends = np.roll(corners, -1, 0)
    path = np.concatenate([_walk(start, end) for start, end in zip(corners, ends, strict=True)])
    before, after = path[:-1], path[1:]
    step = after[:, 0] != before[:, 0]
    column = (np.minimum(after[step, 0], before[step, 0]) + 0.5) / FINE - 0.5
    row = (np.minimum(after[step, 1], before[step, 1]) + 0.5) / FINE - 0.5
    crosses = (np.floor(column) == column) & (column >= 0) & (column <= width - 1)
    rows = np.ceil(np.clip(row[crosses], 0, height)).astype(np.int64)
    turns = np.zeros(height * width + 1, np.int64)
    np.add.at(turns, column[crosses].astype(np.int64) * height + rows, 1)
    inside = (np.cumsum(turns[:-1]) % 2 == 1).reshape(width, height).T
    return Masks.from_dense(inside)


def _walk(start: Array, end: Array) -> Array:
    """(n, 2) grid points from start to end, one for each step along the longer axis."""
    span = np.abs(end - start)
    long = int(span[1] > span[0])
    low, high = (start, end) if start[long] <= end[long] else (end, start)
    steps = np.arange(span[long] + 1)
    slope = (high[1 - long] - low[1 - long]) / span[long] if span[long] else 0.0
    points = np.empty((len(steps), 2), np.int64)
    points[:, long] = low[long] + steps
    points[:, 1 - long] = np.trunc(low[1 - long] + slope * steps + 0.5).astype(np.int64)
    return points if low is start else points[::-1]
