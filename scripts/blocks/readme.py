"""The picture of README.md: photographs as `wordmask segment` shows them."""

import sys

from page import IMAGES, Request

import wordmask
from wordmask.lab.bench.photographs import photograph
from wordmask.media.drawing.overlay import overlay
from wordmask.media.drawing.sheets import contact_sheet

# Photographs (public domain, CC0) and the words that they are asked for.
SHOWN = {"astronaut.png": ["person"], "rocket.jpg": ["sky"]}
OPTIONS = wordmask.SegmentOptions(min_region_size=2000)  # no specks on a picture this small
LARGEST = 150_000  # bytes


def picture(request: Request) -> None:
    """docs/images/mini.jpg, each photograph with its command below."""
    tiles, captions = [], []
    for name, words in SHOWN.items():
        image = photograph(name)
        result = wordmask.segment(image, words, model=request.model, options=OPTIONS)
        tiles.append(overlay(image, result))
        captions.append(f"wordmask segment {name} {' '.join(words)}")
    path = IMAGES / "mini.jpg"
    sheet = contact_sheet(tiles, captions, columns=len(tiles), cell=440).convert("RGB")
    sheet.save(path, quality=82)
    if path.stat().st_size > LARGEST:
        sys.exit(f"{path} has {path.stat().st_size} bytes, at most {LARGEST} are wanted")
