"""Looks for what is around an object: blurred, grey, dark, another ground, a shadow, a sticker, a picture behind.

Pure functions (Image, Result, options) -> Image. The object is put back through a soft matte and,
where the ground changes, in its own colours, without the fringe of the old ground.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import cv2
import numpy as np
from annotated_types import Interval

from wordmask.core.image import Array, Image, Size
from wordmask.core.options import Share, check
from wordmask.core.result import Result
from wordmask.errors import OptionError
from wordmask.ops import colour as colours
from wordmask.ops.matte import foreground, reach_of
from wordmask.ops.regions import Box
from wordmask.tasks.effects.lifted import (
    NOTHING,
    Cut,
    blended,
    coarseness,
    cut_of,
    distance_from,
    pasted,
    union_of,
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
    """Width of the light's edge as a share of the picture's shorter side; 0 follows the object sharply."""

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


@dataclass(frozen=True)
class StickerOptions:
    """The object cut out, with a border."""

    border: Annotated[float, Interval(ge=0, le=0.2)] = 0.015
    """Width as a share of the picture's shorter side."""
    colour: str = "white"
    """Of the border: a name or #rrggbb."""
    ground: str = ""
    """What lies under the sticker; default: nothing where the picture can be transparent, else silver."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class OverlayOptions:
    """A picture fixed to the object."""

    picture: Image | None = None
    """What is laid on."""
    alpha: Array | None = None
    """(h, w) uint8 of the picture; opaque where there is none."""
    anchor: Literal["centre", "top", "bottom", "left", "right"] = "top"
    """The object's centre, top, bottom, left or right: the picture's middle goes there."""
    scale: Annotated[float, Interval(ge=0.01, le=20)] = 1.0
    """The picture's width as a share of the object's."""
    place: Literal["behind", "front", "inside"] = "behind"
    """behind the object, in front of it, or inside it: only where the object is."""
    occluders: tuple[str, ...] = ()
    """Words whose regions stay in front of the picture in any case; they are not the object. On the command line
    they are looked for too."""

    def __post_init__(self) -> None:
        check(self)


_ANCHORS = {
    "centre": (0.5, 0.5),
    "top": (0.5, 0.0),
    "bottom": (0.5, 1.0),
    "left": (0.0, 0.5),
    "right": (1.0, 0.5),
}


def blur(image: Image, result: Result, options: BlurOptions | None = None) -> Image:
    """The background out of focus. The object's colours do not bleed into it: they have no part in the blur."""
    options = options or BlurOptions()
    cut = cut_of(image, result)
    if cut is NOTHING:
        return image
    sigma = options.amount * min(image.size)
    factor = int(np.clip(sigma / 2, 1, 8))  # what a wide blur keeps, a small picture holds
    height, width = image.size
    size_wh = (max(1, width // factor), max(1, height // factor))
    known = cv2.resize(1 - _full(image, cut), size_wh, interpolation=cv2.INTER_AREA)
    small = cv2.resize(image.pixels, size_wh, interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = cv2.GaussianBlur(known, (0, 0), sigma / factor)[..., None]
    soft = cv2.GaussianBlur(small * known[..., None], (0, 0), sigma / factor) / np.maximum(
        weight, 1e-3
    )
    far = np.rint(np.clip(np.where(weight > 1e-3, soft, small), 0, 255)).astype(np.uint8)
    return _in_front(
        image, cv2.resize(far, (width, height), interpolation=cv2.INTER_LINEAR), cut, own=True
    )


def desaturate(image: Image, result: Result, options: DesaturateOptions | None = None) -> Image:
    """Colour on the object only."""
    options = options or DesaturateOptions()
    cut = cut_of(image, result)
    if cut is NOTHING:
        return image
    pale = cv2.addWeighted(
        colours.grey(image.pixels), options.strength, image.pixels, 1 - options.strength, 0
    )
    return _in_front(image, pale, cut)


def spotlight(image: Image, result: Result, options: SpotlightOptions | None = None) -> Image:
    """Light on the object, dark around it."""
    options = options or SpotlightOptions()
    reach = options.feather * min(image.size)
    cut = cut_of(image, result, margin=int(3 * reach) + 1)
    if cut is NOTHING:
        return image
    dark = cv2.convertScaleAbs(image.pixels, alpha=1 - options.darkness)
    if reach >= 1:
        light = np.exp(-((distance_from(cut.mask) / reach) ** 2), dtype=np.float32)
        cut = cut._replace(alpha=np.maximum(cut.alpha, light * (light > 1e-3)))
    return _in_front(image, dark, cut)


def backdrop(image: Image, result: Result, options: BackdropOptions | None = None) -> Image:
    """The object before a colour, a gradient or a picture."""
    options = options or BackdropOptions()
    cut = cut_of(image, result)
    if cut is NOTHING:
        return image
    return _in_front(image, _ground(image, options), cut, own=options.decontaminate)


def shadow(image: Image, result: Result, options: ShadowOptions | None = None) -> Image:
    """The object's shadow, shifted and soft, on everything but the object."""
    options = options or ShadowOptions()
    mask = union_of(image, result)
    if not mask.any():
        return image
    side = float(np.sqrt(np.count_nonzero(mask)))
    dx, dy, sigma = options.offset_x * side, options.offset_y * side, options.softness * side
    cut = cut_of(image, result, margin=int(max(abs(dx), abs(dy)) + 3 * sigma) + 2)
    cast = cv2.warpAffine(cut.alpha, np.array([[1, 0, dx], [0, 1, dy]]), cut.alpha.shape[::-1])
    if sigma >= 0.5:
        cast = _wide_blur(cast, sigma)
    shade = blended(
        cut.pixels, np.zeros_like(cut.pixels), cast * (1 - cut.alpha) * np.float32(options.strength)
    )
    return pasted(image, cut.box, shade)


def sticker(image: Image, result: Result, options: StickerOptions | None = None) -> Image:
    """The object with a border, on a plain ground. `sticker_rgba` has nothing under it instead."""
    options = options or StickerOptions()
    cut, colour, cover = _cut_out(image, result, options)
    ground = np.full_like(image.pixels, colours.parse_colour(options.ground or "silver"))
    x0, y0, x1, y1 = cut.box
    ground[y0:y1, x0:x1] = blended(ground[y0:y1, x0:x1], colour, cover)
    return Image(ground, image.name)


def sticker_rgba(image: Image, result: Result, options: StickerOptions | None = None) -> Array:
    """(H, W, 4) uint8: the object and its border, transparent around them; all transparent without an object."""
    options = options or StickerOptions()
    cut, colour, cover = _cut_out(image, result, options)
    out = np.zeros((*image.size, 4), np.uint8)
    x0, y0, x1, y1 = cut.box
    alpha = np.rint(cover * 255).astype(np.uint8)
    # Under full transparency lies nothing: the old background must not be found there.
    out[y0:y1, x0:x1, :3] = np.where((alpha > 0)[..., None], colour, 0)
    out[y0:y1, x0:x1, 3] = alpha
    return out


def _cut_out(image: Image, result: Result, options: StickerOptions) -> tuple[Cut, Array, Array]:
    """The crop, its colours with the border (h, w, 3) uint8, and how much they cover (h, w) float32."""
    border = options.border * min(image.size)
    cut = cut_of(image, result, margin=int(border) + 3)
    if cut is NOTHING:
        return cut, cut.pixels, cut.alpha
    own = foreground(cut.pixels, cut.alpha, reach=reach_of(cut.mask), coarse=coarseness(cut.mask))
    if border == 0:
        # The colours are the object's own all the way out: alpha alone makes the edge soft.
        return cut, own, cut.alpha
    rim = np.clip(np.float32(border + 1) - distance_from(cut.mask), 0, 1)
    edge = np.full_like(own, colours.parse_colour(options.colour))
    return cut, blended(edge, own, cut.alpha), np.maximum(rim, cut.alpha)


def overlay(image: Image, result: Result, options: OverlayOptions | None = None) -> Image:
    """A picture that sits on or behind the object and moves with it; occluders stay in front of it."""
    options = options or OverlayOptions()
    if options.picture is None:
        raise OptionError("an overlay needs a picture: OverlayOptions(picture=...), --picture FILE")
    names = np.array([name in options.occluders for name in result.names], bool)
    cut = cut_of(image, result[~names])
    if cut is NOTHING:
        return image
    centre, width = _anchored(cut, options)
    box, layer, cover = _placed((options.picture.pixels, options.alpha), image.size, centre, width)
    x0, y0, x1, y1 = box
    alpha = _part(cut, box)
    if options.place == "behind":
        cover = cover * (1 - alpha)
    elif options.place == "inside":
        cover = cover * alpha
    cover = cover * (1 - _part(cut_of(image, result[names]), box))
    return pasted(image, box, blended(image.pixels[y0:y1, x0:x1], layer, cover))


def _anchored(cut: Cut, options: OverlayOptions) -> tuple[tuple[float, float], float]:
    """Where the picture's middle goes (x, y), and how wide it gets."""
    x, y, width, height = cv2.boundingRect(cut.mask.astype(np.uint8))
    right, down = _ANCHORS[options.anchor]
    return (cut.box[0] + x + right * width, cut.box[1] + y + down * height), options.scale * width


def _placed(
    layer: tuple[Array, Array | None], size: Size, centre: tuple[float, float], width: float
) -> tuple[Box, Array, Array]:
    """Where the layer (pixels, alpha) lands: the box, its pixels there (h, w, 3) uint8, its cover (h, w) float32."""
    pixels, given = layer
    if (
        given is not None
    ):  # colours weighed by alpha, or what lies under full transparency would tint the edge
        share = (
            cv2.resize(given, pixels.shape[1::-1], interpolation=cv2.INTER_AREA).astype(np.float32)[
                ..., None
            ]
            / 255
        )
        pixels = np.concatenate([pixels * share, share], 2)
    scale = width / pixels.shape[1]
    if scale < 0.5:  # shrunk by area first: a warp alone would skip pixels
        small_wh = (max(1, round(width)), max(1, round(pixels.shape[0] * scale)))
        pixels = cv2.resize(pixels, small_wh, interpolation=cv2.INTER_AREA)
        scale = width / pixels.shape[1]
    alpha = np.full(pixels.shape[:2], 255, np.uint8)
    if given is not None:
        alpha = np.rint(pixels[..., 3] * 255).astype(np.uint8)
    left, top = centre[0] - scale * pixels.shape[1] / 2, centre[1] - scale * pixels.shape[0] / 2
    corners = np.array(
        [left - 1, top - 1, left + scale * pixels.shape[1] + 1, top + scale * pixels.shape[0] + 1]
    )
    x0, y0, x1, y1 = np.clip(np.rint(corners), 0, [size[1], size[0]] * 2).astype(int).tolist()
    if x0 >= x1 or y0 >= y1:
        return (0, 0, 0, 0), np.zeros((0, 0, 3), np.uint8), np.zeros((0, 0), np.float32)
    # The half pixels: a warp maps centres, our coordinates are edges.
    half = scale / 2 - 0.5
    move = np.array([[scale, 0, left - x0 + half], [0, scale, top - y0 + half]])
    warped = cv2.warpAffine(pixels, move, (x1 - x0, y1 - y0), borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpAffine(alpha, move, (x1 - x0, y1 - y0))
    if given is not None:
        plain = warped[..., :3] / np.maximum(warped[..., 3:], 1e-3)
        warped = np.rint(np.clip(plain, 0, 255)).astype(np.uint8)
    return (x0, y0, x1, y1), warped, cover.astype(np.float32) / 255


def _part(cut: Cut, box: Box) -> Array:
    """(h, w) float32: the matte inside `box`, 0 where the crop does not reach."""
    x0, y0, x1, y1 = box
    out = np.zeros((y1 - y0, x1 - x0), np.float32)
    left, top, right, bottom = (
        max(x0, cut.box[0]),
        max(y0, cut.box[1]),
        min(x1, cut.box[2]),
        min(y1, cut.box[3]),
    )
    if left < right and top < bottom:
        mine = cut.alpha[
            top - cut.box[1] : bottom - cut.box[1], left - cut.box[0] : right - cut.box[0]
        ]
        out[top - y0 : bottom - y0, left - x0 : right - x0] = mine
    return out


def _ground(image: Image, options: BackdropOptions) -> Array:
    height, width = image.size
    if options.picture is not None:
        pixels = options.picture.pixels
        scale = max(height / pixels.shape[0], width / pixels.shape[1])
        size_wh = (
            max(width, round(pixels.shape[1] * scale)),
            max(height, round(pixels.shape[0] * scale)),
        )
        big = cv2.resize(
            pixels, size_wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        )
        top, left = (size_wh[1] - height) // 2, (size_wh[0] - width) // 2
        return np.ascontiguousarray(big[top : top + height, left : left + width])
    first = np.array(colours.parse_colour(options.colour), np.float32)
    last = np.array(colours.parse_colour(options.to), np.float32) if options.to else first
    ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    rows = np.rint(first + ramp * (last - first)).astype(np.uint8)
    return np.repeat(rows[:, None], width, 1)


def _in_front(image: Image, behind: Array, cut: Cut, *, own: bool = False) -> Image:
    """The object before `behind` (H, W, 3); `own` takes the old background's colour out of its edge."""
    x0, y0, x1, y1 = cut.box
    pixels = cut.pixels
    if own:
        pixels = foreground(
            pixels, cut.alpha, reach=reach_of(cut.mask), coarse=coarseness(cut.mask)
        )
    out = behind if behind.flags.writeable and behind.base is None else behind.copy()
    out[y0:y1, x0:x1] = blended(out[y0:y1, x0:x1], pixels, cut.alpha)
    return Image(out, image.name)


def _full(image: Image, cut: Cut) -> Array:
    """(H, W) float32: the crop's matte in the whole picture."""
    out = np.zeros(image.size, np.float32)
    x0, y0, x1, y1 = cut.box
    out[y0:y1, x0:x1] = cut.alpha
    return out


def _wide_blur(array: Array, sigma: float) -> Array:
    """Gaussian, on a smaller picture where it is wide."""
    factor = int(np.clip(sigma / 3, 1, 8))
    height, width = array.shape
    small = cv2.resize(
        array, (max(1, width // factor), max(1, height // factor)), interpolation=cv2.INTER_AREA
    )
    soft: Array = cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / factor), (width, height))
    return soft
