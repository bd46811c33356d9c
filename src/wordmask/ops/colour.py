"""Colours by name, and changes of a picture's colours.

Work in RGB uint8 in, RGB uint8 out. Lab is OpenCV's 8-bit form of CIE L*a*b*: lightness apart
from colour, all three from 0 to 255 with a grey at a = b = 128.
"""

import re

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.errors import OptionError, did_you_mean

Colour = tuple[int, int, int]  # RGB

NAMES: dict[str, Colour] = {
    "black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128),
    "silver": (192, 192, 192), "red": (220, 30, 30), "maroon": (128, 0, 0),
    "pink": (255, 150, 190), "magenta": (220, 0, 220), "purple": (128, 30, 160),
    "violet": (148, 80, 220), "navy": (0, 0, 128), "blue": (30, 80, 230), "cyan": (0, 200, 220),
    "turquoise": (64, 210, 200), "teal": (0, 128, 128), "green": (30, 160, 60),
    "lime": (120, 220, 30), "olive": (128, 128, 0), "yellow": (250, 220, 40),
    "gold": (230, 180, 40), "orange": (250, 140, 20), "brown": (130, 80, 40),
    "beige": (235, 220, 190),
}  # fmt: skip


def parse_colour(text: str) -> Colour:
    """A colour from its name or as `#rrggbb`.

    >>> parse_colour("Teal"), parse_colour("#ff8000")
    ((0, 128, 128), (255, 128, 0))
    """
    name = text.strip().lower().replace("gray", "grey")
    if name in NAMES:
        return NAMES[name]
    if re.fullmatch(r"#[0-9a-f]{6}", name):
        red, green, blue = bytes.fromhex(name[1:])
        return red, green, blue
    raise OptionError(f"a colour is a name or #rrggbb, got {text!r}.{did_you_mean(name, NAMES)}")


def turn_hue(pixels: Array, degrees: float) -> Array:
    """`pixels` with the colour wheel turned; lightness and strength of colour stay."""
    # In this form of HSV the whole circle of hues is 0 to 255.
    hsv = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2HSV_FULL)
    hsv[..., 0] += np.uint8(round(degrees / 360 * 256) % 256)  # uint8 wraps round, as hue does
    turned: Array = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL)
    return turned


def tint(pixels: Array, colour: Colour, where: Array) -> Array:
    """`pixels` in another colour; their light and shadow around the mean under `where` stay.

    A gamma curve takes the mean lightness to the colour's, so black stays black and white white;
    a and b become the colour's, weaker towards black and white, where no strong colour exists.
    """
    lab = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2LAB)
    goal = cv2.cvtColor(np.array([[colour]], np.uint8), cv2.COLOR_RGB2LAB)[0, 0].astype(np.float32)
    mean = float(lab[..., 0][where].mean()) if where.any() else 128.0
    gamma = np.log(np.clip(goal[0] / 255, 0.02, 0.98)) / np.log(np.clip(mean / 255, 0.02, 0.98))
    light = 255 * (np.arange(256, dtype=np.float32) / 255) ** np.clip(gamma, 0.25, 4)
    # One table per plane: every output depends on the pixel's lightness alone.
    strength = np.clip(np.minimum(light, 255 - light) / max(min(goal[0], 255 - goal[0]), 1.0), 0, 1)
    table = np.stack(
        [light, 128 + (goal[1] - 128) * strength, 128 + (goal[2] - 128) * strength], -1
    )
    shaded = np.rint(np.clip(table, 0, 255)).astype(np.uint8)[lab[..., 0]]
    tinted: Array = cv2.cvtColor(shaded, cv2.COLOR_LAB2RGB)
    return tinted


def transfer(pixels: Array, reference: Array, where: Array | None = None) -> Array:
    """`pixels` with the mean and spread of `reference` in each Lab plane (Reinhard et al. 2001).

    `where` (H, W) bool: the pixels whose mean and spread count; all by default.
    """
    lab = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2LAB).astype(np.float32)
    goal = cv2.cvtColor(np.ascontiguousarray(reference), cv2.COLOR_RGB2LAB)
    goal = goal.reshape(-1, 3).astype(np.float32)
    own = lab.reshape(-1, 3) if where is None or not where.any() else lab[where]
    scale = goal.std(0) / np.maximum(own.std(0), 1.0)
    moved = (lab - own.mean(0)) * np.clip(scale, 0.2, 5) + goal.mean(0)
    out: Array = cv2.cvtColor(np.rint(np.clip(moved, 0, 255)).astype(np.uint8), cv2.COLOR_LAB2RGB)
    return out


def grey(pixels: Array) -> Array:
    """The picture in grey, still (H, W, 3)."""
    plane = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    out: Array = cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB)
    return out


def posterise(pixels: Array, levels: int = 5) -> Array:
    """Few flat colours: smoothed along the edges, then `levels` steps in each plane."""
    flat = cv2.bilateralFilter(np.ascontiguousarray(pixels), 9, 60, 7)
    step = 255 / (levels - 1)
    table = np.rint(np.rint(np.arange(256) / step) * step).astype(np.uint8)
    out: Array = table[flat]
    return out


def sketch(pixels: Array) -> Array:
    """As if drawn in pencil: each pixel's grey divided by its neighbourhood's (colour dodge)."""
    plain = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    sigma = max(2.0, 0.008 * float(np.sqrt(plain.size)))
    around = cv2.GaussianBlur(plain, (0, 0), sigma)
    lines = cv2.divide(plain, np.maximum(around, 1), scale=250)
    out: Array = cv2.cvtColor(lines, cv2.COLOR_GRAY2RGB)
    return out
