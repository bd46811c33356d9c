"""Looks of the object's edge: an outline, a glow, a sticker."""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from annotated_types import Interval

from wordmask.core.image import Array, Image
from wordmask.core.options import Share, check
from wordmask.core.result import Result
from wordmask.ops import colour as colours
from wordmask.ops.paste import blend
from wordmask.ops.regions import Box, distance_from
from wordmask.tasks.effects.lifted import NO_OBJECT, lift, put_back


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


@dataclass(frozen=True)
class StickerOptions:
    """The object cut out, with a border."""

    border: Annotated[float, Interval(ge=0, le=0.2)] = 0.015
    """Width as a share of the picture's shorter side."""
    colour: str = "white"
    """Of the border: a name or #rrggbb."""
    ground: str = ""
    """What lies under the sticker; default: nothing where the picture can be transparent, else
    silver."""

    def __post_init__(self) -> None:
        check(self)


class _Sticker(NamedTuple):
    """The object with its border, in a crop of the picture."""

    box: Box
    pixels: Array  # (h, w, 3) uint8
    cover: Array  # (h, w) float32: how much of each pixel the sticker covers


def outline(image: Image, result: Result, options: OutlineOptions | None = None) -> Image:
    """A smooth line of even width that lies outside the object."""
    options = options or OutlineOptions()
    width = max(1.0, options.width * min(image.size))
    lifted = lift(image, result, margin=int(width) + 3, soft=False)
    if lifted is NO_OBJECT:
        return image
    # A ramp of one pixel at the outer end is what antialiasing looks like.
    line = np.clip(width + 1 - distance_from(lifted.mask), 0, 1)
    line[lifted.mask] = 0
    paint = _flat(lifted.pixels, options.colour)
    return put_back(image, lifted.box, blend(lifted.pixels, paint, line))


def glow(image: Image, result: Result, options: GlowOptions | None = None) -> Image:
    """Light that fades away from the object; it brightens what is there and never covers it."""
    options = options or GlowOptions()
    width = max(1.0, options.width * min(image.size))
    lifted = lift(image, result, margin=int(2 * width) + 3, soft=False)
    if lifted is NO_OBJECT:
        return image
    light = options.strength * np.exp(-((distance_from(lifted.mask) / width) ** 2))
    lamp = np.array(colours.parse_colour(options.colour), np.float32) / 255
    lit = lifted.pixels + light[..., None] * (255 - lifted.pixels.astype(np.float32)) * lamp
    unlit = (lifted.mask | (light < 1 / 255))[..., None]
    pixels = np.where(unlit, lifted.pixels, np.rint(lit)).astype(np.uint8)
    return put_back(image, lifted.box, pixels)


def sticker(image: Image, result: Result, options: StickerOptions | None = None) -> Image:
    """The object with a border, on a plain ground. `sticker_rgba` has nothing under it instead."""
    options = options or StickerOptions()
    box, pixels, cover = _make_sticker(image, result, options)
    ground = _flat(image.pixels, options.ground or "silver")
    x0, y0, x1, y1 = box
    ground[y0:y1, x0:x1] = blend(ground[y0:y1, x0:x1], pixels, cover)
    return Image(ground, image.name)


def sticker_rgba(image: Image, result: Result, options: StickerOptions | None = None) -> Array:
    """(H, W, 4) uint8: the object and its border; all transparent without an object."""
    options = options or StickerOptions()
    box, pixels, cover = _make_sticker(image, result, options)
    out = np.zeros((*image.size, 4), np.uint8)
    x0, y0, x1, y1 = box
    alpha = np.rint(cover * 255).astype(np.uint8)
    # Fully transparent pixels are black: the old background must not be found there.
    out[y0:y1, x0:x1, :3] = np.where((alpha > 0)[..., None], pixels, 0)
    out[y0:y1, x0:x1, 3] = alpha
    return out


def _make_sticker(image: Image, result: Result, options: StickerOptions) -> _Sticker:
    border = options.border * min(image.size)
    lifted = lift(image, result, margin=int(border) + 3)
    if lifted is NO_OBJECT:
        return _Sticker(lifted.box, lifted.pixels, lifted.alpha)
    own = lifted.own_colours()
    if border == 0:
        # The colours are the object's own all the way out: alpha alone makes the edge soft.
        return _Sticker(lifted.box, own, lifted.alpha)
    rim = np.clip(np.float32(border + 1) - distance_from(lifted.mask), 0, 1)
    pixels = blend(_flat(own, options.colour), own, lifted.alpha)
    return _Sticker(lifted.box, pixels, np.maximum(rim, lifted.alpha))


def _flat(pixels: Array, colour: str) -> Array:
    """A picture of the same size in one colour."""
    return np.full_like(pixels, colours.parse_colour(colour))
