"""The fake's tracker: an object is its colours, its size, and the place where it was last."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.protocols import Memory, TrackStep
from wordmask.errors import MaskError

_LEAST_SHARE = 0.1  # of the object: a colour of less is not its own
_SIZES = 3.0  # how many times smaller or larger it may become from one frame to the next


@dataclass(frozen=True, eq=False)
class _Object:
    """Places and sizes are shares of the frame, whose size may change."""

    colours: tuple[int, ...]  # indices into COLOURS
    area: float
    xy: tuple[float, float]
    is_here: bool = True


def remember(colours: Array, mask: Array, memory: Memory | None) -> Memory:
    """An object under `mask` (H, W) in a frame whose cells have these colours (h, w)."""
    grid = (colours.shape[0], colours.shape[1])
    small = Masks.from_dense(mask).resize(grid).one(0)
    if not small.any():
        raise MaskError("there is nothing to follow: the mask is empty or smaller than a cell")
    shares = np.bincount(colours[small]) / np.count_nonzero(small)
    own = tuple(np.flatnonzero(shares >= _LEAST_SHARE).tolist())
    state = _Object(own, *_place(small))
    return Memory(state, 0 if memory is None else memory.frame, nbytes=8 * len(own) + 32)


def step(memory: Memory, colours: Array) -> TrackStep:
    """The region of the object's colours that fits its size and place best, if one does."""
    last: _Object = memory.state
    found, ids = cv2.connectedComponents(
        np.isin(colours, last.colours).astype(np.uint8), connectivity=8
    )
    fits = [_fit(last, ids == number) for number in range(1, found)]
    best = int(np.argmax(fits)) if fits else -1
    if not fits or not fits[best]:
        gone = Memory(replace(last, is_here=False), memory.frame + 1, memory.nbytes)
        return TrackStep(gone, None, 0.0)
    mask = ids == best + 1
    after = Memory(_Object(last.colours, *_place(mask)), memory.frame + 1, memory.nbytes)
    return TrackStep(after, np.where(mask, 8, -8).astype(np.float32), fits[best])


def _place(mask: Array) -> tuple[float, tuple[float, float]]:
    """Area and centre as shares of the frame."""
    ys, xs = np.nonzero(mask)
    height, width = mask.shape
    centre = (float(xs.mean() + 0.5) / width, float(ys.mean() + 0.5) / height)
    return float(mask.mean()), centre


def _fit(last: _Object, mask: Array) -> float:
    """0 for a region that it cannot be, else 0.5 to 1. After an absence any place will do."""
    area, (x, y) = _place(mask)
    size = min(area, last.area) / max(area, last.area)
    if size < 1 / _SIZES:
        return 0.0
    far = float(np.hypot(x - last.xy[0], y - last.xy[1])) if last.is_here else 0.0
    return 0.5 + 0.5 * size * float(np.exp(-2 * far))
