"""Drawn cases for tests: masks, pictures and results that a reader sees at first sight."""

import numpy as np

from wordmask.core.image import Image
from wordmask.core.masks import Masks


def draw(*rows: str) -> np.ndarray:
    """`draw("##.", "..#")`: a mask (H, W) bool, True where a character is #."""
    return np.array([[character == "#" for character in row] for row in rows])


def draw_masks(*pictures: tuple[str, ...] | str) -> Masks:
    """One mask for each drawing: rows in a tuple, or in one text between slashes ("##./#..")."""
    drawings = [rows.split("/") if isinstance(rows, str) else rows for rows in pictures]
    return Masks.from_dense(np.stack([draw(*rows) for rows in drawings]))


def draw_labels(*rows: str) -> np.ndarray:
    """`draw_labels("00.", "1..")`: a label map (H, W) int32, -1 where a character is a dot."""
    return np.array([[-1 if c == "." else int(c) for c in row] for row in rows], np.int32)


def box_mask(size: tuple[int, int], xyxy: tuple[int, int, int, int]) -> np.ndarray:
    """(H, W) bool: True from x0, y0 to x1, y1 (exclusive)."""
    x0, y0, x1, y1 = xyxy
    mask = np.zeros(size, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def disc(size: tuple[int, int], xy: tuple[float, float], radius: float) -> np.ndarray:
    """(H, W) bool: pixels whose centre is within `radius` of the point."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    return np.hypot(x - xy[0], y - xy[1]) <= radius


def paint(size: tuple[int, int], *things: tuple[np.ndarray, tuple[int, int, int]]) -> Image:
    """A white picture with each mask painted in its colour, later ones above."""
    pixels = np.full((*size, 3), 255, np.uint8)
    for mask, colour in things:
        pixels[mask] = colour
    return Image(pixels)


def paint_discs(
    size: tuple[int, int], *discs: tuple[float, float, float, tuple[int, int, int]]
) -> Image:
    """A white picture with discs (x, y, radius, colour), later ones above."""
    return paint(size, *((disc(size, (x, y), radius), colour) for x, y, radius, colour in discs))
