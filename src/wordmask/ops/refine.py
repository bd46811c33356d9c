"""Class scores whose edges follow the picture (PAMR)."""

from collections.abc import Iterator, Sequence

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import OptionError

NEIGHBOURS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]


def pamr(
    pixels: Array, scores: Array, *, dilations: Sequence[int] = (8, 16), iterations: int = 10
) -> Array:
    """(C, H, W) float32: class scores, spread `iterations` times to neighbours of like colour.

    Pixel-adaptive mask refinement (Araslanov and Roth, CVPR 2020). A pixel has 8 neighbours at
    each dilation. Each weighs softmax(mean over channels of -|difference| / (0.1 std + 1e-8)),
    where std is the channel's over the pixel and its neighbours at all dilations (the pixel
    counted once per dilation, unbiased). The border is repeated. `pixels` (H, W, K) may have any
    scale. Takes 32 H W bytes per dilation; classes go one at a time.
    """
    if pixels.ndim != 3 or scores.ndim != 3 or pixels.shape[:2] != scores.shape[1:]:
        raise OptionError(
            "expected pixels (H, W, K) and scores (C, H, W) of one size, "
            f"got {pixels.shape} and {scores.shape}"
        )
    if not dilations or min(dilations) < 1:
        raise OptionError(f"dilations are pixels from 1 on, got {tuple(dilations)}")
    weights = _affinity(pixels.astype(np.float32), dilations)
    refined = scores.astype(np.float32)
    for plane in refined:
        for _ in range(iterations):
            spread = np.zeros_like(plane)
            for weight, neighbour in zip(weights, _neighbours(plane, dilations), strict=True):
                spread += weight * neighbour
            plane[:] = spread
    return refined


def _neighbours(plane: Array, dilations: Sequence[int]) -> Iterator[Array]:
    """The plane shifted to each neighbour, the border repeated: views of one padded copy."""
    height, width = plane.shape[:2]
    pad = max(dilations)
    padded = np.pad(plane, ((pad, pad), (pad, pad)), mode="edge")
    for step in dilations:
        for dy, dx in NEIGHBOURS:
            y, x = pad + dy * step, pad + dx * step
            yield padded[y : y + height, x : x + width]


def _affinity(pixels: Array, dilations: Sequence[int]) -> Array:
    """(8 x dilations, H, W) float32 weights that sum to 1 at every pixel."""
    logits = np.zeros((8 * len(dilations), *pixels.shape[:2]), np.float32)
    for channel in np.moveaxis(pixels, 2, 0):
        scale = 0.1 * _std(channel, dilations) + 1e-8
        for k, neighbour in enumerate(_neighbours(channel, dilations)):
            logits[k] -= np.abs(channel - neighbour) / scale
    logits /= pixels.shape[2]
    logits -= logits.max(0)
    np.exp(logits, out=logits)
    logits /= logits.sum(0)
    return logits


def _std(channel: Array, dilations: Sequence[int]) -> Array:
    count = 9 * len(dilations)
    total = channel * len(dilations)
    for neighbour in _neighbours(channel, dilations):
        total = total + neighbour
    mean = total / count
    # Two passes: the mean of squares less the square of the mean loses everything on flat ground.
    squares = len(dilations) * (channel - mean) ** 2
    for neighbour in _neighbours(channel, dilations):
        squares += (neighbour - mean) ** 2
    return np.asarray(np.sqrt(squares / (count - 1)))
