"""A drawn data set that the engine `fake` can read: coloured shapes with their label maps."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from drawn_packs import write_packs
from wordmask import engines
from wordmask.lab.data import Dataset, open_data

COLOURS = {"red disc": (220, 30, 30), "green square": (30, 170, 60), "blue square": (40, 70, 220)}
SIZE = (96, 128)


def draw_set(root: Path, pictures: int) -> Path:
    """`pictures` drawings, each with some of the three things at places of its own."""
    for kind in ("images", "labels"):
        (root / kind).mkdir(parents=True)
    card = {"name": "drawn", "classes": ["background", *COLOURS], "background": 0, "ignore": 255}
    (root / "dataset.json").write_text(json.dumps(card))
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    for number in range(pictures):
        dice = np.random.default_rng(number)
        pixels, labels = np.full((*SIZE, 3), 255, np.uint8), np.zeros(SIZE, np.uint8)
        for place, (name, colour) in enumerate(COLOURS.items()):
            if place and dice.random() < 0.3:
                continue  # the disc is always there
            x, y = 20 + 43 * place + dice.integers(4), dice.integers(20, SIZE[0] - 20)
            disc, square = (
                (columns - x) ** 2 + (rows - y) ** 2 <= 225,
                np.maximum(abs(columns - x), abs(rows - y)) <= 13,
            )
            inside = disc if name == "red disc" else square
            pixels[inside], labels[inside] = colour, place + 1
        labels[0, 0] = 255
        Pictures.fromarray(pixels).save(root / f"images/p{number:02d}.png")
        Pictures.fromarray(labels).save(root / f"labels/p{number:02d}.png")
    return root


@pytest.fixture(scope="session")
def drawn_folder(tmp_path_factory) -> Path:
    return draw_set(tmp_path_factory.mktemp("data") / "drawn", 6)


@pytest.fixture
def drawn(drawn_folder) -> Dataset:
    return open_data(drawn_folder)


@pytest.fixture(scope="session")
def fake():
    return lambda: engines.load("fake")


@pytest.fixture(scope="session")
def packs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pycocotools")
    return write_packs(tmp_path_factory.mktemp("packs"))
