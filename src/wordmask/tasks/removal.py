"""Things taken out of a video: what is behind them is gathered from frames in which it is seen.

For each frame, its neighbours are moved onto it (a homography each). What they show on a ring
around the hole tells how well they fit, and the difference there, spread smoothly over the hole,
takes away seams (as in Poisson blending). The best are averaged, so that noise and small misfits do
not flicker. What no neighbour shows is filled as in a picture. Outside the ring no byte changes.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.result import Result
from wordmask.ops.align import Corners, find_corners, homographies
from wordmask.ops.paste import Hole, blend, make_hole, ring_width
from wordmask.ops.regions import Box, box_around
from wordmask.tasks.edit import EditOptions

REACH = 20  # frames before and after that are asked
NEAREST, STRIDE = 4, 4  # the nearest are all asked, of those farther away every fourth
MOST_BYTES = 400_000_000  # of frames that are held
BEST = 6  # frames whose pixels are averaged
POWER = 4  # how much less a frame counts that fits worse
RING = 12  # pixels around the hole by which frames are judged
LEAST_RING = 50  # of its pixels that a frame must show
BLEND_ERROR = 1.0  # from this error on the ring on, the difference there is spread over the hole
# Widths at which the ring's difference is spread, and what each counts: near pixels rule.
COARSE = 3  # pixels for one where it is spread
SPREAD = ((4.0, 1.0), (12.0, 0.05), (40.0, 0.002))

Fill = Callable[[Image, Array], Image]  # (picture, (H, W) bool to be filled)


@dataclass(frozen=True)
class _Held:
    """A frame in the window."""

    image: Image
    hole: Hole
    corners: Corners


class _Neighbour(NamedTuple):
    """A neighbour, moved onto a crop of the frame."""

    error: float  # on the ring
    pixels: Array  # (h, w, 3) float32
    shows: Array  # (h, w) bool: where it knows what is behind


def remove_moving(
    frames: Iterable[tuple[Image, Result]], fill: Fill, options: EditOptions | None = None
) -> Iterator[Image]:
    """Each frame without the regions of its result, in order, `REACH` frames late."""
    options = options or EditOptions()
    window: deque[_Held] = deque()
    at = 0  # place in the window of the next frame that is given out
    reach = REACH
    for image, result in frames:
        reach = min(REACH, max(1, MOST_BYTES // (2 * image.pixels.nbytes)))
        window.append(_hold(image, result, options))
        if len(window) - at > reach:
            yield _remove(window, at, fill)
            at += 1
        if at > reach:
            window.popleft()
            at -= 1
    for place in range(at, len(window)):
        yield _remove(window, place, fill)


def _hold(image: Image, result: Result, options: EditOptions) -> _Held:
    mask, size = result.masks.union(), image.size
    hole = make_hole(mask, ring_width(size, options.dilate), ring_width(size, options.feather))
    return _Held(image, hole, find_corners(image.pixels, hole.dilated))


def _remove(window: deque[_Held], at: int, fill: Fill) -> Image:
    held = window[at]
    hole = held.hole.dilated
    if not hole.any() or hole.all():
        return held.image
    box = box_around(hole, RING)
    x0, y0, x1, y1 = box
    layers = []
    for place, other in enumerate(window):
        distance = abs(place - at)
        if distance and (distance <= NEAREST or distance % STRIDE == 0):
            layers += _fit(held, other, box)
    patch, seen = _average(layers, held.image.pixels[y0:y1, x0:x1], hole[y0:y1, x0:x1])
    gathered = held.image.pixels.copy()
    gathered[y0:y1, x0:x1] = patch
    unseen = hole.copy()
    unseen[y0:y1, x0:x1] &= ~seen
    if unseen.any():
        gathered = fill(Image(gathered, held.image.name), unseen).pixels
    return Image(blend(held.image.pixels, gathered, held.hole.weight), held.image.name)


def _fit(held: _Held, other: _Held, box: Box) -> list[_Neighbour]:
    """The neighbour by the homography that fits the ring best; none where nothing fits."""
    matrices = homographies(held.corners, other.corners, box)
    layers = [_move(held, other, box, matrix) for matrix in matrices]
    fitting = [layer for layer in layers if layer is not None]
    return [min(fitting, key=lambda layer: layer.error)] if fitting else []


def _move(held: _Held, other: _Held, box: Box, matrix: Array) -> _Neighbour | None:
    x0, y0, x1, y1 = box
    there = matrix @ np.array([[1, 0, x0], [0, 1, y0], [0, 0, 1.0]])
    size_wh, how = (x1 - x0, y1 - y0), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpPerspective(other.image.pixels, there, size_wh, flags=how)
    known = (~other.hole.dilated).astype(np.uint8) * 255
    shows = cv2.warpPerspective(known, there, size_wh, flags=how) > 250
    ring = shows & ~held.hole.dilated[y0:y1, x0:x1]
    if ring.sum() < LEAST_RING:
        return None
    pixels = moved.astype(np.float32)
    difference = pixels - held.image.pixels[y0:y1, x0:x1]
    error = float(np.abs(difference[ring] - np.median(difference[ring], 0)).mean())
    if np.abs(difference[ring]).mean() >= BLEND_ERROR:
        pixels = pixels - _smooth_out(difference, ring)
    return _Neighbour(error, pixels, shows)


def _smooth_out(difference: Array, ring: Array) -> Array:
    """(h, w, 3) float32: what is known on the ring, everywhere, ever smoother away from it."""
    height, width = ring.shape
    # What is smooth needs few pixels.
    small_wh = (max(1, width // COARSE), max(1, height // COARSE))
    known = difference * ring[..., None]
    known = cv2.resize(known, small_wh, interpolation=cv2.INTER_AREA)
    share = cv2.resize(ring.astype(np.float32), small_wh, interpolation=cv2.INTER_AREA)
    total, weight = np.zeros_like(known), np.full(share.shape, 1e-9, np.float32)
    for sigma, counts in SPREAD:
        total += counts * cv2.GaussianBlur(known, (0, 0), sigma / COARSE)
        weight += counts * cv2.GaussianBlur(share, (0, 0), sigma / COARSE)
    return np.asarray(cv2.resize(total / weight[..., None], (width, height)))


def _average(layers: list[_Neighbour], below: Array, hole: Array) -> tuple[Array, Array]:
    """The crop with the hole filled where layers show it, and where that is, (h, w) bool."""
    total = np.zeros((*hole.shape, 3), np.float32)
    weight, count = np.zeros(hole.shape, np.float32), np.zeros(hole.shape, np.uint8)
    ordered = sorted(layers, key=lambda layer: layer.error)
    for layer in ordered:
        use = hole & layer.shows & (count < BEST)
        counts = ((ordered[0].error + 0.1) / (layer.error + 0.1)) ** POWER
        total[use] += counts * layer.pixels[use]
        weight[use] += counts
        count += use
    seen = count > 0
    patch = below.copy()
    patch[seen] = np.clip(np.rint(total[seen] / weight[seen][:, None]), 0, 255).astype(np.uint8)
    return patch, seen
