"""Prompts as the tokens that a graph takes, and its masks back over the picture, in numpy."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.engines.hub.pictures import Statistics, normalise, to_array
from wordmask.engines.hub.prompt_groups import Group, fit_size, to_input
from wordmask.ops.resample import Taps, antialias

OUTSIDE = -10.0  # logit of the padding, which holds no object
PADDING, TOP_LEFT, BOTTOM_RIGHT = -1, 2, 3  # kinds of tokens


@dataclass(frozen=True)
class SquareInput:
    """The square that a SAM network sees, and how a picture gets into it."""

    side: int  # of the coordinates
    cells: int  # side of the low-resolution logits
    pads: bool  # the long side is fitted and the rest padded; else both sides are stretched
    statistics: Statistics
    pixels_side: int  # of the pixels, where the encoder sees fewer than the coordinates count

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "SquareInput":
        """From the settings of an exported folder."""
        side = int(settings["side"])
        statistics = settings["mean"], settings["std"]
        return cls(side, int(settings["cells"]), settings["fit"] == "pad", statistics, side)

    def inner(self, size: Size, side: int | None = None) -> Size:
        """The part of the square that a picture of `size` fills."""
        side = side or self.side
        return fit_size(size, side) if self.pads else (side, side)

    def pixels(self, image: Image) -> Array:
        """(3, side, side) float32."""
        side = self.pixels_side
        small = normalise(to_array(image, self.inner(image.size, side)), self.statistics)
        _, height, width = small.shape
        return np.pad(small, ((0, 0), (0, side - height), (0, side - width)))

    def crop(self, logits: Array, size: Size) -> Array:
        """(..., s, s) over the square -> (..., h, w) over the picture."""
        cells = logits.shape[-1]
        for axis, extent in zip((-2, -1), self.inner(size), strict=True):
            valid = extent * cells / self.side  # in cells, perhaps a fraction
            count = ceil(valid)
            if count == valid:
                logits = logits.take(range(count), axis)
            else:
                places = (np.arange(count) + 0.5) * valid / count - 0.5
                matrix = Taps.at(places, cells).matrix(cells)
                logits = matrix @ logits if axis == -2 else logits @ matrix.T
        return logits

    def earlier(self, logits: Array, size: Size) -> Array:
        """(P, h, w) over the picture -> (P, 1, cells, cells) over the square."""
        fills = [max(1, round(extent * self.cells / self.side)) for extent in self.inner(size)]
        small = antialias(logits.astype(np.float32), (fills[0], fills[1]))
        pads = ((0, 0), *((0, self.cells - extent) for extent in fills))
        return np.pad(small, pads, constant_values=OUTSIDE)[:, None]


class TokenArrays(NamedTuple):
    """P prompts of one shape."""

    xy: Array  # (P, K, 2) float32 in the network's input
    kind: Array  # (P, K) int64


def tokens(
    group: Group, size: Size, square: SquareInput, paddings: Mapping[str, int]
) -> TokenArrays:
    """Points, then the corners of the box, then what the network was trained to see behind them."""
    count, inner = len(group), square.inner(size)
    parts = [(to_input(group.xy, size, inner), group.keep.astype(np.int64))]
    if group.boxes is not None:
        corners = to_input(group.boxes, size, inner).reshape(count, 2, 2)
        kinds = np.tile(np.array([TOP_LEFT, BOTTOM_RIGHT], np.int64), (count, 1))
        parts.append((corners, kinds))
        missing = paddings["box"]
    else:
        missing = paddings["points" if group.xy.shape[1] else "nothing"]
    parts.append(
        (np.zeros((count, missing, 2), np.float32), np.full((count, missing), PADDING, np.int64))
    )
    xy, kind = (np.concatenate(column, 1) for column in zip(*parts, strict=True))
    return TokenArrays(np.asarray(xy, np.float32), kind)


def choose(
    masks: Array, quality: Array, ambiguous: bool, stability: Mapping[str, float] | None
) -> tuple[Array, Array]:
    """Of all four masks (P, 4, h, w) those that count: three, or the one that is meant.

    SAM 2 takes the best of the three where the one is unstable (its appendix on ambiguity).
    """
    if ambiguous:
        return masks[:, 1:], quality[:, 1:]
    chosen = np.zeros(len(masks), np.intp)
    if stability is not None:
        flat = masks[:, 0].reshape(len(masks), -1)
        inner = (flat > stability["delta"]).sum(1)
        outer = (flat > -stability["delta"]).sum(1)
        share = np.where(outer > 0, inner / np.maximum(outer, 1), 1.0).astype(np.float32)
        best = 1 + quality[:, 1:].argmax(1)
        chosen = np.where(share >= np.float32(stability["threshold"]), chosen, best)
    rows = np.arange(len(masks))
    return masks[rows, chosen][:, None], quality[rows, chosen][:, None]
