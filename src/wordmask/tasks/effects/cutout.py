"""The object alone: with transparency around it, or on one colour."""

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.result import Result
from wordmask.ops.colour import Colour
from wordmask.tasks.effects.lifted import NO_OBJECT, lift


def cutout_of(image: Image, result: Result) -> Array:
    """(H, W, 4) uint8 RGBA, straight alpha: soft edges in the object's own colours.

    What is transparent is black: an editor that drops the alpha would bring the background back.
    """
    rgba = np.zeros((*image.size, 4), np.uint8)
    lifted = lift(image, result)
    if lifted is not NO_OBJECT:
        x0, y0, x1, y1 = lifted.box
        alpha = np.round(255 * lifted.alpha).astype(np.uint8)
        rgba[y0:y1, x0:x1, :3] = np.where(alpha[..., None] > 0, lifted.own_colours(), 0)
        rgba[y0:y1, x0:x1, 3] = alpha
    return rgba


def lay_on(rgba: Array, colour: Colour) -> Array:
    """(H, W, 3) uint8: a cut-out on one colour."""
    alpha = rgba[..., 3:].astype(np.uint16)
    mixed = rgba[..., :3] * alpha + np.array(colour, np.uint16) * (255 - alpha)
    return np.asarray((mixed + 127) // 255, np.uint8)
