"""Masks as smooth fills and outlines on a picture, made of the distance to each mask's edge."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.media.drawing import palette

INSIDE_SIDE = 96  # cells along the longer side at which places inside a region are looked for
MOST_SMOOTHED = 3  # masks thinner than this many times the smoothing are drawn pixel by pixel
DARK = 0.16  # luminance below which a line has a light rim


@dataclass(frozen=True)
class Brush:
    """How regions are painted. Lengths in pixels of the picture that is drawn on."""

    opacity: float  # of the fill, 0 to 1
    line: float  # width of the outline, 0 = none
    smoothing: float  # sigma that takes the stairs off outlines


@dataclass(frozen=True)
class Spot:
    """Where a region can carry a label: (x, y) of its deepest point and of its outermost pixels."""

    box: tuple[int, int, int, int]  # x0 y0 x1 y1
    inside: Array  # (h, w) bool over the box, at most `INSIDE_SIDE` cells a side
    deepest: tuple[float, float]
    depth: float  # pixels from the deepest point to the edge
    top: tuple[float, float]
    bottom: tuple[float, float]
    left: tuple[float, float]
    right: tuple[float, float]


def paint(canvas: Array, masks: Masks, colours: Array, brush: Brush) -> None:
    """Draw every mask into an (H, W, 3) float32 canvas, the small ones on top."""
    for row in np.argsort(-masks.areas, kind="stable").tolist():
        if masks.crops[row].size:
            _paint_one(canvas, masks.crops[row], masks.corners[row].tolist(), colours[row], brush)


def spot(crop: Array, corner: Sequence[int]) -> Spot:
    """The places that a mask offers for its label; it must not be empty."""
    x0, y0 = corner
    # The crop's border is an edge too: a label should not stick to the picture's.
    depth = cv2.distanceTransform(np.pad(crop, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    height, width = crop.shape
    top, bottom = (x0 + _middle(crop[row]) for row in (0, -1))
    left, right = (y0 + _middle(crop[:, column]) for column in (0, -1))
    scale = min(1.0, INSIDE_SIDE / max(height, width))
    cells_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    inside = cv2.resize(crop.astype(np.float32), cells_wh, interpolation=cv2.INTER_AREA) > 0.99
    return Spot(
        box=(x0, y0, x0 + width, y0 + height),
        inside=inside,
        deepest=(x0 + float(x) + 0.5, y0 + float(y) + 0.5),
        depth=float(depth.max()),
        top=(top, y0 + 0.5),
        bottom=(bottom, y0 + height - 0.5),
        left=(x0 + 0.5, left),
        right=(x0 + width - 0.5, right),
    )


def _middle(row: Array) -> float:
    """The centre of the middle True pixel."""
    return float(np.median(np.flatnonzero(row))) + 0.5


def _paint_one(canvas: Array, crop: Array, corner: list[int], colour: Array, brush: Brush) -> None:
    height, width = canvas.shape[:2]
    (x0, y0), (h, w) = corner, crop.shape
    room = int(np.ceil(brush.line + 3 * brush.smoothing)) + 1
    left, top = max(0, x0 - room), max(0, y0 - room)
    right, bottom = min(width, x0 + w + room), min(height, y0 + h + room)
    inside = np.zeros((bottom - top, right - left), np.uint8)
    inside[y0 - top : y0 - top + h, x0 - left : x0 - left + w] = crop
    depth = _signed_depth(inside, brush.smoothing)
    part = canvas[top:bottom, left:right]
    _blend(part, colour, brush.opacity * np.clip(depth + 0.5, 0, 1))
    if brush.line:
        # A rim just outside, then the line just inside: one of the two shows on any ground.
        rim = palette.WHITE if palette.luminance(colour.tolist()) < DARK else palette.BLACK
        _blend(part, np.array(rim), 0.55 * _band(depth, -0.6 * brush.line, 0))
        _blend(part, colour, _band(depth, 0, brush.line))


def _signed_depth(inside: Array, smoothing: float) -> Array:
    """Pixels to the mask's edge, negative outside. The picture's border is no edge."""
    if inside.all():
        return np.full(inside.shape, 1e6, np.float32)
    within = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    beyond = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    depth: Array = np.where(inside > 0, within - 0.5, 0.5 - beyond).astype(np.float32)
    if smoothing and within.max() > MOST_SMOOTHED * smoothing:
        smooth = cv2.GaussianBlur(depth, (0, 0), smoothing, borderType=cv2.BORDER_REPLICATE)
        thick = within > MOST_SMOOTHED * smoothing
        depth = np.where(thick, np.maximum(smooth, depth), smooth)
    return depth


def _band(depth: Array, low: float, high: float) -> Array:
    """How much of each pixel lies between two depths, 0 to 1."""
    return np.clip(np.minimum(depth - low, high - depth) + 0.5, 0, 1)


def _blend(part: Array, colour: Array, alpha: Array) -> None:
    part += (np.asarray(colour, np.float32) - part) * alpha[..., None]
