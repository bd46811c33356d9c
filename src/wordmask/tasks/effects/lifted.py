"""An object lifted out of its picture and put back: what all effects do."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.result import Result
from wordmask.errors import MaskError
from wordmask.ops.matte import foreground, reach_of, soft_matte
from wordmask.ops.paste import blend
from wordmask.ops.regions import Box, box_around

# From so many pixels of its crop on, an object's matte is computed on every second pixel, then
# every third.
COARSE_FROM = 60_000


class LiftedObject(NamedTuple):
    """The object in a crop of its picture."""

    box: Box
    pixels: Array  # (h, w, 3) uint8
    mask: Array  # (h, w) bool
    alpha: Array  # (h, w) float32: the soft matte, or the mask where no soft one was wanted

    def own_colours(self) -> Array:
        """(h, w, 3) uint8: the pixels without the old background's share along the soft edge."""
        reach, step = reach_of(self.mask), sampling_step(self.mask)
        return foreground(self.pixels, self.alpha, reach=reach, coarse=step)

    def alpha_in_picture(self, size: Size) -> Array:
        """(H, W) float32: the matte in the whole picture."""
        return self.alpha_in((0, 0, size[1], size[0]))

    def alpha_in(self, box: Box) -> Array:
        """(h, w) float32: the matte inside a box of the picture, 0 outside the crop."""
        x0, y0, x1, y1 = box
        left, top, right, bottom = self.box
        part = np.zeros((y1 - y0, x1 - x0), np.float32)
        columns = slice(max(x0, left), min(x1, right))
        rows = slice(max(y0, top), min(y1, bottom))
        if columns.start < columns.stop and rows.start < rows.stop:
            shared = self.alpha[_shift(rows, -top), _shift(columns, -left)]
            part[_shift(rows, -y0), _shift(columns, -x0)] = shared
        return part


NO_OBJECT = LiftedObject(
    (0, 0, 0, 0),
    np.zeros((0, 0, 3), np.uint8),
    np.zeros((0, 0), bool),
    np.zeros((0, 0), np.float32),
)


def object_mask(image: Image, result: Result) -> Array:
    """(H, W) bool: every pixel of every region."""
    if result.size != image.size:
        raise MaskError(f"the result is of {result.size}, the picture {image.size} (height, width)")
    return result.masks.union()


def lift(image: Image, result: Result, *, margin: int = 0, soft: bool = True) -> LiftedObject:
    """The object's crop with a margin in pixels; `NO_OBJECT` where the result is empty.

    Its alpha is a soft matte, or the mask itself without `soft`.
    """
    mask = object_mask(image, result)
    if not mask.any():
        return NO_OBJECT
    reach = reach_of(mask) if soft else 0
    box = box_around(mask, max(margin, 3 * reach))
    x0, y0, x1, y1 = box
    pixels, part = image.pixels[y0:y1, x0:x1], mask[y0:y1, x0:x1]
    if not soft:
        return LiftedObject(box, pixels, part, part.astype(np.float32))
    alpha = soft_matte(pixels, part, reach=reach, coarse=sampling_step(part))
    return LiftedObject(box, pixels, part, alpha)


def sampling_step(mask: Array) -> int:
    """Step between the pixels that a matte is computed on: 1, 2, 3 or 4 for large objects."""
    return int(np.clip(round(float(np.sqrt(mask.size / COARSE_FROM))), 1, 4))


def put_back(image: Image, box: Box, pixels: Array) -> Image:
    """The picture with other pixels in a box."""
    x0, y0, x1, y1 = box
    out = image.pixels.copy()
    out[y0:y1, x0:x1] = pixels
    return Image(out, image.name)


def change_object(
    image: Image, result: Result, change: Callable[[LiftedObject], Array], strength: float = 1.0
) -> Image:
    """The picture with the object changed; `change` returns the whole crop, (h, w, 3) uint8."""
    lifted = lift(image, result)
    if lifted is NO_OBJECT:
        return image
    weight = lifted.alpha * np.float32(strength)
    return put_back(image, lifted.box, blend(lifted.pixels, change(lifted), weight))


def _shift(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)
