"""Who is in a video when: a bar for each object, in its colour in the overlay."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image as Pil
from PIL import ImageDraw

from wordmask.media.drawing import lettering, palette

WIDTH, ROW, LETTER, EDGE = 960, 26, 13, 12  # pixels
INK, FAINT = (40, 40, 40), (238, 238, 238)
MOST = 200  # rows; further objects are counted


@dataclass(frozen=True)
class TimelineRow:
    """One object."""

    id: int
    name: str
    runs: Sequence[tuple[int, int]]  # first and last frame in which it was there, both included


def draw_timeline(rows: Sequence[TimelineRow], frames: int) -> Pil.Image:
    """A picture of the rows over `frames` frames, which are counted from 0."""
    shown = rows[:MOST]
    texts = [lettering.tidy(f"{row.id} {row.name or 'object'}") for row in shown]
    left = 2 * EDGE + max((lettering.text_width(text, LETTER) for text in texts), default=0)
    height = 2 * EDGE + ROW * (len(shown) + 1)
    picture = Pil.new("RGB", (WIDTH, height), (255, 255, 255))
    draw = ImageDraw.Draw(picture)
    span = (WIDTH - EDGE - left) / max(1, frames)
    for number, (row, text) in enumerate(zip(shown, texts, strict=True)):
        top = EDGE + ROW * number
        lettering.write(picture, (EDGE, top + ROW / 2), text, LETTER, INK)
        draw.rectangle((left, top + 5, WIDTH - EDGE - 1, top + ROW - 6), fill=FAINT)
        for first, last in row.runs:
            right = max(left + first * span + 1, left + (last + 1) * span - 1)
            box = (left + first * span, top + 5, right, top + ROW - 6)
            draw.rectangle(box, fill=palette.nth(row.id))
    final = f"frame {frames - 1:,}" if frames else "no frame"
    more = f"   and {len(rows) - MOST} more objects" if len(rows) > MOST else ""
    below = EDGE + ROW * len(shown) + ROW / 2
    lettering.write(picture, (left, below), f"0{more}", LETTER, INK)
    end = WIDTH - EDGE - lettering.text_width(final, LETTER)
    lettering.write(picture, (end, below), final, LETTER, INK)
    return picture
