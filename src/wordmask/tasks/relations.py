"""How two regions of one picture lie to each other, from their boxes and outlines."""

import re
from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks

NEAR = 0.6  # of the smaller region's own width: a gap up to this is "next to"
INSIDE = 0.75  # share of a region that must lie within the outline, filled, of the other
FOOT = 0.15  # of a region's height: what it stands on begins so close to its lower end
ONE_THING = 0.5  # IoU from which two regions are one thing, which is not beside itself
GRID = 256  # cells along the longer side of the window in which gaps are measured


class Phrase(NamedTuple):
    """What a phrase says: "cup next to laptop"."""

    subject: str
    relation: str = ""  # a key of RELATIONS; "": the phrase is a word
    other: str = ""


def parse_phrase(text: str) -> Phrase:
    """
    >>> parse_phrase("cup next to laptop")
    Phrase(subject='cup', relation='next to', other='laptop')
    >>> parse_phrase("person on the left of the car").relation
    'left of'
    >>> parse_phrase("hot dog")
    Phrase(subject='hot dog', relation='', other='')
    """
    for words, relation in _SPELLINGS.items():
        found = re.fullmatch(rf"(.+?) {words} (?:the |a |an )?(.+)", text.strip())
        if found:
            return Phrase(found[1].strip(), relation, found[2].strip())
    return Phrase(text.strip())


def relate(relation: str, masks: Masks, other: Masks) -> Array:
    """(N, M) bool: which regions stand in the relation to which others of the same picture."""
    test = RELATIONS[relation]
    held = np.zeros((len(masks), len(other)), bool)
    overlaps = masks.iou(other)
    for row in range(len(masks)):
        for column in range(len(other)):
            if overlaps[row, column] < ONE_THING:
                held[row, column] = test(masks[[row]], other[[column]])
    return held


def _is_next_to(first: Masks, second: Masks) -> bool:
    """The gap between the outlines is small against the smaller of the two."""
    smaller = min(int(first.areas[0]), int(second.areas[0]))
    return gap(first, second) <= NEAR * sqrt(smaller)


def _is_inside(first: Masks, second: Masks) -> bool:
    """Most of it lies in the other, holes and hollows counted as the other's."""
    crop = second.crops[0].astype(np.uint8)
    outlines, _ = cv2.findContours(crop, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.convexHull(np.concatenate(outlines))
    filled = cv2.fillConvexPoly(np.zeros_like(crop), hull, 1).astype(bool)
    whole = Masks.from_crops(second.size, second.corners, [filled])
    return bool(first.containment(whole)[0, 0] >= INSIDE) and first.areas[0] < second.areas[0]


def _is_on(first: Masks, second: Masks) -> bool:
    """Its foot stands in the other's outline, hollows counted, or just above it."""
    _, y0, _, y1 = first.boxes[0].tolist()
    foot = max(1, round(FOOT * (y1 - y0)))
    below = np.flatnonzero(first.one(0)[y1 - foot : y1].any(0))
    x = float(below.mean()) + 0.5
    outlines, _ = cv2.findContours(
        second.one(0).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    hull = cv2.convexHull(np.concatenate(outlines)).astype(np.float32)
    distance = cv2.pointPolygonTest(hull, (x, y1 - 0.5), measureDist=True)
    stands = distance >= -FOOT * (y1 - y0) and (y0 + y1) / 2 < second.boxes[0][3]
    return bool(stands and second.boxes[0][1] < y1)


def _is_left_of(first: Masks, second: Masks) -> bool:
    return _is_before(first, second, 0)


def _is_above(first: Masks, second: Masks) -> bool:
    return _is_before(first, second, 1)


def _is_before(first: Masks, second: Masks, axis: int) -> bool:
    """Its middle comes before the other begins, or nearly, and the two share rows (or columns)."""
    one, two = first.boxes[0], second.boxes[0]
    across = 1 - axis
    beside = min(one[across + 2], two[across + 2]) - max(one[across], two[across])
    middle = (one[axis] + one[axis + 2]) / 2
    ends = one[axis + 2] <= (two[axis] + two[axis + 2]) / 2
    return bool(middle <= two[axis] and ends and beside > 0)


def gap(first: Masks, second: Masks) -> float:
    """Pixels between two outlines, 0 where they touch; exact to a 256th of their window."""
    boxes = np.concatenate([first.boxes, second.boxes])
    x0, y0 = boxes[:, :2].min(0).tolist()
    x1, y1 = boxes[:, 2:].max(0).tolist()
    scale = max(1.0, max(x1 - x0, y1 - y0) / GRID)
    size = max(1, round((y1 - y0) / scale)), max(1, round((x1 - x0) / scale))
    one, two = (masks.crop((x0, y0, x1, y1)).one(0).astype(np.uint8) for masks in (first, second))
    small = [cv2.resize(mask, size[::-1], interpolation=cv2.INTER_AREA) > 0 for mask in (one, two)]
    if not small[0].any() or not small[1].any():
        return float("inf")
    distance = cv2.distanceTransform((~small[1]).astype(np.uint8), cv2.DIST_L2, 5)
    return max(0.0, float(distance[small[0]].min()) - 1.0) * float(scale)


RELATIONS: dict[str, Callable[[Masks, Masks], bool]] = {
    "next to": _is_next_to,
    "inside": _is_inside,
    "on": _is_on,
    "left of": _is_left_of,
    "right of": lambda first, second: _is_left_of(second, first),
    "above": _is_above,
    "below": lambda first, second: _is_above(second, first),
}
_SPELLINGS = {
    "next to": "next to",
    "beside": "next to",
    "near": "next to",
    "inside(?: of)?": "inside",
    "in": "inside",
    "(?:on the |to the )?left of": "left of",
    "(?:on the |to the )?right of": "right of",
    "above": "above",
    "over": "above",
    "below": "below",
    "under": "below",
}
