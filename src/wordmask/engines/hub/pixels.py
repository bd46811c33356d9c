"""Pictures as the networks take them: tensors, resized and normalised as in training."""

import torch
from torch import Tensor

from wordmask.core.image import Array, Image, Size
from wordmask.engines.hub.pictures import Statistics, resize


def to_tensor(image: Image, size: Size, *, cubic: bool = False) -> Tensor:
    """(3, h, w) float32 in [0, 1], antialiased as by Pillow and as in training."""
    data = bytearray(resize(image, size, cubic=cubic).tobytes())
    pixels = torch.frombuffer(data, dtype=torch.uint8).reshape(*size, 3)
    return pixels.permute(2, 0, 1).to(torch.float32) / 255


def normalise(pixels: Tensor, statistics: Statistics) -> Tensor:
    """(..., 3, h, w) with each channel's mean taken off and its deviation divided out."""
    mean, std = (
        torch.tensor(values, device=pixels.device).reshape(3, 1, 1) for values in statistics
    )
    return (pixels - mean) / std


def to_numpy(tensor: Tensor) -> Array:
    """A float32 array of the tensor's values."""
    array: Array = tensor.detach().to("cpu", torch.float32).numpy()
    return array
