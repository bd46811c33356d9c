"""An object lifted out of its picture and put back: what all effects do."""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.result import Result
from wordmask.errors import MaskError
from wordmask.ops.matte import reach_of, soft_matte
from wordmask.ops.regions import Box, box_around

COARSE_FROM = 60_000  # pixels of the object's box from which the matte is computed on every second pixel, and so on


class Cut(NamedTuple):
    """The object in a crop of its picture."""

    box: Box
    pixels: Array  # (h, w, 3) uint8
    mask: Array  # (h, w) bool
    alpha: Array  # (h, w) float32, soft; equal to the mask where it was not asked for


def union_of(image: Image, result: Result) -> Array:
    """(H, W) bool: every pixel of every region."""
    if result.size != image.size:
        raise MaskError(f"the result is of {result.size}, the picture {image.size} (height, width)")
    return result.masks.union()


NOTHING = Cut(
    (0, 0, 0, 0),
    np.zeros((0, 0, 3), np.uint8),
    np.zeros((0, 0), bool),
    np.zeros((0, 0), np.float32),
)


def cut_of(image: Image, result: Result, *, margin: int = 0, soft: bool = True) -> Cut:
    """The object's crop with a margin and, unless `soft` is off, its matte; `NOTHING` where there is no object."""
    mask = union_of(image, result)
    if not mask.any():
        return NOTHING
    reach = reach_of(mask) if soft else 0
    box = box_around(mask, max(margin, 3 * reach))
    x0, y0, x1, y1 = box
    pixels, part = image.pixels[y0:y1, x0:x1], mask[y0:y1, x0:x1]
    alpha = (
        soft_matte(pixels, part, reach=reach, coarse=coarseness(part))
        if soft
        else part.astype(np.float32)
    )
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
    if not weight.size:
        return below
    share = np.ascontiguousarray(weight, np.float32)
    mix = cv2.blendLinear(
        np.ascontiguousarray(above), np.ascontiguousarray(below), share, 1 - share
    )
    out: Array = cv2.copyTo(mix, (share > 0).astype(np.uint8), below.copy())
    return out


def pasted(image: Image, box: Box, pixels: Array) -> Image:
    """The picture with the crop put back."""
    x0, y0, x1, y1 = box
    out = image.pixels.copy()
    out[y0:y1, x0:x1] = pixels
    return Image(out, image.name)


def on_object(
    image: Image, result: Result, change: Callable[[Cut], Array], strength: float = 1.0
) -> Image:
    cut = cut_of(image, result)
    if cut is NOTHING:
        return image
    return pasted(
        image, cut.box, blended(cut.pixels, change(cut), cut.alpha * np.float32(strength))
    )
