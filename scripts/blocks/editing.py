"""Blocks of docs/editing.md: the sheet of effects, and walk-throughs that ran as they are shown."""

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from page import IMAGES, Request

from wordmask.core.image import Array, Image
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.lab.bench.photographs import photograph
from wordmask.media.reading.read import read
from wordmask.media.writing import write_picture
from wordmask.ops import regions
from wordmask.tasks.effects.table import EFFECTS

WIDTH = 960  # pixels of before and after together
TILE = 256
# Corners of a rough outline of the portrait; GrabCut makes it fit.
OUTLINE = [
    [150, 20], [290, 20], [330, 150], [330, 220], [430, 300],
    [430, 511], [20, 511], [60, 300], [150, 220], [120, 120],
]  # fmt: skip
# Title, photograph, command. The command writes into the folder out.
WALKS = (
    (
        "Remove an object",
        "rocket.jpg",
        "wordmask edit remove rocket.png --box 300,100,350,405 -o out",
    ),
    (
        "Replace the background",
        "astronaut.png",
        "wordmask effect backdrop astronaut.png --prompt person --min-confidence 0.65 \\\n"
        "    --colour navy --to orange -o out",
    ),
    (
        "Colour the sky",
        "rocket.jpg",
        "wordmask effect recolour rocket.png --prompt sky --colour purple --strength 0.6 -o out",
    ),
)


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


def walk_throughs(request: Request) -> str:
    parts = [walk(*each, request.model) for each in WALKS]
    note = f"Made with the engine `{request.model}` by `scripts/pages walk-throughs`."
    return "\n\n".join([note, *parts])


def walk(title: str, name: str, command: str, model: str) -> str:
    """Run one command, keep before and after side by side, and give its part of the page."""
    before = photograph(name).pixels
    with tempfile.TemporaryDirectory() as folder:
        picture = f"{name.partition('.')[0]}.png"
        write_picture(Path(folder) / picture, before)
        given = [*shlex.split(command.replace("\\\n", ""))[1:], "--model", model]
        start = [sys.executable, "-m", "wordmask", *given]
        done = subprocess.run(start, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{command}\n{done.stderr}")
        after = read(output_of(Path(folder) / "out")).pixels
    image = f"editing_{title.split(maxsplit=1)[0].lower()}.jpg"
    write_picture(IMAGES / image, pair(before, after), quality=85)
    shown = f"```\n$ {command}\n{done.stdout.strip()}\n```"
    return f"### {title}\n\n{shown}\n\n![{title}, before and after](images/{image})"


def output_of(folder: Path) -> Path:
    """The picture that the command made; masks and recipes lie beside it."""
    found = [path for path in sorted(folder.iterdir()) if path.suffix in (".png", ".jpg")]
    return next(path for path in found if "mask" not in path.name)


def pair(before: Array, after: Array) -> Array:
    gap = np.full((len(before), 6, 3), 255, np.uint8)
    both = np.hstack([before, gap, after])
    shrink = WIDTH / both.shape[1]
    return cv2.resize(both, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
