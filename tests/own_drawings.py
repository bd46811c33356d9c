"""Drawn pictures with their annotations in a file, as somebody would bring them."""

from pathlib import Path

import numpy as np
from PIL import Image as Pictures

from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.media import formats
from wordmask.media.formats.records import Named

SIZE = (96, 128)
WORDS = ("zorb", "quill pad")
COLOURS = ((220, 40, 40), (40, 60, 220))


def draw_picture(number: int) -> tuple[np.ndarray, Result]:
    """A red square and a blue disc at places of their own, on noise; now and then only one."""
    dice = np.random.default_rng(number)
    pixels = dice.integers(90, 160, (*SIZE, 3), np.uint8)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    x, y = dice.integers(22, 42), dice.integers(25, 70)
    square = np.maximum(abs(columns - x), abs(rows - y)) <= 18
    disc = (columns - x - 58) ** 2 + (rows - y) ** 2 <= 400
    shapes = [square, disc] if number % 4 else [square]
    for shape, colour in zip(shapes, COLOURS, strict=False):
        pixels[shape] = colour
    masks = Masks.from_dense(np.stack(shapes))
    return pixels, Result.of(masks, WORDS, label_ids=list(range(len(shapes))))


def write_own(folder: Path, numbers: range, format: str = "coco") -> Path:
    """The pictures, and one file (or a folder of files) that annotates them."""
    (folder / "images").mkdir(parents=True)
    items = []
    for number in numbers:
        pixels, result = draw_picture(number)
        name = f"p{number:02}.png"
        Pictures.fromarray(pixels).save(folder / "images" / name)
        items.append(Named(name, result))
    many = {"coco": "my.coco.json", "labelstudio": "my.labelstudio.json", "jsonl": "my.jsonl"}
    target = folder / many.get(format, "annotations")
    formats.save_named(items, target, format)
    return target
