"""A picture, and the conventions for sizes and coordinates.

x runs right, y runs down. The origin is the top-left EDGE of the picture, so pixel (0, 0) covers
[0, 1) x [0, 1) and its centre is (0.5, 0.5). Boxes are x0 y0 x1 y1 with exclusive x1, y1.
Sizes are (height, width) in every signature.
"""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordmask.errors import ImageError

Array = NDArray[Any]
Size = tuple[int, int]  # (height, width)


def frozen(array: Array) -> Array:
    """The same values, read-only: a view where memory can be shared."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, eq=False)
class Image:
    """One picture: (H, W, 3) uint8 RGB, upright.

    >>> Image(np.zeros((2, 3, 3), np.uint8), "dark").size
    (2, 3)
    """

    pixels: Array
    name: str = ""  # for messages and file names only

    def __post_init__(self) -> None:
        pixels = self.pixels
        if not isinstance(pixels, np.ndarray):
            raise ImageError(
                f"pixels must be a numpy array, got {type(pixels).__name__}; files: use media.read"
            )
        if pixels.ndim != 3 or pixels.shape[2] != 3:
            raise ImageError(
                f"expected (H, W, 3), got {pixels.shape}; grey or alpha pictures: use media.read"
            )
        if pixels.dtype != np.uint8:
            raise ImageError(f"expected uint8, got {pixels.dtype}; other depths: use media.read")
        if 0 in pixels.shape:
            raise ImageError(f"the picture is empty: {pixels.shape}")
        object.__setattr__(self, "pixels", frozen(pixels))

    @property
    def size(self) -> Size:
        height, width = self.pixels.shape[:2]
        return height, width

    @cached_property
    def digest(self) -> str:
        """sha256 of shape and pixels: two pictures with the same bytes and another shape differ."""
        head = repr(self.pixels.shape).encode()
        return sha256(head + np.ascontiguousarray(self.pixels).tobytes()).hexdigest()

    def __repr__(self) -> str:
        height, width = self.size
        return f"<Image {self.name or 'unnamed'} {width} x {height}>"
