"""The mask of an object that is to be followed, checked; numpy only."""

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.errors import MaskError, Mend, PromptError

PRESENT = 0.5  # from which probability on an object counts as in the frame, as in SAM 2
A_MASK = Mend("mask", "FRAME:FILE")


def object_mask(mask: Array, size: Size) -> Array:
    """(H, W) bool, of the frame's size and not empty."""
    inside = np.ascontiguousarray(mask, bool)
    if inside.shape != size:
        raise MaskError(
            f"the object's mask is {inside.shape}, its frame {size} (height, width); "
            "give the mask at the frame's size",
            mend=A_MASK,
        )
    if not inside.any():
        raise PromptError(
            "the object's mask is empty, so there is nothing to follow; give a mask of something",
            mend=A_MASK,
        )
    return inside
