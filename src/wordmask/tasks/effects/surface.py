"""Looks of the object itself: hue, colour, large squares."""

from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
from annotated_types import Interval

from wordmask.core.image import Array, Image
from wordmask.core.options import Share, check
from wordmask.core.result import Result
from wordmask.ops import colour as colours
from wordmask.ops.regions import box_around, distance_from
from wordmask.tasks.effects.lifted import (
    change_object,
    lift,
    object_mask,
    put_back,
)


@dataclass(frozen=True)
class HueOptions:
    """Turn the object's colours round the colour wheel."""

    degrees: float = 120.0
    """How far: 120 makes red green, 180 is the complement."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class RecolourOptions:
    """Give the object a colour; its shading stays."""

    colour: str = "red"
    """A name (red, teal, gold, ...) or #rrggbb."""
    strength: Share = 1.0
    """0 leaves the old colour, 1 replaces it."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class PixelateOptions:
    """Hide the object behind large squares, for privacy."""

    blocks: Annotated[int, Interval(ge=1, le=64)] = 8
    """Squares across the shorter side of the object; fewer hide more."""
    margin: Annotated[float, Interval(ge=0, le=0.5)] = 0.02
    """Grown by this share of the object's size first, so that no edge pixel shows."""

    def __post_init__(self) -> None:
        check(self)


def hue(image: Image, result: Result, options: HueOptions | None = None) -> Image:
    """The object with its hue turned."""
    options = options or HueOptions()
    return change_object(
        image, result, lambda lifted: colours.turn_hue(lifted.pixels, options.degrees)
    )


def recolour(image: Image, result: Result, options: RecolourOptions | None = None) -> Image:
    """The object in another colour, with its light and shadow."""
    options = options or RecolourOptions()
    colour = colours.parse_colour(options.colour)
    return change_object(
        image,
        result,
        lambda lifted: colours.tint(lifted.pixels, colour, lifted.mask),
        options.strength,
    )


def pixelate(image: Image, result: Result, options: PixelateOptions | None = None) -> Image:
    """The object in large squares, with a hard edge: a soft one would let the object through."""
    options = options or PixelateOptions()
    mask = object_mask(image, result)
    if not mask.any():
        return image
    x0, y0, x1, y1 = box_around(mask)
    margin = round(options.margin * max(x1 - x0, y1 - y0))
    lifted = lift(image, result, margin=margin, soft=False)
    squares = _squares(lifted.pixels, options.blocks)
    hidden = _grow(lifted.mask, margin)[..., None]
    return put_back(image, lifted.box, np.where(hidden, squares, lifted.pixels))


def _squares(pixels: Array, blocks: int) -> Array:
    """The crop in squares of one colour each, `blocks` of them across its shorter side."""
    height, width = pixels.shape[:2]
    side = max(2, min(height, width) // blocks)
    small_wh = (max(1, round(width / side)), max(1, round(height / side)))
    small = cv2.resize(pixels, small_wh, interpolation=cv2.INTER_AREA)
    squares: Array = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    return squares


def _grow(mask: Array, margin: int) -> Array:
    return distance_from(mask) <= margin if not mask.all() else mask
