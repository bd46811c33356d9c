"""Looks of what is around the object: blurred, grey, dark, replaced, or under the object's shadow.

The object is put back through a soft matte and, where the ground changes, in its own colours,
without the fringe of the old ground.
"""

from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
from annotated_types import Interval

from wordmask.core.image import Array, Image, Size
from wordmask.core.options import Share, check
from wordmask.core.result import Result
from wordmask.ops import colour as colours
from wordmask.ops.paste import blend
from wordmask.ops.regions import distance_from
from wordmask.tasks.effects.lifted import (
    NO_OBJECT,
    LiftedObject,
    lift,
    object_mask,
    put_back,
)


@dataclass(frozen=True)
class BlurOptions:
    """A portrait: the background out of focus."""

    amount: Annotated[float, Interval(ge=0.001, le=0.2)] = 0.015
    """Standard deviation of the blur as a share of the picture's shorter side."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class DesaturateOptions:
    """The background in grey."""

    strength: Share = 1.0
    """1 is grey, 0 leaves the colours."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class SpotlightOptions:
    """The background dark."""

    darkness: Share = 0.7
    """0 leaves it, 1 makes it black."""
    feather: Annotated[float, Interval(ge=0, le=0.5)] = 0.02
    """Width of the light's edge as a share of the picture's shorter side; 0 follows the object
    sharply."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class BackdropOptions:
    """Another background."""

    colour: str = "white"
    """A name or #rrggbb."""
    to: str = ""
    """A second colour at the bottom makes a gradient."""
    picture: Image | None = None
    """A picture instead; it covers the frame, its middle kept."""
    decontaminate: bool = True
    """Take the old background's colour out of the object's edge."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class ShadowOptions:
    """A shadow on what is behind the object."""

    offset_x: Annotated[float, Interval(ge=-2, le=2)] = 0.03
    """To the right, as a share of the object's size."""
    offset_y: Annotated[float, Interval(ge=-2, le=2)] = 0.05
    """Downwards, as a share of the object's size."""
    softness: Annotated[float, Interval(ge=0, le=0.5)] = 0.03
    """Standard deviation of its edge, as a share of the object's size."""
    strength: Share = 0.6
    """0 is none, 1 is black."""

    def __post_init__(self) -> None:
        check(self)


def blur(image: Image, result: Result, options: BlurOptions | None = None) -> Image:
    """The background out of focus; the object's colours do not bleed into it."""
    options = options or BlurOptions()
    lifted = lift(image, result)
    if lifted is NO_OBJECT:
        return image
    sigma = options.amount * min(image.size)
    known = 1 - lifted.alpha_in_picture(image.size)
    blurred = _blur_known(image.pixels, known, sigma)
    return _put_before(blurred, lifted, lifted.own_colours(), image.name)


def desaturate(image: Image, result: Result, options: DesaturateOptions | None = None) -> Image:
    """Colour on the object only."""
    options = options or DesaturateOptions()
    lifted = lift(image, result)
    if lifted is NO_OBJECT:
        return image
    grey = colours.grey(image.pixels)
    pale = cv2.addWeighted(grey, options.strength, image.pixels, 1 - options.strength, 0)
    return _put_before(pale, lifted, lifted.pixels, image.name)


def spotlight(image: Image, result: Result, options: SpotlightOptions | None = None) -> Image:
    """Light on the object, dark around it."""
    options = options or SpotlightOptions()
    reach = options.feather * min(image.size)
    lifted = lift(image, result, margin=int(3 * reach) + 1)
    if lifted is NO_OBJECT:
        return image
    dark = cv2.convertScaleAbs(image.pixels, alpha=1 - options.darkness)
    if reach >= 1:
        light = np.exp(-((distance_from(lifted.mask) / reach) ** 2), dtype=np.float32)
        light *= light > 1e-3
        lifted = lifted._replace(alpha=np.maximum(lifted.alpha, light))
    return _put_before(dark, lifted, lifted.pixels, image.name)


def backdrop(image: Image, result: Result, options: BackdropOptions | None = None) -> Image:
    """The object before a colour, a gradient or a picture."""
    options = options or BackdropOptions()
    lifted = lift(image, result)
    if lifted is NO_OBJECT:
        return image
    pixels = lifted.own_colours() if options.decontaminate else lifted.pixels
    return _put_before(_make_ground(image.size, options), lifted, pixels, image.name)


def shadow(image: Image, result: Result, options: ShadowOptions | None = None) -> Image:
    """The object's shadow, shifted and soft, on everything but the object."""
    options = options or ShadowOptions()
    mask = object_mask(image, result)
    if not mask.any():
        return image
    side = float(np.sqrt(np.count_nonzero(mask)))
    dx, dy, sigma = options.offset_x * side, options.offset_y * side, options.softness * side
    lifted = lift(image, result, margin=int(max(abs(dx), abs(dy)) + 3 * sigma) + 2)
    shift = np.array([[1, 0, dx], [0, 1, dy]])
    shade = cv2.warpAffine(lifted.alpha, shift, lifted.alpha.shape[::-1])
    if sigma >= 0.5:
        shade = _blur_plane(shade, sigma)
    shade = shade * (1 - lifted.alpha) * np.float32(options.strength)
    black = np.zeros_like(lifted.pixels)
    return put_back(image, lifted.box, blend(lifted.pixels, black, shade))


# ---- grounds


def _put_before(ground: Array, lifted: LiftedObject, pixels: Array, name: str) -> Image:
    """The object, in `pixels` of its crop, before `ground` (H, W, 3), which is painted on."""
    x0, y0, x1, y1 = lifted.box
    ground[y0:y1, x0:x1] = blend(ground[y0:y1, x0:x1], pixels, lifted.alpha)
    return Image(ground, name)


def _make_ground(size: Size, options: BackdropOptions) -> Array:
    """(H, W, 3) uint8: a picture that covers the frame, one colour, or a gradient downwards."""
    height, width = size
    if options.picture is not None:
        return _cover_frame(options.picture.pixels, size)
    first = np.array(colours.parse_colour(options.colour), np.float32)
    last = np.array(colours.parse_colour(options.to), np.float32) if options.to else first
    ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    rows = np.rint(first + ramp * (last - first)).astype(np.uint8)
    return np.repeat(rows[:, None], width, 1)


def _cover_frame(pixels: Array, size: Size) -> Array:
    """A picture scaled until it covers a frame of `size`, its middle kept."""
    height, width = size
    scale = max(height / pixels.shape[0], width / pixels.shape[1])
    scaled_height = max(height, round(pixels.shape[0] * scale))
    scaled_width = max(width, round(pixels.shape[1] * scale))
    mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(pixels, (scaled_width, scaled_height), interpolation=mode)
    top, left = (scaled_height - height) // 2, (scaled_width - width) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])


# ---- blurring


def _blur_known(pixels: Array, known: Array, sigma: float) -> Array:
    """(H, W, 3) uint8 blurred by `sigma`; each pixel counts by its share `known` (H, W) float32."""
    factor = int(np.clip(sigma / 2, 1, 8))  # a smaller picture holds all that a wide blur keeps
    height, width = known.shape
    size_wh = (max(1, width // factor), max(1, height // factor))
    known = cv2.resize(known, size_wh, interpolation=cv2.INTER_AREA)
    small = cv2.resize(pixels, size_wh, interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = cv2.GaussianBlur(known, (0, 0), sigma / factor)[..., None]
    total = cv2.GaussianBlur(small * known[..., None], (0, 0), sigma / factor)
    soft = np.where(weight > 1e-3, total / np.maximum(weight, 1e-3), small)
    soft = np.rint(np.clip(soft, 0, 255)).astype(np.uint8)
    blurred: Array = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    return blurred


def _blur_plane(plane: Array, sigma: float) -> Array:
    """(h, w) float32 blurred by `sigma`, on a smaller grid where the blur is wide."""
    factor = int(np.clip(sigma / 3, 1, 8))
    height, width = plane.shape
    small_wh = (max(1, width // factor), max(1, height // factor))
    small = cv2.resize(plane, small_wh, interpolation=cv2.INTER_AREA)
    soft: Array = cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / factor), (width, height))
    return soft
