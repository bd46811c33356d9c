"""A drawn landscape with what was found in it, for tests of pictures."""

import numpy as np

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Result


def picture(height: int = 150, width: int = 220, *, low: int = 40, high: int = 215) -> Image:
    """A drawn landscape: a shaded sky, a hill, a sun."""
    y, x = np.mgrid[:height, :width]
    shade = low + (high - low) * y / height
    pixels = np.stack([shade * 0.75, shade * 0.9, shade], 2)
    pixels[y > height * 0.7 + 14 * np.sin(x / 23)] = (0.4 * high, 0.62 * high, 0.35 * high)
    pixels[(x - width * 0.78) ** 2 + (y - height * 0.25) ** 2 < (height * 0.13) ** 2] = (
        high,
        high * 0.92,
        high * 0.5,
    )
    return Image(pixels.astype(np.uint8), "landscape.png")


def scene(image: Image | None = None, **columns) -> Result:
    image = image or picture()
    height, width = image.size
    y, x = np.mgrid[:height, :width]
    masks = [
        y > height * 0.7 + 14 * np.sin(x / 23),
        (x - width * 0.78) ** 2 + (y - height * 0.25) ** 2 < (height * 0.13) ** 2,
        (np.hypot(x - width * 0.3, y - height * 0.45) < height * 0.2)
        & (np.hypot(x - width * 0.3, y - height * 0.45) > 12),
        (abs(x - width * 0.55) < 2) & (abs(y - height * 0.6) < 2),
    ]
    words = ("green hill", "sun", "ring", "bird")
    columns = {"scores": [0.97, 0.88, 0.71, 0.42], "label_ids": [0, 1, 2, 3]} | columns
    return Result.of(Masks.from_dense(np.stack(masks)), words, image=image, **columns)
