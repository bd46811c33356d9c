"""Seconds for ten words, for a thousand, and for a click, on a picture of 640 x 480.

`words` label every pixel; `segment` also cuts what they find, which takes the longer the more that
is, so it is timed on a photograph.

Everything is warm, and each time is the median over pictures that were not seen before. Processor
time is the same on a busy machine; the time by the clock is not.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import cv2
import numpy as np
from annotated_types import Ge

from wordmask.core.image import Image
from wordmask.core.prompts import Text
from wordmask.core.protocols import PromptBatch, Segmenter
from wordmask.lab.bench.photographs import photograph
from wordmask.lab.bench.suite import Findings, FindingTable, Suite, SuiteKit, SuiteOptions
from wordmask.tasks.dense import DenseOptions, label
from wordmask.tasks.segment import segment

TEN = ("dog", "cat", "person", "car", "tree", "sky", "grass", "chair", "table", "road")
SIZE_WH = (640, 480)
PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png")


@dataclass(frozen=True)
class SpeedOptions(SuiteOptions):
    """What is timed, and how often."""

    model: str = "mini"
    """Engine, or several joined by +."""
    rounds: Annotated[int, Ge(1)] = 7
    """Pictures that each time is the median of."""


class SpeedSuite(Suite[SpeedOptions]):
    name = "speed"
    about = "seconds for ten words, for a thousand, and for a click"
    options = SpeedOptions

    def run(self, kit: SuiteKit[SpeedOptions]) -> Findings:
        models, rounds = kit.load(kit.options.model), kit.options.rounds
        rng = np.random.default_rng(0)
        first, *pictures = [noise_picture(rng) for _ in range(2 * rounds + 1)]
        segment(first, Text(TEN), models)
        times = {}
        for name, words, own in (
            ("words_10", TEN, pictures[:rounds]),
            ("words_1000", thousand_words(), pictures[rounds:]),
        ):
            kit.say(name)
            text = Text(words)
            label(first, text, models, DenseOptions())  # warms the text bank
            works = [partial(label, image, text, models, DenseOptions()) for image in own]
            times[name] = median_seconds(works)
        kit.say("segment_10")
        photographs = [photograph_of(name) for name in PHOTOGRAPHS]
        times["segment_10"] = median_seconds(
            [partial(segment, image, Text(TEN), models) for image in photographs]
        )
        segmenter = models.get(Segmenter)
        (encoding,) = segmenter.encode([first])
        places = rng.uniform(50, 400, (21, 2)).astype(np.float32)
        clicks = [PromptBatch.points(place[None]) for place in places]
        times["click"] = median_seconds([partial(segmenter.cut, encoding, one) for one in clicks])
        rows = [
            {"what": name, "seconds": wall, "processor": cpu} for name, (wall, cpu) in times.items()
        ]
        return Findings(
            metrics={f"{name}_s": wall for name, (wall, _) in times.items()},
            tables={"seconds": FindingTable.of(rows)},
            models=[models],
            seeds={"pictures": 0},
        )


def photograph_of(name: str) -> Image:
    """One of scikit-image's at the size of all."""
    return Image(cv2.resize(photograph(name).pixels, SIZE_WH))


def noise_picture(rng: np.random.Generator) -> Image:
    coarse = rng.integers(0, 255, (60, 80, 3), np.uint8)
    return Image(cv2.resize(coarse, SIZE_WH))


def thousand_words() -> tuple[str, ...]:
    """The ten words, and 990 that no engine knows by heart."""
    letters = "bcdfghjklmnprstvw"
    nouns = [f"{first}o{second}e" for first in letters for second in letters][:248]
    made = [f"{adjective} {noun}" for adjective in ("red", "old", "tiny", "wet") for noun in nouns]
    return TEN + tuple(made[:990])


def median_seconds(works: Sequence[Callable[[], object]]) -> tuple[float, float]:
    """Median over the works of the time by the clock, and of processor time."""
    rows = []
    for work in works:
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        rows.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall, cpu = np.median(rows, 0).tolist()
    return round(wall, 4), round(cpu, 4)
