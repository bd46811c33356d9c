"""The picture of docs/editing.md: the sheet of all effects."""

import cv2
import numpy as np
from page import IMAGES, Request

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.lab.bench.photographs import photograph
from wordmask.media.writing import write_picture
from wordmask.ops import regions
from wordmask.tasks.effects.table import EFFECTS

TILE = 256
# Corners of a rough outline of the portrait; GrabCut makes it fit.
OUTLINE = [
    [150, 20], [290, 20], [330, 150], [330, 220], [430, 300],
    [430, 511], [20, 511], [60, 300], [150, 220], [120, 120],
]  # fmt: skip


def effects(request: Request) -> None:
    """docs/images/editing_effects.jpg: every effect at its defaults, named, four to a row."""
    image, result = portrait()
    tiles = []
    for name, (function, kind) in EFFECTS.items():
        overlaid = name == "overlay"
        options = kind(picture=photograph("chelsea.png"), scale=1.2) if overlaid else kind()
        pixels = function(image, result, options).pixels
        tile = cv2.resize(pixels, (TILE, TILE), interpolation=cv2.INTER_AREA)
        for colour, width in ((0, 4), (255, 1)):
            ink = (colour,) * 3
            place, font = (8, TILE - 10), cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(tile, name, place, font, 0.6, ink, width, cv2.LINE_AA)
        tiles.append(tile)
    rows = [np.hstack(tiles[start : start + 4]) for start in range(0, len(tiles), 4)]
    write_picture(IMAGES / "editing_effects.jpg", np.vstack(rows), quality=85)


def portrait() -> tuple[Image, Result]:
    """The portrait and a mask drawn for it, so that no model is needed."""
    image = photograph("astronaut.png")
    marks = np.full(image.size, cv2.GC_PR_BGD, np.uint8)
    cv2.fillPoly(marks, [np.array(OUTLINE)], cv2.GC_PR_FGD)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    bgr = np.ascontiguousarray(image.pixels[..., ::-1])
    cv2.grabCut(bgr, marks, None, *models, 5, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))
    largest = regions.pieces(inside)[0].astype(np.float32)
    smooth = cv2.GaussianBlur(largest, (0, 0), 3) > 0.5
    return image, Result.of(Masks.from_dense(smooth))
