"""Pictures as networks take them, in numpy: resized as in training, and their pixel statistics."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from wordmask.core.image import Array, Image, Size

Statistics = tuple[Sequence[float], Sequence[float]]  # mean and standard deviation per channel

IMAGENET: Statistics = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP_PIXELS: Statistics = (
    (0.48145466, 0.4578275, 0.40821073),
    (0.26862954, 0.26130258, 0.27577711),
)
HALF: Statistics = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
UNCHANGED: Statistics = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def resize(image: Image, size: Size, *, cubic: bool = False) -> Array:
    """(h, w, 3) uint8, antialiased as by Pillow and as in training."""
    if image.size == size:
        return image.pixels
    how = Pillow.Resampling.BICUBIC if cubic else Pillow.Resampling.BILINEAR
    return np.asarray(Pillow.fromarray(image.pixels).resize(size[::-1], how))


def to_array(image: Image, size: Size, *, cubic: bool = False) -> Array:
    """(3, h, w) float32 in [0, 1]."""
    pixels = resize(image, size, cubic=cubic).transpose(2, 0, 1)
    return np.ascontiguousarray(pixels, np.float32) / np.float32(255)


def normalise(pixels: Array, statistics: Statistics) -> Array:
    """(..., 3, h, w) with each channel's mean taken off and its deviation divided out."""
    mean, std = (np.array(values, np.float32).reshape(3, 1, 1) for values in statistics)
    scaled: Array = (pixels - mean) / std
    return scaled


def pixel_statistics(path: Path, default: Statistics) -> Statistics:
    """Those of the folder's preprocessor_config.json if it has one, else the family's own."""
    mean, std = default
    for name in ("preprocessor_config.json", "processor_config.json"):
        file = path / name
        if file.is_file():
            settings = json.loads(file.read_text("utf-8"))
            settings = settings.get("image_processor", settings)
            if settings.get("do_normalize") is False:
                return UNCHANGED
            return settings.get("image_mean") or mean, settings.get("image_std") or std
    return mean, std
