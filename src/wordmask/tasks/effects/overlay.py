"""A picture fixed to the object: behind it, in front of it, or inside it."""

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import cv2
import numpy as np
from annotated_types import Interval

from wordmask.core.image import Array, Image, Size
from wordmask.core.options import check
from wordmask.core.result import Result
from wordmask.errors import Mend, OptionError
from wordmask.ops.paste import blend
from wordmask.ops.regions import Box
from wordmask.tasks.effects.lifted import NO_OBJECT, LiftedObject, lift, put_back


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
    """Words whose regions stay in front of the picture in any case; they are looked for too, and
    are not the object."""

    def __post_init__(self) -> None:
        check(self)


# the place in the object's box that the picture's middle goes to: shares of its width and height
_ANCHORS = {
    "centre": (0.5, 0.5),
    "top": (0.5, 0.0),
    "bottom": (0.5, 1.0),
    "left": (0.0, 0.5),
    "right": (1.0, 0.5),
}


class _Layer(NamedTuple):
    """The picture where it lands, in a crop of the one below."""

    box: Box
    pixels: Array  # (h, w, 3) uint8
    cover: Array  # (h, w) float32: how much of each pixel it covers


class _Place(NamedTuple):
    """Where a picture goes, in pixels of the one below."""

    x: float  # of its middle
    y: float
    width: float


def overlay(image: Image, result: Result, options: OverlayOptions | None = None) -> Image:
    """A picture that sits on the object or behind it; occluders stay in front of it."""
    options = options or OverlayOptions()
    if options.picture is None:
        raise OptionError("an overlay needs a picture", mend=Mend("picture", "FILE"))
    occludes = np.array([name in options.occluders for name in result.names], bool)
    lifted = lift(image, result[~occludes])
    if lifted is NO_OBJECT:
        return image
    place = _find_place(lifted, options)
    box, pixels, cover = _lay(options.picture.pixels, options.alpha, image.size, place)
    if options.place == "behind":
        cover = cover * (1 - lifted.alpha_in(box))
    elif options.place == "inside":
        cover = cover * lifted.alpha_in(box)
    cover = cover * (1 - lift(image, result[occludes]).alpha_in(box))
    x0, y0, x1, y1 = box
    return put_back(image, box, blend(image.pixels[y0:y1, x0:x1], pixels, cover))


def _find_place(lifted: LiftedObject, options: OverlayOptions) -> _Place:
    x, y, width, height = cv2.boundingRect(lifted.mask.astype(np.uint8))
    right, down = _ANCHORS[options.anchor]
    left, top = lifted.box[:2]
    return _Place(left + x + right * width, top + y + down * height, options.scale * width)


def _lay(pixels: Array, alpha: Array | None, size: Size, place: _Place) -> _Layer:
    """The picture, scaled, in a picture of `size`; what lies outside is cut off."""
    layer = pixels if alpha is None else _with_weights(pixels, alpha)
    layer, scale = _shrink(layer, place.width)
    height, width = layer.shape[:2]
    left, top = place.x - scale * width / 2, place.y - scale * height / 2
    reach = [left - 1, top - 1, left + scale * width + 1, top + scale * height + 1]
    corners = np.clip(np.rint(reach), 0, [size[1], size[0]] * 2)
    x0, y0, x1, y1 = corners.astype(int).tolist()
    if x0 >= x1 or y0 >= y1:
        return _Layer((0, 0, 0, 0), np.zeros((0, 0, 3), np.uint8), np.zeros((0, 0), np.float32))
    # The half pixels: a warp maps centres, our coordinates are edges.
    half = scale / 2 - 0.5
    move = np.array([[scale, 0, left - x0 + half], [0, scale, top - y0 + half]])
    size_wh = (x1 - x0, y1 - y0)
    opaque = np.full((height, width), 255, np.uint8)
    if alpha is not None:
        opaque = np.rint(layer[..., 3] * 255).astype(np.uint8)
    warped = cv2.warpAffine(layer, move, size_wh, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpAffine(opaque, move, size_wh)
    if alpha is not None:
        warped = _without_weights(warped)
    return _Layer((x0, y0, x1, y1), warped, cover.astype(np.float32) / 255)


def _with_weights(pixels: Array, alpha: Array) -> Array:
    """(h, w, 4) float32: colours times alpha, and alpha.

    Resized so, what lies under full transparency does not tint the edge.
    """
    size_wh = (pixels.shape[1], pixels.shape[0])
    resized = cv2.resize(alpha, size_wh, interpolation=cv2.INTER_AREA)
    share = resized.astype(np.float32)[..., None] / 255
    return np.concatenate([pixels * share, share], 2)


def _without_weights(layer: Array) -> Array:
    """(h, w, 3) uint8 colours of `_with_weights`."""
    plain = layer[..., :3] / np.maximum(layer[..., 3:], 1e-3)
    return np.asarray(np.rint(np.clip(plain, 0, 255)).astype(np.uint8))


def _shrink(layer: Array, width: float) -> tuple[Array, float]:
    """The layer, and the scale that is left to `width`.

    A warp skips pixels, so a layer of more than twice the width is resized by area first.
    """
    scale = width / layer.shape[1]
    if scale >= 0.5:
        return layer, scale
    small_wh = (max(1, round(width)), max(1, round(layer.shape[0] * scale)))
    small = cv2.resize(layer, small_wh, interpolation=cv2.INTER_AREA)
    return small, width / small.shape[1]
