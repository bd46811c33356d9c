"""Texture from elsewhere in the picture; `ops.fill` is the method."""

from dataclasses import dataclass

from wordmask.core.image import Array, Image
from wordmask.core.protocols import PaintSettings
from wordmask.engines.fill.holes import check_hole
from wordmask.engines.options import EngineOptions
from wordmask.ops.fill import PatchOptions, patch_fill


def load(name: str, options: EngineOptions) -> "PatchFill":
    return PatchFill(name)


@dataclass(frozen=True)
class PatchFill:
    """An `Inpainter`."""

    name: str = "patch"
    paint_side: int | None = None
    paint_pixels: int | None = 1_500_000
    follows_words: bool = False

    def with_settings(self, settings: PaintSettings) -> "PatchFill":
        return self

    def fill(self, image: Image, hole: Array, words: str = "", seed: int = 0) -> Image:
        """`words` change nothing here."""
        check_hole(image, hole)
        return Image(patch_fill(image.pixels, hole, PatchOptions(seed=seed)), image.name)
