"""Where labels go: on or beside their region, never on each other, never outside the picture."""

from dataclasses import dataclass
from math import cos, hypot, pi, sin

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.media.drawing.paint import Spot

# What a place costs before it is compared with what it would hide.
ON_REGION, ABOVE, BELOW, BESIDE, AWAY = 0.0, 0.25, 0.45, 0.55, 1.0
REPEAT = 0.9  # the most for a label that says what another one says already


@dataclass(frozen=True)
class Place:
    """The label's top-left corner, and where its line ends if it stands away from its region."""

    x: int
    y: int
    pointer: tuple[float, float] | None


def place(
    plates: list[tuple[int, int]], spots: list[Spot], boxes: Array, repeats: list[bool], size: Size
) -> list[Place | None]:
    """A place for each plate (width, height), first come first served; None where there is no room.

    `boxes` (N, 4) are the regions' own: a label had better not hide a small neighbour. One that repeats what
    another label says is left out where it would hide much: its colour has been explained.
    """
    taken = np.zeros((0, 4))
    places: list[Place | None] = []
    for index, (plate, spot) in enumerate(zip(plates, spots, strict=True)):
        others = np.delete(boxes, index, 0)
        found = _best(plate, spot, taken, others, size, most=REPEAT if repeats[index] else np.inf)
        places.append(found)
        if found:
            taken = np.vstack([taken, (found.x, found.y, found.x + plate[0], found.y + plate[1])])
    return places


def _best(
    plate: tuple[int, int], spot: Spot, taken: Array, others: Array, size: Size, *, most: float
) -> Place | None:
    width, height = plate
    if width > size[1] or height > size[0]:
        return None
    rows = _candidates(plate, spot, size)
    corners = np.array([row[:2] for row in rows])
    clamped = np.clip(np.round(corners), 0, (size[1] - width, size[0] - height))
    boxes = np.concatenate([clamped, clamped + np.array(plate)], 1)
    gap = max(1, height // 10)
    free = ~(_overlap(boxes + np.array((-gap, -gap, gap, gap)), taken) > 0).any(1)
    pushed = np.abs(clamped - corners).sum(1) / height
    cost = np.array([row[2] for row in rows]) + 0.5 * pushed + _hidden(boxes, others)
    free &= cost < most
    if not free.any():
        return None
    best = int(np.where(free, cost, np.inf).argmin())
    away = rows[best][2] >= AWAY and _distance(boxes[best], spot.deepest) > 0
    return Place(int(clamped[best, 0]), int(clamped[best, 1]), spot.deepest if away else None)


def _candidates(plate: tuple[int, int], spot: Spot, size: Size) -> list[tuple[float, float, float]]:
    """Rows of x, y, cost."""
    width, height = plate
    x, y = spot.deepest
    roomy = spot.depth > 0.9 * height
    gap = 0.3 * height
    rows = [(x - width / 2, y - height / 2, ON_REGION if roomy else AWAY - 0.05)]
    for slide in (0.5, 0.15, 0.85):
        rows.append(
            (
                spot.top[0] - slide * width,
                spot.top[1] - height - gap,
                ABOVE + abs(slide - 0.5) * 0.1,
            )
        )
        rows.append(
            (spot.bottom[0] - slide * width, spot.bottom[1] + gap, BELOW + abs(slide - 0.5) * 0.1)
        )
    rows.append((spot.right[0] + gap, spot.right[1] - height / 2, BESIDE))
    rows.append((spot.left[0] - gap - width, spot.left[1] - height / 2, BESIDE))
    farthest = 0.3 * min(size)
    for ring in range(1, 7):
        radius = height * 1.3 * ring
        if radius > max(farthest, 2 * height):
            break
        for step in range(12):
            angle = pi * (step / 6 - 0.5)
            across, down = radius * cos(angle), radius * sin(angle)
            # Wider than high: the plate itself is.
            rows.append(
                (
                    x + across + (width / 2) * (cos(angle) - 1),
                    y + down - height / 2,
                    AWAY + 0.15 * ring,
                )
            )
    return rows


def _hidden(boxes: Array, others: Array) -> Array:
    """(K,) how much of the other regions each place hides: each counts by the share of it that is covered."""
    if not len(others):
        return np.zeros(len(boxes))
    areas = np.maximum((others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1]), 1)
    hidden: Array = np.minimum(2 * (_overlap(boxes, others) / areas).sum(1), 3)
    return hidden


def _overlap(boxes: Array, others: Array) -> Array:
    """(K, M) shared pixels."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    sides = np.clip(high - low, 0, None)
    shared: Array = sides[..., 0] * sides[..., 1]
    return shared


def _distance(box: Array, point: tuple[float, float]) -> float:
    across = max(float(box[0]) - point[0], 0.0, point[0] - float(box[2]))
    down = max(float(box[1]) - point[1], 0.0, point[1] - float(box[3]))
    return hypot(across, down)
