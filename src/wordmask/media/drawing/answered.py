"""An answer as a picture: the regions that it rests on, and question and answer below them."""

from math import sqrt

import numpy as np
from PIL import Image as Pil
from PIL import ImageDraw

from wordmask.core.answer import Answer
from wordmask.core.image import Array, Image
from wordmask.media.drawing.lettering import font_for, tidy
from wordmask.media.drawing.overlay import RenderOptions, overlay

GROUND, INK, FAINT, ACCENT = (24, 26, 30), (240, 240, 240), (165, 170, 178), (120, 215, 195)
LINES = 3  # of a text before it is cut


def draw_answer(image: Image, answer: Answer, options: RenderOptions | None = None) -> Array:
    """(h, W, 3) uint8: the picture with the evidence on it, above a strip with the words."""
    picture = overlay(image, answer.evidence, options)
    strip = _strip(picture.width, answer)
    whole = Pil.new("RGB", (picture.width, picture.height + strip.height), GROUND)
    whole.paste(picture, (0, 0))
    whole.paste(strip, (0, picture.height))
    return np.asarray(whole)


def _strip(width: int, answer: Answer) -> Pil.Image:
    """Question, answer and reason on lines of their own, broken where they are too long."""
    letter = max(12, round(20 * sqrt(width / 640)))
    small = round(0.75 * letter)
    score = f" {answer.score:.2f}" if answer.is_known else ""
    parts = [
        (answer.question, letter, INK),
        (f"{answer.text}{score} ({answer.how})", letter, ACCENT),
        (answer.reason, small, FAINT),
    ]
    rows = [
        (line, size, ink)
        for text, size, ink in parts
        for line in _break_lines(tidy(text, 400), size, width - letter)
    ]
    height = sum(round(1.4 * size) for _, size, _ in rows) + letter
    strip = Pil.new("RGB", (width, height), GROUND)
    pen, y = ImageDraw.Draw(strip), letter // 2
    for line, size, ink in rows:
        pen.text((letter // 2, y), line, ink, font_for(line, size))
        y += round(1.4 * size)
    return strip


def _break_lines(text: str, size: int, width: int) -> list[str]:
    """Lines that fit the width; what would be a fourth one is cut."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font_for(longer, size).getlength(longer) <= width:
            lines[-1] = longer
        elif len(lines) < LINES:
            lines.append(word)
        else:
            lines[-1] = tidy(f"{lines[-1]} …")
            break
    return lines
