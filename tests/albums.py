"""Folders of drawn pictures to index and find again, with the engine `fake`."""

from pathlib import Path

import cv2
import numpy as np

from commands import save
from wordmask.jobs.find import IndexSearch, SearchQuery
from wordmask.jobs.index import IndexJob, IndexTally
from wordmask.jobs.setup import Setup
from wordmask.tasks.describe import DescribeOptions
from wordmask.tasks.search import SearchOptions

COLOURS = {"red": (220, 20, 20), "blue": (20, 20, 220), "green": (20, 160, 20)}
FAKE = Setup("fake")
LOOK = DescribeOptions(vocabulary=("red", "blue", "green", "white"), points_per_side=8)


def draw_shapes(path: Path, *shapes: tuple[str, str, int], seed: int = 0) -> Path:
    """A white picture, 96 x 128, with shapes: (colour, disc or square, x of the middle)."""
    pixels = np.full((96, 128, 3), 255, np.uint8)
    pixels[0, 0] = (255, 255, 255 - seed)  # pictures that look alike and are not the same file
    for colour, shape, x in shapes:
        if shape == "disc":
            cv2.circle(pixels, (x, 48), 14, COLOURS[colour], -1)
        else:
            cv2.rectangle(pixels, (x - 13, 35), (x + 13, 61), COLOURS[colour], -1)
    return save(path, pixels)


def draw_album(folder: Path) -> Path:
    """Three pictures: a red disc, a blue square, both beside each other."""
    draw_shapes(folder / "red.png", ("red", "disc", 90))
    draw_shapes(folder / "blue.png", ("blue", "square", 40))
    draw_shapes(folder / "both.png", ("red", "disc", 40), ("blue", "square", 80))
    return folder


def index(pictures: Path, db: Path, look: DescribeOptions = LOOK) -> IndexTally:
    """The walk to its end."""
    job = IndexJob(db, look, FAKE)
    for _ in job.run(str(pictures)):
        pass
    return job.tally


def counts(tally: IndexTally) -> dict[str, int]:
    return {what: count for what, count in tally.counts.items() if count}


def find(db: Path, *words: str, options: SearchOptions | None = None, **query):
    """The answer for the words."""
    return IndexSearch(db, FAKE).find(SearchQuery(words, **query), options or SearchOptions())


def file_names(answer) -> list[str]:
    return [Path(hit.row.path).name for hit in answer.hits]
