"""A `Result` as a picture that people can read: overlay, label map, cut-out, legend.

Every function returns a PIL picture. The same input gives the same bytes. Colours belong to words
(see palette.py).
"""

from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image as Pil
from PIL import ImageDraw

from wordmask.core.image import Array, Image
from wordmask.core.result import Result
from wordmask.errors import ImageError, OptionError
from wordmask.files import atomic
from wordmask.media.drawing import lettering, palette
from wordmask.media.drawing.overlay import RenderOptions, overlay, region_colours
from wordmask.media.drawing.sheets import contact_sheet, side_by_side
from wordmask.media.writing import PICTURE_SUFFIXES

__all__ = [
    "RenderOptions", "contact_sheet", "cutout", "label_map", "legend", "overlay", "png",
    "region_colours", "show", "side_by_side", "write",
]  # fmt: skip

SHOWN_SIDES = (560, 1600)  # the longer side of what show() returns: at least, at most
PNG_SIDE = 1024  # notebooks keep every picture they show


def show(
    result: Result, path: Path | str | None = None, options: RenderOptions | None = None
) -> Pil.Image:
    """The overlay at a size for the screen; also written to `path`, at the picture's own size."""
    if path is not None:
        write(overlay(result.image, result, options), path)
    return overlay(*_resize(result, *SHOWN_SIDES), options)


def png(result: Result) -> bytes:
    """The overlay as PNG bytes, for notebooks: at most 1024 pixels a side."""
    buffer = BytesIO()
    overlay(*_resize(result, SHOWN_SIDES[0], PNG_SIDE)).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def write(picture: Pil.Image, path: Path | str) -> Path:
    """Write a rendered picture in the format that the suffix names."""
    path = Path(path)
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise OptionError(
            f"{path.name}: a picture ends in {', '.join(PICTURE_SUFFIXES)}, "
            f"not in {path.suffix or 'nothing'!r}"
        )
    if picture.mode == "RGBA" and path.suffix.lower() in (".jpg", ".jpeg"):
        raise OptionError(f"{path.name}: JPEG has no transparency; write a .png or .webp")
    with atomic(path) as part:
        picture.save(part, quality=92)  # PNG, TIFF and BMP take no notice
    return path


def write_pixels(pixels: Array, path: Path) -> Path:
    """(H, W, 3) or (H, W, 4) uint8 as a picture."""
    return write(Pil.fromarray(pixels), path)


def label_map(result: Result) -> Pil.Image:
    """Every pixel in its word's colour, black where nothing is: no picture below, no smoothing."""
    table = np.concatenate([palette.colours(result.vocabulary), np.zeros((1, 3), np.uint8)])
    return Pil.fromarray(table[result.label_map()])


def cutout(image: Image, result: Result, *, tight: bool = False) -> Pil.Image:
    """RGBA: what the regions cover, all else transparent; `tight` crops to their common box."""
    if image.size != result.size:
        raise ImageError(
            f"the picture is {image.size}, the result {result.size} (height, width); "
            "resize one of them"
        )
    alpha = result.masks.union()
    # Hidden colours become black: an editor that drops the alpha would bring the background back.
    pixels = np.where(alpha[..., None], image.pixels, 0)
    picture = Pil.fromarray(np.concatenate([pixels, alpha[..., None] * np.uint8(255)], 2))
    if not tight or not alpha.any():
        return picture
    boxes = result.masks.boxes[result.masks.areas > 0]
    return picture.crop((*boxes[:, :2].min(0).tolist(), *boxes[:, 2:].max(0).tolist()))


def legend(result: Result, *, scale: float = 1.0) -> Pil.Image:
    """One row for every word: its colour, the word, how many regions it has (0: not here)."""
    letter = round(16 * scale)
    row, pad = round(1.9 * letter), round(0.9 * letter)
    counts = Counter(result.label_ids.tolist())
    colours = palette.colours(result.vocabulary).tolist()
    keys = [(colours[label], word, label) for label, word in enumerate(result.vocabulary)]
    if counts[-1]:
        keys.append((palette.GREY, "unnamed", -1))
    texts = [lettering.tidy(word, 48) for _, word, _ in keys]
    widest = max([lettering.text_width(text, letter) for text in texts], default=0)
    width = widest + lettering.text_width("0000", letter) + 3 * pad + letter
    picture = Pil.new("RGB", (width, row * len(keys) + pad), palette.WHITE)
    draw = ImageDraw.Draw(picture)
    for index, ((colour, _, label), text) in enumerate(zip(keys, texts, strict=True)):
        middle = pad / 2 + row * (index + 0.5)
        swatch = (pad, middle - letter / 2, pad + letter, middle + letter / 2)
        draw.rounded_rectangle(swatch, letter // 4, fill=tuple(colour), outline=palette.BLACK)
        ink = palette.BLACK if counts[label] else palette.GREY
        lettering.write(picture, (2 * pad + letter, middle), text, letter, ink)
        count = str(counts[label])
        right = width - pad - lettering.text_width(count, letter)
        lettering.write(picture, (right, middle), count, letter, palette.GREY)
    return picture


def _resize(result: Result, least: int, most: int) -> tuple[Image | None, Result]:
    """Picture and result resized so that the longer side lies between the two."""
    longest = max(result.size)
    share = min(max(longest, least), most) / longest
    if share == 1:
        return result.image, result
    height, width = (max(1, round(side * share)) for side in result.size)
    masks = result.masks.resize((height, width))
    image = result.image
    if image is not None:
        method = Pil.Resampling.LANCZOS if share < 1 else Pil.Resampling.BICUBIC
        resized = Pil.fromarray(image.pixels).resize((width, height), method)
        image = Image(np.asarray(resized), image.name)
    plain = result.with_image(None)
    return image, Result(
        size=(height, width), vocabulary=plain.vocabulary, masks=masks, scores=plain.scores,
        label_ids=plain.label_ids, track_ids=plain.track_ids,
    )  # fmt: skip
