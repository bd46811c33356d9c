"""Where labels go: beside their region or inside it, not on each other, not outside the picture.

The middle of a thing is what people look at, so a label covers it only where no other place is
left.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, hypot, pi, sin
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.media.drawing.paint import Spot

# What a place costs before what it would hide is added.
ABOVE, INSIDE, BELOW, BESIDE, AWAY = 0.2, 0.4, 0.45, 0.5, 1.2
INSIDE_STUFF = 0.0
PER_RING = 0.15  # for each step away
ON_CENTRE = 1.7  # as much as the third step away
COVERS_A_CENTRE = 0.5  # that of another region
REPEAT = 1.1  # the most for a label that says what another one says already

STEPS_INSIDE = 9  # rows and columns of places that are tried inside a region


@dataclass(frozen=True)
class Place:
    """The label's top-left corner, and where its line ends if it stands away from its region."""

    x: int
    y: int
    pointer: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class Label:
    """What is to be placed."""

    size_wh: tuple[int, int]
    spot: Spot
    repeats: bool  # says what an earlier label says
    stuff: bool = False  # sky or grass: it surrounds things, so a label beside it would be on them


class _Candidate(NamedTuple):
    x: float  # of the label's top-left corner
    y: float
    cost: float


def place(labels: list[Label], size: Size) -> list[Place | None]:
    """A place for each label in a picture of `size`, in their order; None where there is no room.

    A label had better not hide a small neighbour, nor the middle of any. One that repeats what
    another label says is left out where it would hide much: its colour has been explained.
    """
    page = _Page(labels, size)
    return [page.place(index) for index in range(len(labels))]


class _Page:
    """The picture, with the labels that have a place already."""

    def __init__(self, labels: list[Label], size: Size) -> None:
        self._labels, self._size = labels, size
        self._taken = np.zeros((0, 4))
        self._boxes = np.array([label.spot.box for label in labels], float).reshape(-1, 4)
        self._centres = np.array([label.spot.deepest for label in labels], float).reshape(-1, 2)

    def place(self, index: int) -> Place | None:
        label = self._labels[index]
        width, height = label.size_wh
        if width > self._size[1] or height > self._size[0]:
            return None
        candidates = list(_candidates(label, self._size))
        corners = np.array([(one.x, one.y) for one in candidates])
        inside = np.clip(np.round(corners), 0, (self._size[1] - width, self._size[0] - height))
        boxes = np.concatenate([inside, inside + np.array(label.size_wh)], 1)
        moved = np.abs(inside - corners).sum(1) / height
        cost = np.array([one.cost for one in candidates]) + 0.5 * moved
        cost += self._hidden(boxes, index)
        free = ~_meets(boxes, self._taken, max(1, height // 10))
        free &= cost < (REPEAT if label.repeats else np.inf)
        if not free.any():
            return None
        best = int(np.where(free, cost, np.inf).argmin())
        self._taken = np.vstack([self._taken, boxes[best]])
        x, y = (int(side) for side in inside[best])
        away = candidates[best].cost >= AWAY and _distance(boxes[best], label.spot.deepest) > 0
        return Place(x, y, label.spot.deepest if away else None)

    def _hidden(self, boxes: Array, index: int) -> Array:
        """(K,) cost of what each of the boxes would hide."""
        others = np.delete(self._boxes, index, 0)
        areas = np.maximum((others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1]), 1)
        # Each region counts by the share of it that is covered.
        covered = np.minimum(2 * (_overlap(boxes, others) / areas).sum(1), 3)
        low, high = boxes[:, None, :2], boxes[:, None, 2:]
        centres = np.asarray(((low <= self._centres) & (self._centres <= high)).all(-1))
        on_own = centres[:, index]
        on_others = np.delete(centres, index, 1).sum(1)
        hidden: Array = covered + ON_CENTRE * on_own + COVERS_A_CENTRE * np.minimum(on_others, 3)
        return hidden


def _candidates(label: Label, size: Size) -> Iterator[_Candidate]:
    """Places inside the region, around it, farther away, and on its middle."""
    width, height = label.size_wh
    spot = label.spot
    yield from _inside(label, size)
    gap = 0.3 * height
    for slide in (0.5, 0.15, 0.85):
        off_centre = 0.1 * abs(slide - 0.5)
        top, bottom = spot.top[1] - height - gap, spot.bottom[1] + gap
        yield _Candidate(spot.top[0] - slide * width, top, ABOVE + off_centre)
        yield _Candidate(spot.bottom[0] - slide * width, bottom, BELOW + off_centre)
    yield _Candidate(spot.right[0] + gap, spot.right[1] - height / 2, BESIDE)
    yield _Candidate(spot.left[0] - gap - width, spot.left[1] - height / 2, BESIDE)
    yield from _rings(label, size)
    x, y = spot.deepest
    yield _Candidate(x - width / 2, y - height / 2, 0.0)  # `_hidden` adds the cost of the middle


def _inside(label: Label, size: Size) -> Iterator[_Candidate]:
    """Places that lie in the region and leave its middle free.

    The lower ones come first, because faces are above; what hangs from the picture's top, as the
    sky does, has its label there.
    """
    width, height = label.size_wh
    x0, y0, x1, y1 = label.spot.box
    room = 0.2 * height  # between the label and the region's edge
    if width + 2 * room > x1 - x0 or height + 2 * room > y1 - y0:
        return
    sums = _integral(label.spot.inside)
    middle = max(0.25 * label.spot.depth, 0.3 * height)
    hangs = label.stuff and y0 == 0 and y1 < size[0]
    for down in np.linspace(0, 1, STEPS_INSIDE).tolist():
        top = y0 + room + down * (y1 - y0 - height - 2 * room)
        for across in np.linspace(0, 1, STEPS_INSIDE).tolist():
            left = x0 + room + across * (x1 - x0 - width - 2 * room)
            box = np.array((left, top, left + width, top + height))
            grown = box + np.array((-room, -room, room, room))
            covered = _share(sums, grown, label.spot.box)
            if covered > 0.995 and _distance(box, label.spot.deepest) > middle:
                cost = 0.1 * (down if hangs else 1 - down) + 0.1 * abs(across - 0.5)
                yield _Candidate(left, top, cost + (INSIDE_STUFF if label.stuff else INSIDE))


def _integral(inside: Array) -> Array:
    """(h + 1, w + 1) sums of all cells above and to the left."""
    sums = np.zeros((inside.shape[0] + 1, inside.shape[1] + 1), np.int64)
    sums[1:, 1:] = inside.cumsum(0).cumsum(1)
    return sums


def _share(sums: Array, box: Array, around: tuple[int, int, int, int]) -> float:
    """How much of a box is inside, by the sums of cells that cover `around`."""
    x0, y0, x1, y1 = around
    cells = np.array([sums.shape[1] - 1, sums.shape[0] - 1] * 2)
    places = (box - (x0, y0, x0, y0)) * cells / (x1 - x0, y1 - y0, x1 - x0, y1 - y0)
    left, top = np.floor(places[:2] + 1e-6).astype(int).tolist()
    right, bottom = np.ceil(places[2:] - 1e-6).astype(int).tolist()
    total = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return float(total / max(1, (bottom - top) * (right - left)))


def _rings(label: Label, size: Size) -> Iterator[_Candidate]:
    """Ever farther from the region's middle."""
    width, height = label.size_wh
    x, y = label.spot.deepest
    farthest = max(0.3 * min(size), 2 * height)
    for ring in range(1, 7):
        radius = height * 1.3 * ring
        if radius > farthest:
            return
        for step in range(12):
            angle = pi * (step / 6 - 0.5)
            across, down = radius * cos(angle), radius * sin(angle)
            # Wider than high: the label itself is.
            left = x + across + (width / 2) * (cos(angle) - 1)
            yield _Candidate(left, y + down - height / 2, AWAY + PER_RING * ring)


def _meets(boxes: Array, taken: Array, gap: int) -> Array:
    """(K,) bool: which boxes come nearer than `gap` pixels to a label."""
    grown = boxes + np.array((-gap, -gap, gap, gap))
    return np.asarray((_overlap(grown, taken) > 0).any(1))


def _overlap(boxes: Array, others: Array) -> Array:
    """(K, M) shared pixels."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    sides = np.clip(high - low, 0, None)
    shared: Array = sides[..., 0] * sides[..., 1]
    return shared


def _distance(box: Array, point: tuple[float, float]) -> float:
    """Pixels from a point to a box; 0 inside it."""
    across = max(float(box[0]) - point[0], 0.0, point[0] - float(box[2]))
    down = max(float(box[1]) - point[1], 0.0, point[1] - float(box[3]))
    return hypot(across, down)
