"""What lies inside masks: how much of each grid cell they cover, the mean feature under them."""

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks


def coverage(masks: Masks, grid: tuple[int, int]) -> Array:
    """(N, h, w) float32: the share of each cell's pixels that is in each mask.

    Works on the crops, so the cost follows the masks' areas; a one-pixel mask keeps its weight.
    """
    shares = np.zeros((len(masks), *grid), np.float32)
    rows, columns = _cells(masks.size[0], grid[0]), _cells(masks.size[1], grid[1])
    heights = np.bincount(rows, minlength=grid[0])
    widths = np.bincount(columns, minlength=grid[1])
    boxes = masks.boxes.tolist()
    for share, crop, (x0, y0, x1, y1) in zip(shares, masks.crops, boxes, strict=True):
        if not crop.size:
            continue
        tops, lefts = _starts(rows[y0:y1]), _starts(columns[x0:x1])
        sums = np.add.reduceat(crop, tops, axis=0, dtype=np.float32)
        sums = np.add.reduceat(sums, lefts, axis=1)
        share[np.ix_(rows[y0:y1][tops], columns[x0:x1][lefts])] = sums
    shares /= np.maximum(heights[:, None] * widths[None], 1)
    return shares


def mean_weights_around(masks: Masks, grid: tuple[int, int], share: float) -> Array:
    """(N, h * w) float32: the weight of each cell in a mean around each mask, summing to 1.

    Around it is what is nearer than `share` of the side of a square of its area, and at least a
    cell; a mask that leaves nothing around it has zeros.
    """
    inside = coverage(masks, grid)
    around = np.empty_like(inside)
    for mine, own in zip(around, inside, strict=True):
        reach = max(1, round(share * float(np.sqrt(own.sum()))))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        mine[:] = cv2.dilate(own, disc) - own
    return _rows_to_one(around)


def mean_inside(masks: Masks, values: Array) -> Array:
    """(N, D): the mean under each mask of `values` (h, w, D), a grid over the whole picture."""
    grid = (values.shape[0], values.shape[1])
    pooled: Array = mean_weights(masks, grid) @ values.reshape(grid[0] * grid[1], -1)
    return pooled


def mean_weights(masks: Masks, grid: tuple[int, int]) -> Array:
    """(N, h * w) float32: the weight of each cell in a mean under each mask, summing to 1."""
    return _rows_to_one(coverage(masks, grid))


def _rows_to_one(weights: Array) -> Array:
    """(N, h, w) to rows (N, h * w) that sum to 1, but for rows of zeros."""
    rows = weights.reshape(len(weights), weights.shape[1] * weights.shape[2])
    rows /= np.maximum(rows.sum(1, keepdims=True), 1e-12)
    return rows


def unit(rows: Array) -> Array:
    """Rows scaled to length 1; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: Array = rows / np.maximum(lengths, 1e-12)
    return scaled


def _cells(side: int, cells: int) -> Array:
    """The cell under each pixel's centre."""
    return (2 * np.arange(side, dtype=np.int64) + 1) * cells // (2 * side)


def _starts(cells: Array) -> Array:
    """Places in an ascending row of cell numbers where a new cell begins."""
    return np.flatnonzero(np.r_[True, np.diff(cells) > 0])
