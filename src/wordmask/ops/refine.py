"""Edges that follow the picture: PAMR for class scores, a guided filter for masks."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.masks import Masks
from wordmask.errors import OptionError

NEIGHBOURS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]


def pamr(
    pixels: Array, scores: Array, *, dilations: Sequence[int] = (8, 16), iterations: int = 10
) -> Array:
    """Class scores (C, H, W), spread `iterations` times to neighbours of like colour: (C, H, W) float32.

    Pixel-adaptive mask refinement (Araslanov and Roth, CVPR 2020): of a pixel's 8 neighbours at each dilation, each
    weighs softmax(mean over channels of -|difference| / (0.1 std + 1e-8)); the std is that channel's over the pixel
    and its neighbours at all dilations (the pixel counted once per dilation, unbiased). The border is repeated.
    `pixels` (H, W, K) in any scale. Costs 32 H W bytes per dilation; classes go one at a time.
    """
    if pixels.ndim != 3 or scores.ndim != 3 or pixels.shape[:2] != scores.shape[1:]:
        raise OptionError(
            f"pixels (H, W, K) and scores (C, H, W) of one size are needed: {pixels.shape}, {scores.shape}"
        )
    if not dilations or min(dilations) < 1:
        raise OptionError(f"dilations are pixels from 1 on, got {tuple(dilations)}")
    weights = _affinity(pixels.astype(np.float32), dilations)
    refined = scores.astype(np.float32)
    for plane in refined:
        for _ in range(iterations):
            spread = np.zeros_like(plane)
            for weight, neighbour in zip(weights, _shifted(plane, dilations), strict=True):
                spread += weight * neighbour
            plane[:] = spread
    return refined


def snap(
    image: Image, masks: Masks, *, radius: int = 8, smoothness: float = 1e-3, rounds: int = 2
) -> Masks:
    """The masks with their edges moved onto the picture's own edges, some `radius` / 4 pixels in every round.

    Each mask is filtered in its box with a border; a mask that would vanish stays as it was.
    """
    if masks.size != image.size:
        raise OptionError(
            f"the masks are of {masks.size}, the picture is {image.size} (height, width)"
        )
    border = 2 * radius * rounds  # two box means a round: nothing farther away has a say
    corners, crops = [], []
    for (x0, y0, x1, y1), crop in zip(masks.boxes.tolist(), masks.crops, strict=True):
        left, top = max(0, x0 - border), max(0, y0 - border)
        pixels = image.pixels[top : y1 + border, left : x1 + border]
        values: Array = np.zeros(pixels.shape[:2], np.float32)
        values[y0 - top : y1 - top, x0 - left : x1 - left] = crop
        for _ in range(rounds if crop.size else 0):
            values = guided(pixels, values, radius=radius, smoothness=smoothness)
        inside = values > np.float32(0.5)
        corners.append((left, top) if inside.any() else (x0, y0))
        crops.append(inside if inside.any() else crop)
    return Masks.from_crops(masks.size, corners, crops)


def guided(pixels: Array, values: Array, *, radius: int = 8, smoothness: float = 1e-3) -> Array:
    """(H, W) values, smoothed but for where the (H, W, 3) uint8 picture has an edge: float32.

    Guided filter with a colour guide (He, Sun and Tang, 2013): in every window of 2 `radius` + 1 pixels the output
    is a linear function of the colour. `smoothness` is the variance (colours in 0..1) below which a window is flat.
    """
    if radius < 1 or smoothness <= 0:
        raise OptionError(
            f"radius must be at least 1 and smoothness above 0, got {radius} and {smoothness}"
        )
    guide = pixels.astype(np.float32) / 255
    values = values.astype(np.float32)
    mean, mean_value = _mean(guide, radius), _mean(values, radius)
    cross = _mean(guide * values[..., None], radius) - mean * mean_value[..., None]
    squares = _mean(np.stack([guide[..., i] * guide[..., j] for i, j in _PAIRS], -1), radius)
    spread = np.empty((*values.shape, 3, 3), np.float32)
    for k, (i, j) in enumerate(_PAIRS):
        spread[..., i, j] = spread[..., j, i] = squares[..., k] - mean[..., i] * mean[..., j]
    spread += smoothness * np.eye(3, dtype=np.float32)
    slope = np.linalg.solve(spread, cross[..., None])[..., 0]
    offset = mean_value - (slope * mean).sum(-1)
    return np.asarray((_mean(slope, radius) * guide).sum(-1) + _mean(offset, radius))


_PAIRS = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]


def _mean(values: Array, radius: int) -> Array:
    side = 2 * radius + 1
    return np.asarray(
        cv2.boxFilter(np.ascontiguousarray(values), -1, (side, side), borderType=cv2.BORDER_REFLECT)
    )


def _shifted(plane: Array, dilations: Sequence[int]) -> Iterator[Array]:
    """The 8 neighbours of every pixel at each dilation, the border repeated: views of one padded copy."""
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
        for k, neighbour in enumerate(_shifted(channel, dilations)):
            logits[k] -= np.abs(channel - neighbour) / scale
    logits /= pixels.shape[2]
    logits -= logits.max(0)
    np.exp(logits, out=logits)
    logits /= logits.sum(0)
    return logits


def _std(channel: Array, dilations: Sequence[int]) -> Array:
    count = 9 * len(dilations)
    total = channel * len(dilations)
    for neighbour in _shifted(channel, dilations):
        total = total + neighbour
    mean = total / count
    # Two passes: the mean of squares less the square of the mean loses everything on flat ground.
    squares = len(dilations) * (channel - mean) ** 2
    for neighbour in _shifted(channel, dilations):
        squares += (neighbour - mean) ** 2
    return np.asarray(np.sqrt(squares / (count - 1)))
