"""Pictures as the networks take them: tensors, resized and normalised as in training."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image as Pillow
from torch import Tensor

from wordmask.core.image import Array, Image, Size

Statistics = tuple[Sequence[float], Sequence[float]]  # mean and standard deviation per channel

IMAGENET: Statistics = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP_PIXELS: Statistics = (
    (0.48145466, 0.4578275, 0.40821073),
    (0.26862954, 0.26130258, 0.27577711),
)
HALF: Statistics = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
UNCHANGED: Statistics = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def to_tensor(image: Image, size: Size, *, cubic: bool = False) -> Tensor:
    """(3, h, w) float32 in [0, 1], antialiased as by Pillow and as in training."""
    picture = Pillow.fromarray(image.pixels)
    if picture.size != size[::-1]:
        how = Pillow.Resampling.BICUBIC if cubic else Pillow.Resampling.BILINEAR
        picture = picture.resize(size[::-1], how)
    pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).reshape(*size, 3)
    return pixels.permute(2, 0, 1).to(torch.float32) / 255


def normalise(pixels: Tensor, statistics: Statistics) -> Tensor:
    """(..., 3, h, w) with each channel's mean taken off and its deviation divided out."""
    mean, std = (
        torch.tensor(values, device=pixels.device).reshape(3, 1, 1) for values in statistics
    )
    return (pixels - mean) / std


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


def to_numpy(tensor: Tensor) -> Array:
    """A float32 array of the tensor's values."""
    array: Array = tensor.detach().to("cpu", torch.float32).numpy()
    return array
