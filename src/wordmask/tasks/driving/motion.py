"""Objects between two looks for words: moved and scaled by the points that move in them.

A look costs an encoding; a motion costs little. So words are looked for in every k-th frame, and in
between each mask goes with the similarity (shift, scale, turn) of its own points (Lucas-Kanade).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.protocols import Memory, TrackStep
from wordmask.ops.regions import box_around
from wordmask.tasks.tracking.followers import INSIDE
from wordmask.tasks.tracking.sight import Sight

POINTS = 60  # at most, of one object
FEWEST = 4  # below which no motion is known
STRAYING = 1.0  # px that a point may miss its origin by when it is followed back
SAME = 0.4  # IoU from which a region of a look is the object
MARGIN, SIDE = 3, 96  # px around an object, and of its longer side, where growth is measured
ODD = 1.2  # times: what is left after the points is less
FADE = 0.9  # of the score, with each frame that no look has seen


@dataclass(frozen=True, eq=False)
class Trail:
    """Points of an object in the frame where they were chosen, and where they are now."""

    origin: Array  # (P, 1, 2) float32
    now: Array  # (P, 1, 2) float32
    grey: Array  # (H, W) uint8, the frame where they were chosen
    mask: Masks  # the object there
    area: float  # of it


@dataclass(frozen=True, eq=False)
class Moving:
    """What is remembered of an object."""

    mask: Masks  # one
    grey: Array  # (H, W) uint8, its frame
    area: float  # what it would be if only its motion counted: it does not jump at a look
    score: float
    broken: int = 0  # frames since its motion was known
    # Its growth is measured from one frame to many later ones, so that errors do not add up.
    trail: "Trail | None" = None


class MotionFollower:
    """Follows by regions at every look, by motion between."""

    def __init__(self, every: int) -> None:
        self._every, self._frames = every, 0

    def remember(self, sight: Sight, mask: Array, memory: Memory | None = None) -> Memory:
        one = Masks.from_dense(mask)
        return _pack(Moving(one, grey_of(sight), float(one.areas[0]), 1.0), memory)

    def step(self, memories: Sequence[Memory], sight: Sight) -> list[TrackStep]:
        grey = grey_of(sight)
        is_look = sight.is_cut or (self._every > 0 and self._frames % self._every == 0)
        self._frames += 1
        steps = [_move(memory, grey) for memory in memories]
        return [_settle(step, sight) for step in steps] if is_look and memories else steps


def grey_of(sight: Sight) -> Array:
    grey: Array = cv2.cvtColor(np.ascontiguousarray(sight.view.image.pixels), cv2.COLOR_RGB2GRAY)
    return grey


def choose_points(grey: Array, mask: Array) -> Array:
    """(P, 1, 2) float32 corners in the mask."""
    x0, y0, x1, y1 = box_around(mask)
    inner = mask[y0:y1, x0:x1].astype(np.uint8)
    found = cv2.goodFeaturesToTrack(grey[y0:y1, x0:x1], POINTS, 0.01, 3, mask=inner)
    if found is None:
        return np.zeros((0, 1, 2), np.float32)
    points: Array = (found + np.array([[[x0, y0]]])).astype(np.float32)
    return points


def follow_points(before: Array, after: Array, points: Array) -> tuple[Array, Array]:
    """Where the points are in the next grey frame, and which of them can be followed back."""
    if len(points) < FEWEST:
        return points, np.zeros(len(points), bool)
    there, is_there, _ = cv2.calcOpticalFlowPyrLK(before, after, points, None)
    back, is_back, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None)
    kept = np.abs(back - points).max((1, 2)) < STRAYING
    return there, kept & (is_there * is_back).ravel().astype(bool)


def find_similarity(points: Array, there: Array) -> Array | None:
    """(2, 3): shift, scale and turn from points to others; None where too few say so."""
    if len(points) < FEWEST:
        return None
    motion, _ = cv2.estimateAffinePartial2D(points, there, ransacReprojThreshold=1.5)
    return None if motion is None else np.asarray(motion)


def measure_growth(trail: Trail, grey: Array, growth: Array) -> float | None:
    """How many times as large the object is as where its points were chosen; None: unclear.

    The points say about how it moved; what is left is found by all of its pixels (ECC, Evangelidis
    and Psarakis 2008), because points at its edge lean outwards.
    """
    height, width = grey.shape
    box = box_around(trail.mask.one(0), MARGIN)
    x0, y0, x1, y1 = max(0, box[0]), max(0, box[1]), min(width, box[2]), min(height, box[3])
    about = np.vstack([growth, [0, 0, 1]]) @ np.array([[1, 0, x0], [0, 1, y0], [0, 0, 1.0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    still = cv2.warpAffine(grey, about[:2], (x1 - x0, y1 - y0), flags=flags)
    shrink = min(1.0, SIDE / max(x1 - x0, y1 - y0))
    size = max(8, round(shrink * (x1 - x0))), max(8, round(shrink * (y1 - y0)))
    first, now = (
        cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        for part in (trail.grey[y0:y1, x0:x1], still)
    )
    by_points = float(abs(np.linalg.det(growth[:, :2])))
    start, stop = np.eye(2, 3, dtype=np.float32), (3, 20, 1e-4)
    try:
        _, rest = cv2.findTransformECC(first, now, start, cv2.MOTION_AFFINE, stop, None, 5)
    except cv2.error:  # it does not converge
        return None
    factor = float(abs(np.linalg.det(rest[:, :2])))
    return by_points * factor if 1 / ODD < factor < ODD else None


def _move(memory: Memory, grey: Array) -> TrackStep:
    """The object where its own points have gone; where they are lost, where it was."""
    was: Moving = memory.state
    if not was.mask.areas[0]:
        return TrackStep(_pack(was, memory), None, 0.0)
    mask = was.mask.one(0)
    trail = was.trail
    if trail is None or len(trail.now) < FEWEST:
        points = choose_points(was.grey, mask)
        trail = Trail(points, points, was.grey, was.mask, was.area)
    there, kept = follow_points(was.grey, grey, trail.now)
    motion = find_similarity(trail.now[kept], there[kept])
    trail = replace(trail, origin=trail.origin[kept], now=there[kept])
    growth = find_similarity(trail.origin, trail.now)
    if motion is None or growth is None:
        now = Moving(Masks.from_dense(mask), grey, was.area, was.score * FADE, was.broken + 1)
        return _as_step(now, memory)
    height, width = mask.shape
    whole = trail.mask.one(0).astype(np.float32)
    moved = cv2.warpAffine(whole, growth, (width, height)) > 0.5
    times = measure_growth(trail, grey, growth)
    area, broken = (was.area, was.broken + 1) if times is None else (trail.area * times, 0)
    now = Moving(Masks.from_dense(moved), grey, area, was.score * FADE, broken, trail)
    return _as_step(now, memory)


def _settle(step: TrackStep, sight: Sight) -> TrackStep:
    """At a look the region of the word takes the place of the moved mask."""
    now: Moving = step.memory.state
    found = sight.regions
    if not now.mask.areas[0] or not len(found):
        return step
    overlap = now.mask.iou(found.masks)[0]
    best = int(overlap.argmax())
    if overlap[best] < SAME:
        return step
    # Points are chosen anew on what was found: after many frames the old ones look otherwise.
    seen = replace(now, mask=found.masks[[best]], score=float(found.scores[best]), trail=None)
    return _as_step(seen, step.memory, step.memory.frame)


def _as_step(now: Moving, memory: Memory, frame: int | None = None) -> TrackStep:
    mask = now.mask.one(0)
    packed = _pack(now, memory) if frame is None else Memory(now, frame, now.mask.nbytes)
    if not mask.any():
        return TrackStep(packed, None, 0.0)
    logits = np.where(mask, INSIDE, -INSIDE).astype(np.float32)
    return TrackStep(packed, logits, now.score)


def _pack(state: Moving, memory: Memory | None) -> Memory:
    return Memory(state, 0 if memory is None else memory.frame + 1, state.mask.nbytes)
