"""Masks of things of one kind that overlap, each pixel given to one of them."""

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.ops.resample import Taps

# A mask that would lose more than this has been cut twice, once within the larger one.
MOST_LOST = 0.4

Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, exclusive ends


def part_overlaps(masks: Masks, logits: Array) -> Masks:
    """The N masks without what two of them share: a pixel goes where the logit is higher.

    `logits` (N, h, w) cover the picture. Where a mask would lose a large share of itself so, the
    smaller of the two gets all that they share: it lies in front, or the larger one has taken it
    along.
    """
    crops = [crop.copy() for crop in masks.crops]
    boxes = masks.boxes
    for first in range(len(masks)):
        for second in range(first + 1, len(masks)):
            window = _shared_window(boxes[first], boxes[second])
            if window is None:
                continue
            pair = [_within(crops[row], boxes[row], window) for row in (first, second)]
            if (pair[0] & pair[1]).any():
                lead = _enlarge(logits[first] - logits[second], masks.size, window)
                areas = int(crops[first].sum()), int(crops[second].sum())
                _give(pair[0], pair[1], lead >= 0, areas)
    return Masks.from_crops(masks.size, masks.corners, crops)


def _shared_window(one: Array, other: Array) -> Box | None:
    x0, y0 = np.maximum(one[:2], other[:2]).tolist()
    x1, y1 = np.minimum(one[2:], other[2:]).tolist()
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _within(crop: Array, box: Array, window: Box) -> Array:
    """The part of a crop in the window: a view, through which the crop is changed."""
    x, y = box[:2].tolist()
    x0, y0, x1, y1 = window
    return crop[y0 - y : y1 - y, x0 - x : x1 - x]


def _enlarge(plane: Array, size: tuple[int, int], window: Box) -> Array:
    """The window of a plane (h, w) that covers a picture of `size`."""
    x0, y0, x1, y1 = window
    rows = Taps.between(plane.shape[0], size[0]).part(y0, y1)
    columns = Taps.between(plane.shape[1], size[1]).part(x0, x1)
    tall = rows.apply(plane.astype(np.float32))
    return columns.apply(np.ascontiguousarray(tall.T)).T


def _give(first: Array, second: Array, leads: Array, areas: tuple[int, int]) -> None:
    """Take from each of two masks what the other one gets of what they share."""
    shared = first & second
    of_first = shared & leads
    won = int(of_first.sum())
    lost = int(shared.sum()) - won
    if max(lost / areas[0], won / areas[1]) > MOST_LOST:
        of_first = shared if areas[0] < areas[1] else np.zeros_like(shared)
    second &= ~of_first
    first &= ~shared | of_first
