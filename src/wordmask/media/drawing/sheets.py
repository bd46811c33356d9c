"""Several pictures in one: truth beside prediction, and contact sheets."""

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np
from PIL import Image as Pil

from wordmask.core.image import Array, Image
from wordmask.core.result import UNNAMED, Result
from wordmask.errors import ImageError, OptionError
from wordmask.media.drawing import lettering, palette
from wordmask.media.drawing.overlay import overlay

# Colour-blind people can tell these apart too: blue, orange, magenta on grey.
MISSED: palette.Colour = (38, 118, 235)
EXTRA: palette.Colour = (240, 140, 20)
OTHER_WORD: palette.Colour = (190, 40, 160)
AGREED: palette.Colour = (226, 229, 232)
PAPER: palette.Colour = (250, 250, 251)


def side_by_side(image: Image, truth: Result, prediction: Result, *, panel: int = 640) -> Pil.Image:
    """Four panels: the picture, the truth, the prediction, and where they differ.

    In the difference: blue is missed, orange is extra, magenta has another word, pale grey agrees.
    `panel` is the longer side of each in pixels, at most the picture's own.
    """
    if not image.size == truth.size == prediction.size:
        raise ImageError(
            f"picture {image.size}, truth {truth.size} and prediction {prediction.size} "
            "must share one size"
        )
    difference, shares = _difference(image, truth, prediction)
    pictures = [
        Pil.fromarray(image.pixels),
        overlay(image, truth),
        overlay(image, prediction),
        difference,
    ]
    captions = [
        image.name or "picture",
        f"truth: {len(truth)}",
        f"prediction: {len(prediction)}",
        shares,
    ]
    columns = 4 if image.size[0] > image.size[1] else 2
    return contact_sheet(pictures, captions, columns=columns, cell=min(panel, max(image.size)))


def contact_sheet(
    pictures: Sequence[Pil.Image],
    captions: Sequence[str] = (),
    *,
    columns: int | None = None,
    cell: int = 320,
) -> Pil.Image:
    """Pictures in rows on one sheet, each inside `cell` x `cell` pixels with its caption below."""
    if not pictures:
        raise OptionError("a contact sheet needs at least one picture")
    if captions and len(captions) != len(pictures):
        raise OptionError(f"{len(pictures)} pictures but {len(captions)} captions")
    if cell < 16 or (columns is not None and columns < 1):
        raise OptionError(
            "a sheet has at least 1 column and cells of at least 16 pixels, "
            f"got {columns} and {cell}"
        )
    columns = min(len(pictures), columns or ceil(sqrt(len(pictures))))
    fitted = [_fit(picture, cell) for picture in pictures]
    rows = [fitted[start : start + columns] for start in range(0, len(fitted), columns)]
    letter = max(11, round(cell / 32))
    gap, caption_height = max(6, cell // 28), round(1.9 * letter) if captions else 0
    column_width = max(picture.width for picture in fitted)
    heights = [max(picture.height for picture in row) for row in rows]
    full_width = gap + columns * (column_width + gap)
    full_height = gap + sum(height + caption_height + gap for height in heights)
    sheet = Pil.new("RGB", (full_width, full_height), PAPER)
    top = gap
    for row_number, (row, height) in enumerate(zip(rows, heights, strict=True)):
        for column, picture in enumerate(row):
            left = gap + column * (column_width + gap)
            middle = (column_width - picture.width) // 2, (height - picture.height) // 2
            sheet.paste(picture, (left + middle[0], top + middle[1]))
            if captions:
                text = _cut(captions[row_number * columns + column], column_width, letter)
                at = (left, top + height + caption_height / 2)
                lettering.write(sheet, at, text, letter, palette.BLACK)
        top += height + caption_height + gap
    return sheet


def _fit(picture: Pil.Image, cell: int) -> Pil.Image:
    share = min(1.0, cell / max(picture.size))
    size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
    small = picture if share == 1 else picture.resize(size, Pil.Resampling.LANCZOS)
    if small.mode != "RGBA":
        return small.convert("RGB")
    ground = _chequers(size)
    ground.paste(small, (0, 0), small)
    return ground


def _chequers(size_wh: tuple[int, int]) -> Pil.Image:
    """What editors show behind transparent pixels."""
    y, x = np.mgrid[: size_wh[1], : size_wh[0]] // 8
    grey = np.where((x + y) % 2, 255, 222).astype(np.uint8)
    return Pil.fromarray(np.repeat(grey[..., None], 3, 2))


def _cut(text: str, room: int, letter: int) -> str:
    """As much of a caption as fits into `room` pixels."""
    text = lettering.tidy(text, 200)
    longest = len(text)
    while longest > 1 and lettering.text_width(lettering.tidy(text, longest), letter) > room:
        longest -= 1
    return lettering.tidy(text, longest)


def _difference(image: Image, truth: Result, prediction: Result) -> tuple[Pil.Image, str]:
    """The picture in grey with the disagreement in colour, and its shares in words."""
    wanted, got = truth.masks.union(), prediction.masks.union()
    both = wanted & got
    words_differ = _words(truth) != _words(prediction)
    kinds = [
        ("agreed", both & ~words_differ, AGREED),
        ("missed", wanted & ~got, MISSED),
        ("extra", got & ~wanted, EXTRA),
        ("other word", both & words_differ, OTHER_WORD),
    ]
    grey = image.pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    canvas = np.repeat((60 + 0.5 * grey)[..., None], 3, 2)
    union = max(1, int((wanted | got).sum()))
    shares = []
    for name, where, colour in kinds:
        opacity = 0.5 if colour == AGREED else 0.78
        canvas[where] += (np.array(colour, np.float32) - canvas[where]) * opacity
        percent = round(100 * int(where.sum()) / union)
        if percent or name != "other word":
            shares.append(f"{name} {percent} %")
    return Pil.fromarray(np.round(canvas).astype(np.uint8)), "  ".join(shares)


def _words(result: Result) -> Array:
    """(H, W) the word at each pixel as a number that is the same in every result."""
    known = [int.from_bytes(palette.digest(word)[:7], "big") for word in result.vocabulary]
    return np.array([*known, UNNAMED], np.int64)[result.label_map()]
