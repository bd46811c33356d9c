"""Pictures in the top left of a square, as SAM takes them. Imports no torch."""

import cv2
import numpy as np

from wordmask.core.image import Array, Size
from wordmask.model.ovsam.plan import FINE

AROUND = (124, 116, 104)  # ImageNet's mean colour, where the picture does not fill the square


def inner_size(size: Size, side: int) -> Size:
    """The size at which a picture's long side fills the square; both are multiples of 4.

    >>> inner_size((480, 640), 256)
    (192, 256)
    """
    scale = side / max(size)
    height, width = (max(1, round(extent * scale / FINE)) * FINE for extent in size)
    return height, width


def fit_square(pixels: Array, side: int) -> tuple[Array, Size]:
    """The square (side, side, 3), and the size that the picture has in it."""
    size = inner_size((pixels.shape[0], pixels.shape[1]), side)
    how = cv2.INTER_AREA if size[0] < pixels.shape[0] else cv2.INTER_LINEAR
    square = np.full((side, side, 3), AROUND, np.uint8)
    square[: size[0], : size[1]] = cv2.resize(pixels, size[::-1], interpolation=how)
    return square, size
