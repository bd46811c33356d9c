"""How a picture lies in a model's input, and the way of points, boxes and maps there and back.

Coordinates are measured from the top-left EDGE, so a stretch multiplies them and nothing is shifted by half
a pixel: x' = x * fx + dx, with fx the ratio of whole sides that was really used, not the one aimed at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from wordmask.core.image import Array, Size
from wordmask.errors import OptionError


@dataclass(frozen=True)
class Placed:
    """A picture of `size`, stretched to `inner` and put at `corner` (x, y) in a model input of `outer`.

    >>> placed = letterbox((50, 100), (64, 64))
    >>> placed.inner, placed.corner, placed.to_input([[50.0, 25.0]]).tolist()
    ((32, 64), (0, 16), [[32.0, 32.0]])
    """

    size: Size
    inner: Size
    outer: Size
    corner: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        dx, dy = self.corner
        if min(*self.size, *self.inner) < 1:
            raise OptionError(
                f"a picture of {self.size} cannot be put into a model input as {self.inner}"
            )
        if (
            min(dx, dy) < 0
            or dy + self.inner[0] > self.outer[0]
            or dx + self.inner[1] > self.outer[1]
        ):
            raise OptionError(
                f"{self.inner} at {self.corner} does not fit into {self.outer} (height, width)"
            )

    @property
    def factors(self) -> tuple[float, float]:
        """(fx, fy): input pixels per picture pixel."""
        return self.inner[1] / self.size[1], self.inner[0] / self.size[0]

    def to_input(self, xy: Array | Sequence[Sequence[float]]) -> Array:
        """Points (..., 2) or boxes (..., 4) of the picture, in the input's coordinates."""
        values = np.asarray(xy, np.float64)
        return values * self._tiled(self.factors, values) + self._tiled(self.corner, values)

    def to_picture(self, xy: Array | Sequence[Sequence[float]]) -> Array:
        """Points (..., 2) or boxes (..., 4) of the input, in the picture's coordinates."""
        values = np.asarray(xy, np.float64)
        return (values - self._tiled(self.corner, values)) / self._tiled(self.factors, values)

    def pixels(self, pixels: Array, fill: int | Sequence[int] = 0) -> Array:
        """The model's input (*outer, C): the stretched picture, `fill` (a number or a colour) around it."""
        if pixels.shape[:2] != self.size:
            raise OptionError(
                f"the picture is {pixels.shape[:2]}, this placing is for {self.size} (height, width)"
            )
        canvas = np.empty((*self.outer, *pixels.shape[2:]), pixels.dtype)
        canvas[:] = fill
        dx, dy = self.corner
        canvas[dy : dy + self.inner[0], dx : dx + self.inner[1]] = stretch(pixels, self.inner)
        return canvas

    def over_picture(self, maps: Array, size: Size | None = None) -> Array:
        """Maps (N, h, w) that cover the input edge to edge, as (N, *size) float32 that cover the picture so.

        Bilinear at half-pixel centres, exact in place though a border ends inside a cell. `size` defaults to
        the picture's; a low one keeps many masks small.
        """
        height, width = size or self.size
        u = (np.arange(width) + 0.5) * (self.inner[1] / width) + self.corner[0]
        v = (np.arange(height) + 0.5) * (self.inner[0] / height) + self.corner[1]
        u = u * (maps.shape[2] / self.outer[1]) - 0.5
        v = v * (maps.shape[1] / self.outer[0]) - 0.5
        spread = np.empty((len(maps), height, width), np.float32)
        for plane, out in zip(maps, spread, strict=True):
            out[:] = _lerp(_lerp(plane.astype(np.float32, copy=False), v).T, u).T
        return spread

    @staticmethod
    def _tiled(pair: tuple[float, float], values: Array) -> Array:
        return np.tile(np.array(pair, np.float64), values.shape[-1] // 2)


def stretched(size: Size, outer: Size) -> Placed:
    """The picture fills the input; its sides may be stretched differently."""
    return Placed(size, outer, outer)


def letterbox(size: Size, outer: Size) -> Placed:
    """The whole picture at one scale in the middle of the input."""
    inner = _fitted(size, outer)
    return Placed(size, inner, outer, ((outer[1] - inner[1]) // 2, (outer[0] - inner[0]) // 2))


def top_left(size: Size, side: int) -> Placed:
    """The whole picture at one scale at the top left of a square, as SAM pads."""
    return Placed(size, _fitted(size, (side, side)), (side, side))


def short_side(size: Size, side: int, multiple: int = 1) -> Placed:
    """No border: the short side becomes `side`, both are rounded to a `multiple` (the patch)."""
    scale = side / min(size)
    height, width = (max(multiple, round(length * scale / multiple) * multiple) for length in size)
    return stretched(size, (height, width))


def stretch(pixels: Array, size: Size) -> Array:
    """(H, W, ...) pixels at another size, half-pixel exact: averaged where they shrink, bilinear where they grow."""
    if pixels.shape[:2] == tuple(size):
        return pixels
    shrinks = size[0] <= pixels.shape[0] and size[1] <= pixels.shape[1]
    mode = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (size[1], size[0]), interpolation=mode))


def _fitted(size: Size, outer: Size) -> Size:
    scale = min(outer[0] / size[0], outer[1] / size[1])
    height, width = (
        max(1, min(side, round(length * scale))) for length, side in zip(size, outer, strict=True)
    )
    return height, width


def _lerp(values: Array, places: Array) -> Array:
    """Rows of `values` at fractional places; the first and last row are repeated outside."""
    places = np.clip(places, 0, len(values) - 1)
    first = np.floor(places).astype(np.intp)
    weight = (places - first).astype(np.float32)[:, None]
    near, far = values[first], values[np.minimum(first + 1, len(values) - 1)]
    return np.asarray(near + weight * (far - near))
