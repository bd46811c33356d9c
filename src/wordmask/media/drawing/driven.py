"""A frame of a drive as a driver would look at it: the free road, the objects, the warnings."""

import numpy as np
from PIL import ImageDraw

from wordmask.core.image import Array, Image
from wordmask.core.result import Result
from wordmask.media.drawing.lettering import font_for, tidy
from wordmask.media.drawing.overlay import RenderOptions, overlay

ROAD, MARKS, ALARM, LINE = (40, 200, 120), (255, 230, 60), (235, 60, 50), (90, 170, 255)
OPACITY = 0.35


def draw_drive(
    image: Image,
    result: Result,
    road: Array,
    warnings: tuple[str, ...],
    *,
    markings: Array | None = None,
    line: tuple[float, float, float, float] | None = None,
) -> Array:
    """(H, W, 3) uint8, at the picture's own size; `road` and `markings` are (H, W) bool."""
    pixels = image.pixels.astype(np.float32)
    pixels[road] = (1 - OPACITY) * pixels[road] + OPACITY * np.array(ROAD, np.float32)
    if markings is not None:
        pixels[markings] = MARKS
    ground = Image(pixels.round().astype(np.uint8), image.name)
    shown = overlay(ground, result, RenderOptions(scores=False, scale=0.8))
    pen = ImageDraw.Draw(shown)
    if line is not None:
        pen.line(line, fill=LINE, width=max(2, image.size[1] // 240))
    letter = max(12, image.size[0] // 24)
    for row, told in enumerate(warnings[:4]):
        text = tidy(told, 60)
        font = font_for(text, letter)
        top = 4 + row * round(1.5 * letter)
        width = font.getlength(text) + letter
        pen.rectangle((4, top, 4 + width, top + round(1.4 * letter)), fill=ALARM)
        pen.text((4 + letter / 2, top + 1), text, (255, 255, 255), font)
    return np.asarray(shown)
