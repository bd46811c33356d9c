"""Looks for an object, each a pure function (Image, Result, options) -> Image, fast enough for live frames.

All regions of the result together are the object. Colour work happens on whole crops (a conversion wants a
picture, not a list of pixels) and comes back through a soft matte; what the effect does not mean keeps its bytes.
Effects on what is around the object are in `backdrop.py`; `EFFECTS` names them all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import cv2
import numpy as np
from annotated_types import Interval

from wordmask.core.image import Array, Image
from wordmask.core.options import Share, check
from wordmask.core.result import Result
from wordmask.ops import colour as colours
from wordmask.ops.regions import box_around
from wordmask.tasks.effects import backdrop as around
from wordmask.tasks.effects.lifted import (
    NOTHING,
    blended,
    cut_of,
    distance_from,
    on_object,
    pasted,
    union_of,
)


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


@dataclass(frozen=True)
class OutlineOptions:
    """A line around the object."""

    colour: str = "yellow"
    """A name or #rrggbb."""
    width: Annotated[float, Interval(ge=0.0005, le=0.2)] = 0.006
    """Of the line, as a share of the picture's shorter side."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class GlowOptions:
    """Light around the object."""

    colour: str = "cyan"
    """A name or #rrggbb."""
    width: Annotated[float, Interval(ge=0.0005, le=0.3)] = 0.03
    """How far the light reaches, as a share of the picture's shorter side."""
    strength: Share = 1.0
    """At the object's edge, 0 to 1."""

    def __post_init__(self) -> None:
        check(self)


def hue(image: Image, result: Result, options: HueOptions | None = None) -> Image:
    """The object with its hue turned."""
    options = options or HueOptions()
    return on_object(image, result, lambda cut: colours.turn_hue(cut.pixels, options.degrees))


def recolour(image: Image, result: Result, options: RecolourOptions | None = None) -> Image:
    """The object in another colour, with its light and shadow."""
    options = options or RecolourOptions()
    goal = colours.parse_colour(options.colour)
    return on_object(
        image, result, lambda cut: colours.tint(cut.pixels, goal, cut.mask), options.strength
    )


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
    lamp = np.array(colours.parse_colour(options.colour), np.float32) / 255
    lit = cut.pixels + light[..., None] * (255 - cut.pixels.astype(np.float32)) * lamp
    inside = cut.mask | (light < 1 / 255)
    return pasted(
        image, cut.box, np.where(inside[..., None], cut.pixels, np.rint(lit)).astype(np.uint8)
    )


def _grown(mask: Array, margin: int) -> Array:
    return distance_from(mask) <= margin if not mask.all() else mask


def _flat(pixels: Array, colour: str) -> Array:
    return np.full_like(pixels, colours.parse_colour(colour))


# name -> (function, its options): what the command line and the server offer
EFFECTS: dict[str, tuple[Callable[..., Image], type[Any]]] = {
    "hue": (hue, HueOptions),
    "recolour": (recolour, RecolourOptions),
    "blur": (around.blur, around.BlurOptions),
    "desaturate": (around.desaturate, around.DesaturateOptions),
    "spotlight": (around.spotlight, around.SpotlightOptions),
    "outline": (outline, OutlineOptions),
    "glow": (glow, GlowOptions),
    "pixelate": (pixelate, PixelateOptions),
    "sticker": (around.sticker, around.StickerOptions),
    "backdrop": (around.backdrop, around.BackdropOptions),
    "shadow": (around.shadow, around.ShadowOptions),
    "overlay": (around.overlay, around.OverlayOptions),
}
