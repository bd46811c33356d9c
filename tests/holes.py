"""A picture with a hole, for painters."""

import numpy as np

from wordmask.core.image import Image


def scene(side: int = 96) -> tuple[Image, np.ndarray]:
    """Stripes with a square hole in the middle."""
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[:, ::8] = pixels[:, 1::8] = (200, 180, 60)
    hole = np.zeros((side, side), bool)
    hole[side // 3 : side // 2, side // 3 : side // 2] = True
    return Image(pixels, "stripes"), hole
