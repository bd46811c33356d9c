"""The bench itself on a set of the size of VOC: killed once, resumed, and its peak of memory.

1,449 pictures of coloured shapes are drawn with their label maps, so no data set is needed. The
process that measures is killed after a third; a second one goes on. It must measure only the rest,
and its memory must stay below a limit: what is kept of a picture is its counts.
"""

import json
import time
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge

from wordmask.errors import OutputError
from wordmask.lab.bench.alone import run_alone
from wordmask.lab.bench.benches.semantic import SemanticOptions
from wordmask.lab.bench.run import RECORDS, BenchRun, run_bench
from wordmask.lab.bench.suite import Findings, ModelLoader, Suite, SuiteKit, SuiteOptions
from wordmask.lab.data import open_data
from wordmask.media.writing import write_picture

COLOURS = {
    "red disc": (220, 30, 30),
    "green square": (30, 170, 60),
    "blue square": (40, 70, 220),
    "yellow disc": (240, 220, 40),
    "purple disc": (140, 40, 170),
    "orange square": (250, 150, 30),
}
LIMIT_MB = 1536
ENGINE = {"input_side": 64}  # a coarse one: it is the bench that is measured here
BENCH = SemanticOptions(how="dense", rounds=100)


@dataclass(frozen=True)
class LabOptions(SuiteOptions):
    """How large the set is."""

    pictures: Annotated[int, Ge(3)] = 1449
    """Pictures to draw."""
    width: Annotated[int, Ge(40)] = 500
    """Their width in pixels; the height is three quarters of it."""
    model: str = "fake"
    """Engine."""


class LabSuite(Suite[LabOptions]):
    name = "lab"
    about = "the bench itself: 1,449 drawn pictures, killed once and resumed, and its memory"
    options = LabOptions

    def run(self, kit: SuiteKit[LabOptions]) -> Findings:
        options = kit.options
        third = options.pictures // 3
        with TemporaryDirectory() as folder:
            root, out = Path(folder) / "data", Path(folder) / "out"
            kit.say("draws the pictures")
            draw_set(root, options.pictures, options.width)
            kit.say(f"kills the bench after {third} pictures")
            kill_after(third, kit.load, options.model, root, out)
            kit.say("goes on")
            results = run_alone(measure_set, kit.load, options.model, root, out)
        run = results["run"]
        if not 0 < run["measured_now"] <= options.pictures - third:
            raise OutputError(
                f"the resumed run measured {run['measured_now']} of {options.pictures} pictures, "
                f"though {third} were measured before the kill"
            )
        if run["peak_memory_mb"] >= LIMIT_MB:
            raise OutputError(f"the bench held {run['peak_memory_mb']} MB, at most {LIMIT_MB}")
        return Findings(
            metrics={
                "pictures": options.pictures,
                "measured_after_the_kill": run["measured_now"],
                "seconds_after_the_kill": run["seconds"],
                "peak_mb": run["peak_memory_mb"],
                "miou": results["metrics"]["miou"],
            },
            seeds={"pictures": 0},
        )


def draw_set(root: Path, pictures: int, width: int) -> None:
    """A folder described by its dataset.json, in the sizes of VOC."""
    root.mkdir(parents=True)
    classes = ["background", *COLOURS]
    card = {"name": "simulated voc", "classes": classes, "background": 0, "ignore": 255}
    (root / "dataset.json").write_text(json.dumps(card))
    for number in range(pictures):
        pixels, labels = draw_picture(number, width)
        write_picture(root / f"images/{number:06d}.png", pixels)
        write_picture(root / f"labels/{number:06d}.png", labels)


def draw_picture(number: int, width: int) -> tuple[Any, Any]:
    """(H, W, 3) shapes in colours on white, and the (H, W) label of every pixel."""
    rng = np.random.default_rng(number)
    height = width * 3 // 4
    rows, columns = np.mgrid[:height, :width]
    pixels = np.full((height, width, 3), 250, np.uint8)
    labels = np.zeros((height, width), np.uint8)
    for label, (name, colour) in enumerate(COLOURS.items(), 1):
        if rng.random() < 0.5:
            continue
        x, y = rng.integers(width), rng.integers(height)
        reach = rng.integers(width // 20, width // 5)
        if "disc" in name:
            away = np.hypot(columns - x, rows - y)
        else:
            away = np.maximum(abs(columns - x), abs(rows - y))
        pixels[away <= reach], labels[away <= reach] = colour, label
    return pixels, labels


def measure_set(load: ModelLoader, model: str, root: Path, out: Path) -> dict[str, Any]:
    run = BenchRun("semantic", open_data(root), partial(load, model, **ENGINE), out, BENCH)
    return run_bench(run)


def kill_after(records: int, load: ModelLoader, model: str, root: Path, out: Path) -> None:
    """Start the bench in a process, wait for so many records, SIGKILL."""
    arguments = (load, model, root, out)
    process = get_context("spawn").Process(target=measure_set, args=arguments, daemon=True)
    process.start()
    ledger = out / RECORDS
    while process.is_alive():
        if ledger.is_file() and ledger.read_bytes().count(b"\n") > records:
            break
        time.sleep(0.05)
    if not process.is_alive():
        raise OutputError(f"the bench ended before it could be killed ({process.exitcode})")
    process.kill()
    process.join()
