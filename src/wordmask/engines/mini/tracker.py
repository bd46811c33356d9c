"""How mini follows one object from frame to frame, in memory that does not grow.

The surroundings of where it was are encoded closely. Their cells are matched with those of the
frame in which it was shown and of the last frame (`matching.py`), a ridge regression on all frames
so far is heard too, and the cutter cuts what comes of that once more. If the mask no longer looks
like the object, it is absent: nothing is learned, and it is searched in the whole frame, where it
was rather than far away. What is found looks like it; it may be another thing of its kind.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks, tight_box
from wordmask.core.protocols import Memory, PromptBatch, TrackStep
from wordmask.engines.mini.close_up import CloseUp, fit_close_up
from wordmask.engines.mini.learning import Ridge, basis_of, describe_cells, mean_vector
from wordmask.engines.mini.matching import Cells, Question, vote
from wordmask.engines.mini.motion import Motion
from wordmask.engines.mini.seen import MiniSeen
from wordmask.errors import MaskError
from wordmask.ops import regions, resample
from wordmask.ops.odds import sigmoid

QUALITY_SIDE, FAST_SIDE = 384, 352  # of a square with the pixels of an encoded window
NEAR, FAR = 6.0, 14.0  # cells that it may have moved since the last frame, since it was shown
REACH = 12  # only cells so near to the last mask are asked
RIDGE_SHARE = 0.3  # of the regression in the answer
CUTTER_SHARE = 0.5  # of the cutter's logits
CUT_AGREES = 0.8  # IoU with what was matched, from which a cut counts
ABSENT = 0.64  # cosine with the prototype under which it is gone
SOON, BACK_SOON, BACK = 2, 0.68, 0.80  # frames, and cosines from which it is back where it was
GROWN, UNLIKE = 4.0, 0.75  # so many times larger than it was shown and less alike: it ran over
PEAK = 0.66  # cosine of a cell where a search begins
FOUND, SURE = 0.82, 0.88  # cosines for a find where it can have gone, and for one elsewhere
SMALL, SPECK = 0.1, 0.02  # of the area it was shown with: less sure from here on, and absent
STRAY = 0.5  # a piece farther from the largest than so much of its size is something else
AGREES = 0.5  # IoU with what was followed, from which a correction only refines

SeeAt = Callable[[Image, Size], MiniSeen]
Cut = Callable[[MiniSeen, PromptBatch], tuple[Array, Array]]


@dataclass(frozen=True, eq=False)
class Followed:
    """What is known of an object."""

    size: Size  # the frames'
    basis: Array  # (C, D): features -> what cells are compared by
    prototype: Array  # (256,) unit vector of the object as it was shown
    shown: tuple[
        Cells, ...
    ]  # as it was shown, and as it was last corrected; places: CloseUp.around
    last: Cells  # of the last frame; places in its pixels
    ridge: Ridge
    area: int  # pixels, as it was last shown
    mask: Masks  # one, of the last frame in which it was
    lost: int = 0  # frames since then
    motion: Motion | None = None  # fast mode: to be moved on by in the next frame

    @property
    def box(self) -> tuple[int, int, int, int]:
        x0, y0, x1, y1 = self.mask.boxes[0].tolist()
        return x0, y0, x1, y1

    @property
    def nbytes(self) -> int:
        cells = sum(cells.nbytes for cells in (*self.shown, self.last))
        motion = 0 if self.motion is None else self.motion.nbytes
        parts = self.basis.nbytes + self.prototype.nbytes + self.ridge.nbytes + self.mask.nbytes
        return int(cells + motion + parts)


@dataclass(frozen=True, eq=False)
class _Sight:
    """The object's surroundings in a frame."""

    window: CloseUp
    seen: MiniSeen
    features: Array  # (N, C) unit rows

    @property
    def grid(self) -> Size:
        height, width = self.seen.maps.none.shape
        return height, width


@dataclass(frozen=True, eq=False)
class _Guess:
    """Where the object seems to be."""

    sight: _Sight
    logits: Array  # (h, w) over the window, at stride 4
    likeness: float = -1.0  # cosine with the prototype; -1 where there is nothing
    size: float = 0.0  # area, of that with which it was shown

    @property
    def score(self) -> float:
        """Sure of what looks like the object; less so of the little that may be left of it."""
        alike = float(np.clip((self.likeness - ABSENT) / (1 - ABSENT), 0, 1))
        return float((alike * min(1.0, self.size / SMALL)) ** 0.5)


class ObjectTracker:
    """The tracker of an engine that encodes a part of a frame and cuts in it."""

    def __init__(self, see_at: SeeAt, cut: Cut, *, fast: bool = False) -> None:
        self._see_at, self._cut = see_at, cut
        self._side = FAST_SIDE if fast else QUALITY_SIDE
        self._fast = fast

    # ---- Tracker

    def remember(self, seen: MiniSeen, mask: Array, memory: Memory | None) -> Memory:
        """`seen` is the whole frame."""
        if mask.shape != seen.size or not mask.any():
            raise MaskError(
                f"an object to follow is a mask of {seen.size} that is not empty; "
                f"got {mask.shape} with {int(mask.sum())} pixels"
            )
        sight = self._look(seen.image, tight_box(mask))
        inside = sight.window.cells_of(mask, sight.grid).ravel()
        old: Followed | None = None if memory is None else memory.state
        if old is not None and old.size != seen.size:
            old = None
        one = Masks.from_dense(mask)
        if old is not None and (old.lost or float(old.mask.iou(one)[0, 0]) >= AGREES):
            state = self._refine(old, sight, one, inside)
        else:
            state = self._begin(sight, one, inside)
        return _pack(state, 0 if memory is None else memory.frame)

    def step(self, memory: Memory, seen: MiniSeen) -> TrackStep:
        """The object in the next frame."""
        state: Followed = memory.state
        if state.size != seen.size:
            state = _resize(state, seen.size)
        if state.motion is not None:
            moved = state.motion.move_on(seen.image.pixels)
            if moved is not None:
                return _step_by_motion(state, state.motion, moved, memory.frame + 1)
        guess = self._find(state, seen)
        if guess is None:
            gone = replace(state, lost=state.lost + 1, motion=None)
            return TrackStep(_pack(gone, memory.frame + 1), None, 0.0)
        logits = guess.sight.window.on_frame(guess.logits, seen.size)
        after = self._learn(state, guess, logits > 0)
        if self._fast:
            window, pixels = guess.sight.window, seen.image.pixels
            after = replace(after, motion=Motion.of(window, pixels, guess.logits, guess.score))
        return TrackStep(_pack(after, memory.frame + 1), logits, guess.score)

    # ---- looking

    def _look(self, image: Image, box: tuple[int, int, int, int]) -> _Sight:
        window, inner = fit_close_up(box, image.size, self._side)
        part = Image(np.ascontiguousarray(window.part_of(image.pixels)), image.name)
        seen = self._see_at(part, inner)
        return _Sight(window, seen, describe_cells(seen))

    def _find(self, state: Followed, seen: MiniSeen) -> _Guess | None:
        """Near where it was, else in the whole frame."""
        guess = self._guess(state, self._look(seen.image, state.box), state.box)
        if guess.likeness >= _least_in_place(state):
            return guess
        box = _search(state, seen)
        if box is None:
            return None
        away = replace(state, lost=max(1, state.lost))
        guess = self._guess(away, self._look(seen.image, box), box)
        return guess if guess.likeness >= _least_likeness(state, guess) else None

    def _guess(self, state: Followed, sight: _Sight, box: tuple[int, int, int, int]) -> _Guess:
        """Match, regress, cut."""
        inside = self._match(state, sight, box)
        logits = np.log(inside / (1 - inside))
        fine = resample.bilinear(logits, (2 * sight.grid[0], 2 * sight.grid[1]))
        if not (fine > 0).any():
            return _Guess(sight, fine)
        fine = _without_strays(self._cut_again(sight, logits, fine))
        here = resample.stretch(fine, sight.grid).ravel() > 0
        if not here.any():
            return _Guess(sight, fine)
        vector = mean_vector(sight.seen.maps, here.astype(np.float32))
        likeness = float(vector @ state.prototype)
        size = float(here.mean()) * sight.window.area / state.area
        if size < SPECK or (size > GROWN and likeness < UNLIKE):
            return _Guess(sight, fine)
        return _Guess(sight, fine, likeness, size)

    def _match(self, state: Followed, sight: _Sight, box: tuple[int, int, int, int]) -> Array:
        """(h, w) float32 probability that each cell is the object's."""
        window, grid = sight.window, sight.grid
        features = sight.features @ state.basis
        asks = np.ones(grid, bool)
        if not state.lost:
            last = window.cells_of(state.mask.one(0), grid) > 0
            asks = _within(last, REACH)
        ask = asks.ravel()
        around, cell = window.around(box, grid)
        questions = [Question(cells, around[ask], FAR * cell) for cells in state.shown]
        if not state.lost:
            places, cell = window.places(grid)
            questions.append(Question(state.last, places[ask], NEAR * cell))
        inside = np.zeros(len(ask), np.float32)
        votes = vote(features[ask], questions)
        learned = state.ridge.predict(features[ask])
        inside[ask] = (1 - RIDGE_SHARE) * votes + RIDGE_SHARE * learned
        return inside.clip(1e-4, 1 - 1e-4).reshape(grid)

    def _cut_again(self, sight: _Sight, coarse: Array, logits: Array) -> Array:
        """(h, w) logits at stride 4, mixed with those of the cut that agrees best.

        The less it agrees, the less it counts, and below `CUT_AGREES` nothing: a cutter may take
        the rider and leave the bicycle.
        """
        inside = logits > 0
        height, width = inside.shape
        scale = np.array([sight.seen.size[1] / width, sight.seen.size[0] / height] * 2)
        box = np.array(tight_box(inside)) * scale
        masks, _ = self._cut(sight.seen, PromptBatch.of_boxes(box[None], coarse[None]))
        cut = masks[0] > 0
        agreement = regions.overlaps(cut, inside)
        best = int(agreement.argmax())
        if agreement[best] < CUT_AGREES:
            return logits
        share = CUTTER_SHARE * float(agreement[best])
        return np.asarray((1 - share) * logits + share * masks[0, best].clip(-8, 8))

    # ---- learning

    def _begin(self, sight: _Sight, mask: Masks, inside: Array) -> Followed:
        """A new object, or one that was followed wrongly: what was known no longer counts.

        One that was lost is not: what is shown of it then joins what was known.
        """
        basis = basis_of(sight.features)
        features = sight.features @ basis
        around, _ = sight.window.around(tuple(mask.boxes[0].tolist()), sight.grid)
        places, _ = sight.window.places(sight.grid)
        return Followed(
            size=mask.size,
            basis=basis,
            prototype=mean_vector(sight.seen.maps, inside),
            shown=(Cells(features, around, inside),),
            last=Cells(features, places, inside),
            ridge=Ridge.empty(basis.shape[1]).add(features, inside),
            area=int(mask.areas[0]),
            mask=mask,
        )

    def _refine(self, old: Followed, sight: _Sight, mask: Masks, inside: Array) -> Followed:
        """Seen from here it is this mask; what it was like when it was shown counts too."""
        features = sight.features @ old.basis
        around, _ = sight.window.around(tuple(mask.boxes[0].tolist()), sight.grid)
        places, _ = sight.window.places(sight.grid)
        return replace(
            old,
            shown=(old.shown[0], Cells(features, around, inside)),
            last=Cells(features, places, inside),
            ridge=old.ridge.add(features, inside),
            area=int(mask.areas[0]),
            mask=mask,
            lost=0,
            motion=None,
        )

    def _learn(self, state: Followed, guess: _Guess, mask: Array) -> Followed:
        sight = guess.sight
        logits = resample.stretch(guess.logits, sight.grid).ravel()
        inside = sigmoid(logits).astype(np.float32)
        features = sight.features @ state.basis
        places, _ = sight.window.places(sight.grid)
        one = Masks.from_dense(mask)
        return replace(
            state,
            last=Cells(features, places, inside),
            ridge=state.ridge.add(features, inside),
            mask=one if one.areas[0] else state.mask,
            lost=0,
        )


def _resize(state: Followed, size: Size) -> Followed:
    """The same object in frames of another size, in which it may be anywhere."""
    larger = size[0] * size[1] / (state.size[0] * state.size[1])
    mask = state.mask.resize(size)
    return replace(
        state, mask=mask, size=size, area=max(1, round(state.area * larger)), motion=None, lost=1
    )


def _step_by_motion(state: Followed, motion: Motion, moved: Array, frame: int) -> TrackStep:
    """Where the motion since the last frame has brought it; nothing is learned."""
    logits = motion.window.on_frame(moved, state.size)
    after = replace(state, mask=Masks.from_dense(logits > 0), motion=None)
    return TrackStep(_pack(after, frame), logits, motion.score)


def _without_strays(logits: Array) -> Array:
    """Without pieces that lie off the largest one: once taken, they would draw the window away."""
    found = regions.pieces(logits > 0)
    if len(found) < 2:
        return logits
    near = _within(found[0], STRAY * float(found[0].sum()) ** 0.5)
    kept = np.logical_or.reduce([piece for piece in found if (piece & near).any()])
    return np.where((logits > 0) & ~kept, -4, logits).astype(np.float32)


def _search(state: Followed, seen: MiniSeen) -> tuple[int, int, int, int] | None:
    """The box around the cells of the whole frame that look most like the object."""
    vectors = seen.maps.vectors
    alike = (state.prototype @ vectors.reshape(len(vectors), -1)).reshape(vectors.shape[1:])
    alike = cv2.GaussianBlur(alike, (3, 3), 0)
    if alike.max() < PEAK:
        return None
    found = regions.pieces(alike >= max(PEAK - 0.1, alike.max() - 0.15))
    peak = np.unravel_index(int(alike.argmax()), alike.shape)
    piece = next(piece for piece in found if piece[peak])
    x0, y0, x1, y1 = tight_box(piece)
    scale = seen.size[1] / alike.shape[1], seen.size[0] / alike.shape[0]
    return (
        int(x0 * scale[0]), int(y0 * scale[1]),
        int(np.ceil(x1 * scale[0])), int(np.ceil(y1 * scale[1])),
    )  # fmt: skip


def _least_in_place(state: Followed) -> float:
    """How alike what stands where it was must be: more if it has been gone for long."""
    if not state.lost:
        return ABSENT
    return BACK_SOON if state.lost <= SOON else BACK


def _least_likeness(state: Followed, guess: _Guess) -> float:
    """How alike a find must be: more if it is farther away than the object can have gone."""
    x0, y0, x1, y1 = state.box
    side = ((x1 - x0) * (y1 - y0)) ** 0.5
    window = guess.sight.window
    far = np.hypot((window.x0 + window.x1 - x0 - x1) / 2, (window.y0 + window.y1 - y0 - y1) / 2)
    return FOUND if far <= (1 + 0.5 * state.lost) * side else SURE


def _within(mask: Array, reach: float) -> Array:
    """(h, w) bool: cells at most `reach` from the mask; all of them where it is empty."""
    if not mask.any():
        return np.ones_like(mask)
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)
    return np.asarray(distance <= reach)


def _pack(state: Followed, frame: int) -> Memory:
    return Memory(state, frame, state.nbytes)
