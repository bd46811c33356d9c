"""Masks as colour on a picture: smooth fills and outlines, drawn from the distance to each mask's edge."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks

MOST_SMOOTHED = 3  # masks thinner than this many times the smoothing are drawn pixel by pixel


@dataclass(frozen=True)
class Brush:
    """How regions are painted. Lengths in pixels of the picture that is drawn on."""

    opacity: float  # of the fill, 0 to 1
    line: float  # width of the outline, 0 = none
    smoothing: float  # sigma that takes the stairs off outlines


@dataclass(frozen=True)
class Spot:
    """Where a region can carry a label: pixel centres (x, y) of its deepest point and its outermost pixels."""

    deepest: tuple[float, float]
    depth: float  # pixels from the deepest point to the edge
    top: tuple[float, float]
    bottom: tuple[float, float]
    left: tuple[float, float]
    right: tuple[float, float]


def paint(canvas: Array, masks: Masks, colours: Array, brush: Brush) -> None:
    """Draw every mask into an (H, W, 3) float32 canvas, large ones first so that small ones stay in sight."""
    for index in np.argsort(-masks.areas, kind="stable").tolist():
        if masks.crops[index].size:
            _paint_one(
                canvas, masks.crops[index], masks.corners[index].tolist(), colours[index], brush
            )


def spot(crop: Array, corner: Sequence[int]) -> Spot:
    """The label's places for a mask that is not empty."""
    x0, y0 = corner
    # The crop's border is an edge too: a label should not stick to the picture's.
    depth = cv2.distanceTransform(np.pad(crop, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    height, width = crop.shape
    top, bottom = (x0 + _middle(crop[row]) for row in (0, -1))
    left, right = (y0 + _middle(crop[:, column]) for column in (0, -1))
    return Spot(
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
        # A dark rim just outside, then the line just inside: one of the two shows on any ground.
        _blend(part, colour * 0.12, 0.55 * _band(depth, -0.6 * brush.line, 0))
        _blend(part, colour, _band(depth, 0, brush.line))


def _signed_depth(inside: Array, smoothing: float) -> Array:
    """Pixels to the mask's edge: positive inside, negative outside. The picture's border is no edge."""
    if inside.all():
        return np.full(inside.shape, 1e6, np.float32)
    within = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    beyond = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    depth: Array = np.where(inside > 0, within - 0.5, 0.5 - beyond).astype(np.float32)
    if smoothing and within.max() > MOST_SMOOTHED * smoothing:
        smooth = cv2.GaussianBlur(depth, (0, 0), smoothing, borderType=cv2.BORDER_REPLICATE)
        depth = np.where(within > MOST_SMOOTHED * smoothing, np.maximum(smooth, depth), smooth)
    return depth


def _band(depth: Array, low: float, high: float) -> Array:
    """How much of each pixel lies between two depths, 0 to 1."""
    return np.clip(np.minimum(depth - low, high - depth) + 0.5, 0, 1)


def _blend(part: Array, colour: Array, alpha: Array) -> None:
    part += (np.asarray(colour, np.float32) - part) * alpha[..., None]
