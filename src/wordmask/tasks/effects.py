"""Looks for an object, each a pure function (Image, Result, options) -> Image, fast enough for live frames.

All regions of the result together are the object. Colour work happens on whole crops (a conversion wants a
picture, not a list of pixels) and comes back through a soft matte; what the effect does not mean keeps its bytes.
Effects on what is around the object are in `backdrop.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.options import check_range
from wordmask.core.result import Result
from wordmask.errors import MaskError
from wordmask.ops import colour as colours
from wordmask.ops.matte import box_around, reach_of, soft_matte
from wordmask.ops.paste import Box

COARSE_FROM = 60_000  # pixels of the object's box from which the matte is computed on every second pixel, and so on


@dataclass(frozen=True)
class HueOptions:
    """Turn the object's colours round the colour wheel."""

    degrees: float = 120.0
    """How far: 120 makes red green, 180 is the complement."""


@dataclass(frozen=True)
class RecolourOptions:
    """Give the object a colour; its shading stays."""

    colour: str = "red"
    """A name (red, teal, gold, ...) or #rrggbb."""
    strength: float = 1.0
    """0 leaves the old colour, 1 replaces it."""

    def __post_init__(self) -> None:
        check_range("strength", self.strength, 0, 1)


@dataclass(frozen=True)
class PixelateOptions:
    """Hide the object behind large squares, for privacy."""

    blocks: int = 8
    """Squares across the shorter side of the object; fewer hide more."""
    margin: float = 0.02
    """Grown by this share of the object's size first, so that no edge pixel shows."""

    def __post_init__(self) -> None:
        check_range("blocks", self.blocks, 1, 64)
        check_range("margin", self.margin, 0, 0.5)


@dataclass(frozen=True)
class OutlineOptions:
    """A line around the object."""

    colour: str = "yellow"
    """A name or #rrggbb."""
    width: float = 0.006
    """Of the line, as a share of the picture's shorter side."""

    def __post_init__(self) -> None:
        check_range("width", self.width, 0.0005, 0.2)


@dataclass(frozen=True)
class GlowOptions:
    """Light around the object."""

    colour: str = "cyan"
    """A name or #rrggbb."""
    width: float = 0.03
    """How far the light reaches, as a share of the picture's shorter side."""
    strength: float = 1.0
    """At the object's edge, 0 to 1."""

    def __post_init__(self) -> None:
        check_range("width", self.width, 0.0005, 0.3)
        check_range("strength", self.strength, 0, 1)


class Cut(NamedTuple):
    """The object in a crop of its picture."""

    box: Box
    pixels: Array  # (h, w, 3) uint8
    mask: Array  # (h, w) bool
    alpha: Array  # (h, w) float32, soft; equal to the mask where it was not asked for


def hue(image: Image, result: Result, options: HueOptions | None = None) -> Image:
    """The object with its hue turned."""
    options = options or HueOptions()
    return _on_object(image, result, lambda cut: colours.turn_hue(cut.pixels, options.degrees))


def recolour(image: Image, result: Result, options: RecolourOptions | None = None) -> Image:
    """The object in another colour, with its light and shadow."""
    options = options or RecolourOptions()
    goal = colours.parse_colour(options.colour)
    return _on_object(image, result, lambda cut: colours.tint(cut.pixels, goal, cut.mask), options.strength)


def pixelate(image: Image, result: Result, options: PixelateOptions | None = None) -> Image:
    """The object in large squares. The edge is hard on purpose: a soft one would let the object through."""
    options = options or PixelateOptions()
    mask = union_of(image, result)
    if not mask.any():
        return image
    x0, y0, x1, y1 = box_around(mask, 0)
    margin = round(options.margin * max(x1 - x0, y1 - y0))
    cut = cut_of(image, result, margin=margin, soft=False)
    height, width = cut.mask.shape
    side = max(2, min(height, width) // options.blocks)
    small_wh = (max(1, round(width / side)), max(1, round(height / side)))
    small = cv2.resize(cut.pixels, small_wh, interpolation=cv2.INTER_AREA)
    blocky = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    grown = _grown(cut.mask, margin)
    return pasted(image, cut.box, np.where(grown[..., None], blocky, cut.pixels))


def outline(image: Image, result: Result, options: OutlineOptions | None = None) -> Image:
    """A smooth line of even width that lies outside the object."""
    options = options or OutlineOptions()
    width = max(1.0, options.width * min(image.size))
    cut = cut_of(image, result, margin=int(width) + 3, soft=False)
    if cut is NOTHING:
        return image
    away = distance_from(cut.mask)
    # Half a pixel of ramp at the outer end is what antialiasing looks like.
    line = np.where(cut.mask, 0, np.clip(width + 1 - away, 0, 1))
    return pasted(image, cut.box, blended(cut.pixels, _flat(cut.pixels, options.colour), line))


def glow(image: Image, result: Result, options: GlowOptions | None = None) -> Image:
    """Light that fades away from the object; it brightens what is there and never covers it."""
    options = options or GlowOptions()
    width = max(1.0, options.width * min(image.size))
    cut = cut_of(image, result, margin=int(2 * width) + 3, soft=False)
    if cut is NOTHING:
        return image
    light = options.strength * np.exp(-((distance_from(cut.mask) / width) ** 2))
    lit = cut.pixels + light[..., None] * (255 - cut.pixels.astype(np.float32)) * (
        np.float32(colours.parse_colour(options.colour)) / 255
    )
    inside = cut.mask | (light < 1 / 255)
    return pasted(image, cut.box, np.where(inside[..., None], cut.pixels, np.rint(lit)).astype(np.uint8))


# ---- shared with backdrop.py


def union_of(image: Image, result: Result) -> Array:
    """(H, W) bool: every pixel of every region."""
    if result.size != image.size:
        raise MaskError(f"the result is of {result.size}, the picture {image.size} (height, width)")
    return result.masks.union()


NOTHING = Cut((0, 0, 0, 0), np.zeros((0, 0, 3), np.uint8), np.zeros((0, 0), bool), np.zeros((0, 0), np.float32))


def cut_of(image: Image, result: Result, *, margin: int = 0, soft: bool = True) -> Cut:
    """The object's crop with a margin and, unless `soft` is off, its matte; `NOTHING` where there is no object."""
    mask = union_of(image, result)
    if not mask.any():
        return NOTHING
    reach = reach_of(mask) if soft else 0
    box = box_around(mask, max(margin, 3 * reach))
    x0, y0, x1, y1 = box
    pixels, part = image.pixels[y0:y1, x0:x1], mask[y0:y1, x0:x1]
    alpha = soft_matte(pixels, part, reach=reach, coarse=coarseness(part)) if soft else part.astype(np.float32)
    return Cut(box, pixels, part, alpha)


def coarseness(part: Array) -> int:
    """Every how manieth pixel the matte is computed on, so that its time grows slowly with the object's."""
    return int(np.clip(round(float(np.sqrt(part.size / COARSE_FROM))), 1, 4))


def distance_from(mask: Array) -> Array:
    """(h, w) float32: pixels to the mask, 0 on it."""
    away: Array = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    return away


def blended(below: Array, above: Array, weight: Array) -> Array:
    """uint8: `above` over `below` by `weight` (h, w); exactly `below` where it is 0."""
    share = np.ascontiguousarray(weight, np.float32)
    mix = cv2.blendLinear(np.ascontiguousarray(above), np.ascontiguousarray(below), share, 1 - share)
    out: Array = cv2.copyTo(mix, (share > 0).astype(np.uint8), below.copy())
    return out


def pasted(image: Image, box: Box, pixels: Array) -> Image:
    """The picture with the crop put back."""
    x0, y0, x1, y1 = box
    out = image.pixels.copy()
    out[y0:y1, x0:x1] = pixels
    return Image(out, image.name)


def _on_object(image: Image, result: Result, change: Callable[[Cut], Array], strength: float = 1.0) -> Image:
    cut = cut_of(image, result)
    if cut is NOTHING:
        return image
    return pasted(image, cut.box, blended(cut.pixels, change(cut), cut.alpha * np.float32(strength)))


def _grown(mask: Array, margin: int) -> Array:
    return distance_from(mask) <= margin if not mask.all() else mask


def _flat(pixels: Array, colour: str) -> Array:
    return np.full_like(pixels, colours.parse_colour(colour))
