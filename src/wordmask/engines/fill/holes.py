"""What every painter keeps to: the hole fits the picture, and nothing changes outside it."""

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.errors import MaskError, Mend


def check_hole(image: Image, hole: Array) -> None:
    """Raise unless the hole (H, W) is of the picture's size and leaves something to go by."""
    if hole.shape != image.size:
        raise MaskError(f"the hole is {hole.shape}, the picture {image.size} (height, width)")
    if hole.all():
        raise MaskError(
            "the mask covers everything, so nothing is left to fill from; choose a smaller target, "
            "or paint from words",
            mend=Mend("use_inpainting"),
        )


def inside(image: Image, hole: Array, painted: Array) -> Image:
    """The picture with the painted pixels (H, W, 3) where the hole is, and only there."""
    return Image(np.where(hole[..., None], painted, image.pixels), image.name)
