"""How fast the effects are on frames of 1920 x 1080, and whether memory stays flat.

The picture is a photograph of scikit-image, the object an ellipse of 15 % of the frame. Processor
time is that of a frame on all threads: on an idle machine two threads cannot be slower than it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import cv2
import numpy as np
from annotated_types import Ge

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.lab.bench.photographs import photograph
from wordmask.lab.bench.provenance import peak_memory_mb
from wordmask.lab.bench.suite import Findings, FindingTable, Suite, SuiteKit, SuiteOptions
from wordmask.tasks.effects.table import EFFECTS

SIZE_WH = (1920, 1080)


@dataclass(frozen=True)
class EffectsOptions(SuiteOptions):
    """How much is timed."""

    frames: Annotated[int, Ge(1)] = 40
    """Frames that each effect is timed on."""
    memory_frames: Annotated[int, Ge(0)] = 0
    """Further frames, all effects in turns, over which the growth of memory is watched."""


class EffectsSuite(Suite[EffectsOptions]):
    name = "effects"
    about = "how fast the effects are on frames of 1920 x 1080, and whether memory stays flat"
    options = EffectsOptions
    loads = False

    def run(self, kit: SuiteKit[EffectsOptions]) -> Findings:
        frame, result = scene()
        works = {name: effect_on(name, frame, result) for name in EFFECTS}
        rows = []
        for name, work in works.items():
            kit.say(name)
            rows.append({"effect": name, **time_frames(work, kit.options.frames)})
        metrics: dict[str, float | None] = {
            f"{row['effect']}.wall_ms": row["wall_ms"] for row in rows
        }
        if kit.options.memory_frames:
            before = peak_memory_mb()
            turns = list(works.values())
            for number in range(kit.options.memory_frames):
                turns[number % len(turns)]()
            metrics["growth_mb"] = peak_memory_mb() - before
        return Findings(metrics=metrics, tables={"effects": FindingTable.of(rows)})


def scene() -> tuple[Image, Result]:
    """A frame and its object."""
    pixels = photograph("astronaut.png").pixels
    frame = cv2.resize(pixels, SIZE_WH, interpolation=cv2.INTER_CUBIC)
    mask = np.zeros(SIZE_WH[::-1], np.uint8)
    cv2.ellipse(mask, (960, 540), (260, 380), 0, 0, 360, 1, -1)
    return Image(frame), Result.of(Masks.from_dense(mask > 0))


def effect_on(name: str, frame: Image, result: Result) -> Callable[[], object]:
    """The effect at its defaults, ready to be run again and again."""
    function, kind = EFFECTS[name]
    options = kind(picture=photograph("chelsea.png")) if name == "overlay" else kind()
    return lambda: function(frame, result, options)


def time_frames(work: Callable[[], object], frames: int) -> dict[str, Any]:
    """Median time by the clock and mean processor time of a frame, in milliseconds."""
    work()  # warm
    walls = []
    cpu = time.process_time()
    for _ in range(frames):
        start = time.perf_counter()
        work()
        walls.append(time.perf_counter() - start)
    cpu = time.process_time() - cpu
    median = float(np.median(walls))
    return {"wall_ms": median * 1e3, "cpu_ms": cpu / frames * 1e3, "fps": 1 / median}
