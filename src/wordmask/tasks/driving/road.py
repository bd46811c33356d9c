"""The road before the camera: where it is free, how far, and what is painted on it."""

from typing import Annotated, NamedTuple

import cv2
import numpy as np
from annotated_types import Gt, Interval

from wordmask.core.image import Array, Image

BOTTOM = 0.1  # of the height: the camera's own road begins in the lowest rows, about the middle
GAP = 0.01  # of the height: a smaller hole in the road is none
MARK = 0.012  # of the width: markings are narrower
CONTRAST = 25  # grey levels that a marking is brighter than the road around it


class RoadCamera(NamedTuple):
    """What turns rows into metres: a level camera over a flat road."""

    height_m: Annotated[float, Gt(0)]
    focal_px: Annotated[float, Gt(0)]
    horizon: Annotated[float, Interval(ge=0, le=1)]  # row, as a share of the picture's height


def own_road(road: Array) -> Array:
    """(H, W) bool: the piece of the road that reaches the bottom centre; empty where none does."""
    height, width = road.shape
    closed = _close(road, max(1, round(GAP * height)))
    count, pieces = cv2.connectedComponents(closed.astype(np.uint8), connectivity=4)
    low = pieces[height - max(1, round(BOTTOM * height)) :, width // 3 : max(1, 2 * width // 3)]
    sizes = np.bincount(low.ravel(), minlength=count)[1:]
    if not sizes.any():
        return np.zeros_like(road)
    own: Array = pieces == 1 + int(sizes.argmax())
    return own


def free_rows(own: Array) -> Array:
    """(W,) int: the highest row of each column's road, from its lowest up without a gap; H: none.

    The lowest road in a column may begin anywhere: at the bottom, or above the car's own hood.
    """
    height = own.shape[0]
    upward = own[::-1]
    begins = upward.argmax(0)
    shifted = np.arange(height)[:, None] < begins
    is_run = np.logical_and.accumulate(upward | shifted, 0)
    tops: Array = height - is_run.sum(0)
    return np.where(own.any(0), tops, height)


def free_space(own: Array) -> Array:
    """(H, W) bool: the road up to `free_rows` in each column."""
    rows = np.arange(own.shape[0])[:, None]
    space: Array = own & (rows >= free_rows(own))
    return space


def metres(rows: Array, size: tuple[int, int], camera: RoadCamera) -> Array:
    """Distance along the road to rows of the picture: f h / (v - v_horizon); NaN at and above the
    horizon."""
    below = np.asarray(rows, np.float64) - camera.horizon * size[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = np.where(below > 0, camera.focal_px * camera.height_m / below, np.nan)
    return found


def place_on_road(own: Array, foot: tuple[float, float]) -> float | None:
    """Where a foot point stands across the road of its row: 0 at the left edge, 1 at the right one,
    outside of these beside the road; None where the row has no road."""
    x, y = foot
    row = np.flatnonzero(own[int(np.clip(y, 0, own.shape[0] - 1))])
    if not len(row) or row[-1] == row[0]:
        return None
    return float((x - row[0]) / (row[-1] - row[0]))


def road_markings(image: Image, own: Array) -> Array:
    """(H, W) bool: what is narrow and brighter than the road around it (a top-hat filter)."""
    grey = cv2.cvtColor(np.ascontiguousarray(image.pixels), cv2.COLOR_RGB2GRAY)
    side = max(3, round(MARK * image.size[1]) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (side, side))
    bright = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, kernel) >= CONTRAST
    inside = _close(own, side)
    marks: Array = bright & inside
    return marks


def _close(mask: Array, side: int) -> Array:
    kernel = np.ones((2 * side + 1, 2 * side + 1), np.uint8)
    closed: Array = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel).astype(bool)
    return closed
