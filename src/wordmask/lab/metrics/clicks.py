"""Simulated clicks, and how many a mask needs.

The protocol of interactive segmentation (Sofiiuk et al. 2021).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array

LIMIT = 20  # clicks; an object not reached by then counts as this many


class SimulatedClick(NamedTuple):
    """One click at a pixel's centre."""

    x: float
    y: float
    keep: bool  # True = the pixel belongs to the object


def iou(truth: Array, mask: Array, void: Array | None = None) -> float:
    """IoU of two (H, W) bool masks outside `void`; 1 where both are empty."""
    scored = np.True_ if void is None else ~void
    union = np.count_nonzero((truth | mask) & scored)
    return np.count_nonzero(truth & mask & scored) / union if union else 1.0


def next_click(truth: Array, mask: Array, void: Array | None = None) -> SimulatedClick | None:
    """The next click: at the point deepest in the largest error; None where there is no error.

    The picture's border counts as an edge. Of equal depths the missing part comes first, then the
    first row and column.
    """
    scored = np.ones(truth.shape, bool) if void is None else ~void
    missing, surplus = (_deepest(error & scored) for error in (truth & ~mask, mask & ~truth))
    if max(missing[0], surplus[0]) == 0:
        return None
    keep = missing[0] >= surplus[0]
    _, x, y = missing if keep else surplus
    return SimulatedClick(x + 0.5, y + 0.5, keep)


def simulate(
    truth: Array,
    cut: Callable[[Sequence[SimulatedClick]], Array],
    *,
    limit: int = LIMIT,
    void: Array | None = None,
) -> list[float]:
    """(limit,) IoU after each click. `cut` answers all clicks so far with a mask (H, W) bool.

    Once the mask is perfect there is nothing left to click, and the IoU stays 1.
    """
    clicks: list[SimulatedClick] = []
    mask = np.zeros(truth.shape, bool)
    values: list[float] = []
    while len(values) < limit:
        click = next_click(truth, mask, void)
        if click is None:
            return values + [1.0] * (limit - len(values))
        clicks.append(click)
        mask = cut(clicks)
        values.append(iou(truth, mask, void))
    return values


def clicks_needed(values: Array, level: float) -> Array:
    """(N,) clicks until each row of (N, limit) IoUs reaches `level`; `limit` where none does."""
    reached = np.asarray(values) >= level
    needed: Array = np.where(reached.any(1), reached.argmax(1) + 1, reached.shape[1])
    return needed


def _deepest(mask: Array) -> tuple[float, int, int]:
    """Depth, x, y of the pixel farthest from the mask's edge."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(depth[y, x]), int(x), int(y)
