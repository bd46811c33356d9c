"""OpenCV's two methods: they carry the colours at the edge of the hole inwards."""

from dataclasses import dataclass

import cv2
import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.protocols import PaintSettings
from wordmask.engines.fill.holes import check_hole, inside
from wordmask.engines.options import EngineOptions

METHODS = {"telea": cv2.INPAINT_TELEA, "navier-stokes": cv2.INPAINT_NS}
RADIUS = 5  # pixels around a point that the methods look at


def load(name: str, options: EngineOptions) -> "SmoothFill":
    return SmoothFill(name)


@dataclass(frozen=True)
class SmoothFill:
    """An `Inpainter`; `name` is one of `METHODS`."""

    name: str
    paint_side: int | None = None
    paint_pixels: int | None = 4_000_000
    follows_words: bool = False

    def with_settings(self, settings: PaintSettings) -> "SmoothFill":
        return self

    def fill(self, image: Image, hole: Array, words: str = "", seed: int = 0) -> Image:
        """`words` and `seed` change nothing here."""
        check_hole(image, hole)
        pixels = np.ascontiguousarray(image.pixels)
        painted = cv2.inpaint(pixels, hole.astype(np.uint8), RADIUS, METHODS[self.name])
        return inside(image, hole, painted)
