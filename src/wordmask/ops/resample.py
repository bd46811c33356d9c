"""Grids over a picture at another resolution.

A grid of h x w cells covers the picture from edge to edge, and a value stands at the centre of
its cell. So a stretch multiplies coordinates, and nothing moves by half a cell
(`align_corners=False` in torch).
"""

from typing import NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array, Size

CHANNELS = 64  # resized at once: OpenCV's own limit differs between its versions


def bilinear(values: Array, size: Size | tuple[int, ...]) -> Array:
    """(h, w) or (h, w, D) values on a grid of `size`; unchanged where it has that size already."""
    if values.shape[:2] == tuple(size):
        return values
    size_wh = (int(size[1]), int(size[0]))
    if values.ndim == 2:
        return np.asarray(
            cv2.resize(np.ascontiguousarray(values), size_wh, interpolation=cv2.INTER_LINEAR)
        )
    parts = []
    for start in range(0, values.shape[2], CHANNELS):
        part = np.ascontiguousarray(values[:, :, start : start + CHANNELS])
        resized = cv2.resize(part, size_wh, interpolation=cv2.INTER_LINEAR)
        parts.append(resized.reshape(*size_wh[::-1], -1))
    return np.concatenate(parts, 2)


def over_box(values: Array, box: Array, size: Size) -> Array:
    """(h, w) float32: a grid over a picture of `size`, bilinear at the pixels of a box of it."""
    x0, y0, x1, y1 = (int(side) for side in box)
    if x0 == x1 or y0 == y1:
        return np.zeros((y1 - y0, x1 - x0), np.float32)
    scale_x, scale_y = values.shape[1] / size[1], values.shape[0] / size[0]
    # The half pixels: a warp maps centres, our coordinates are edges.
    left, top = (x0 + 0.5) * scale_x - 0.5, (y0 + 0.5) * scale_y - 0.5
    to_values = np.array([[scale_x, 0, left], [0, scale_y, top]])
    interpolated = cv2.warpAffine(
        values.astype(np.float32),
        to_values,
        (x1 - x0, y1 - y0),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(interpolated)


def stretch(pixels: Array, size: Size) -> Array:
    """A picture (H, W, ...) at another size: averaged if it shrinks, bilinear if it grows."""
    fewer = size[0] * size[1] < pixels.shape[0] * pixels.shape[1]
    mode = cv2.INTER_AREA if fewer else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (size[1], size[0]), interpolation=mode))


class Taps(NamedTuple):
    """Linear interpolation along one side: each output lies between two inputs."""

    first: Array  # (n,) the input before each output
    second: Array  # (n,) the one after it
    weight: Array  # (n,) float32 share of the second

    @classmethod
    def between(cls, old: int, new: int) -> "Taps":
        """From `old` cells along a side to `new`."""
        return cls.at((np.arange(new) + 0.5) * (old / new) - 0.5, old)

    @classmethod
    def at(cls, places: Array, count: int) -> "Taps":
        """At `places` between the centres 0, 1, ... of `count` cells, the outer ones repeated."""
        inside = np.clip(places, 0, count - 1)
        first = np.floor(inside).astype(np.intp)
        second = np.minimum(first + 1, count - 1)
        return cls(first, second, (inside - first).astype(np.float32))

    def touched_by(self, low: int, high: int) -> tuple[int, int]:
        """The range of outputs in which inputs low..high (inclusive) have a share."""
        start = np.searchsorted(self.second, low)
        stop = np.searchsorted(self.first, high, side="right")
        return int(start), int(stop)

    def part(self, start: int, stop: int) -> "Taps":
        """The outputs start..stop (exclusive)."""
        return Taps(self.first[start:stop], self.second[start:stop], self.weight[start:stop])

    def apply(self, values: Array) -> Array:
        """(n, ...) interpolated rows of `values`."""
        before = values[self.first]
        mixed = values[self.second]
        mixed -= before
        mixed *= self.weight[:, None]
        mixed += before
        return mixed

    def matrix(self, count: int) -> Array:
        """(n, count) float32: the same interpolation of `count` inputs as a matrix product."""
        rows = np.arange(len(self.first))
        shares = np.zeros((len(rows), count), np.float32)
        shares[rows, self.first] = 1 - self.weight
        shares[rows, self.second] += self.weight
        return shares


def antialias(values: Array, size: Size) -> Array:
    """(..., h, w) at another size: averaged by triangles if it shrinks, bilinear if it grows.

    The same as `interpolate(mode="bilinear", antialias=True)` of torch.
    """
    rows, columns = (_triangles(old, new) for old, new in zip(values.shape[-2:], size, strict=True))
    smaller: Array = rows @ values @ columns.T
    return smaller


def _triangles(old: int, new: int) -> Array:
    """(new, old) float32: each output's share of each input."""
    scale = max(1.0, old / new)
    centres = (np.arange(new) + 0.5) * (old / new)
    away = np.abs(np.arange(old) + 0.5 - centres[:, None]) / scale
    shares = np.clip(1 - away, 0, None)
    share: Array = (shares / shares.sum(1, keepdims=True)).astype(np.float32)
    return share
