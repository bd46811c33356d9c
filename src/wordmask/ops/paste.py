"""Where an edit may touch a picture, and how its patch goes back in.

Around the mask lies a ring. Inside mask and ring the patch may change pixels, fading out across
the ring; outside the ring no byte changes. Edits work on padded boxes around the pieces of the
mask, joined where they overlap, so a picture of any size costs what its objects cost.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array, Size
from wordmask.ops.regions import Box, box_around, distance_from


class Hole(NamedTuple):
    """A mask made ready for an edit."""

    dilated: Array  # (H, W) bool: mask and ring
    weight: Array  # (H, W) float32: 1 on the mask, falling to 0 across the ring, 0 outside it


def ring_width(size: Size, share: float) -> int:
    """Pixels: `share` of the picture's shorter side, at least 2; 0 where the share is 0."""
    return max(2, round(share * min(size))) if share > 0 else 0


def make_hole(mask: Array, ring: int, feather: int) -> Hole:
    """The mask grown by `ring` pixels; the weight fades over the outer `feather` of them."""
    if ring == 0:
        return Hole(mask, mask.astype(np.float32))
    distance = np.zeros(mask.shape)
    if not mask.all():
        distance = distance_from(mask)
    dilated = distance <= ring
    ramp = np.clip((ring + 1 - distance) / (min(feather, ring) + 1), 0, 1)
    weight = (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)  # smooth at both ends
    weight[~dilated] = 0
    weight[mask] = 1
    return Hole(dilated, weight)


def boxes_of(hole: Array, *, padding: float, least: int) -> list[Box]:
    """Padded boxes x0 y0 x1 y1 around the hole's pieces, joined until none overlap, top to bottom.

    The padding is that share of the piece's longer side, at least `least` pixels.
    """
    count, _, stats, _ = cv2.connectedComponentsWithStats(hole.astype(np.uint8), connectivity=8)
    boxes = []
    for x, y, width, height, _ in stats[1:count].tolist():
        pad = max(least, round(padding * max(width, height)))
        right, bottom = min(hole.shape[1], x + width + pad), min(hole.shape[0], y + height + pad)
        boxes.append((max(0, x - pad), max(0, y - pad), right, bottom))
    return sorted(_join_overlapping(boxes), key=lambda box: (box[1], box[0]))


def _join_overlapping(boxes: Sequence[Box]) -> list[Box]:
    """Overlapping boxes replaced by the box around them, until nothing overlaps."""
    separate: list[Box] = []
    waiting = list(boxes)
    while waiting:
        box = waiting.pop()
        meets = [other for other in separate if _overlap(box, other)]
        if not meets:
            separate.append(box)
            continue
        separate = [other for other in separate if other not in meets]
        every = np.array([box, *meets])
        x0, y0 = every[:, :2].min(0).tolist()
        x1, y1 = every[:, 2:].max(0).tolist()
        waiting.append((x0, y0, x1, y1))
    return separate


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def blend(below: Array, above: Array, weight: Array) -> Array:
    """(H, W, 3) uint8: `above` over `below` by `weight` (H, W) in 0..1; `below` itself where 0."""
    blended = below.copy()
    if not (weight > 0).any():
        return blended
    x0, y0, x1, y1 = box_around(weight > 0)
    share = np.ascontiguousarray(weight[y0:y1, x0:x1])
    part = blended[y0:y1, x0:x1]
    mixture = cv2.blendLinear(
        np.ascontiguousarray(above[y0:y1, x0:x1]), np.ascontiguousarray(part), share, 1 - share
    )
    blended[y0:y1, x0:x1] = np.where((share > 0)[..., None], mixture, part)
    return blended
