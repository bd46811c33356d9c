"""Whether a walk that is killed at random moments comes to the rows of an undisturbed one.

Drawn pictures are indexed by the engine `fake` in processes of their own, which are killed (-9) at
random. The same command goes on each time; whenever one comes to its end, the rows are compared and
a new index is begun.
"""

import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
from annotated_types import Interval

from wordmask.core.image import Array
from wordmask.jobs.index_care import check
from wordmask.lab.bench.suite import Findings, Suite, SuiteKit, SuiteOptions
from wordmask.media.index.rows import REGIONS
from wordmask.media.index.store import RegionStore
from wordmask.media.writing import write_picture

WALK = """
import sys
from pathlib import Path
from wordmask.jobs.index import IndexJob
from wordmask.jobs.setup import Setup
from wordmask.tasks.describe import DescribeOptions

album, db = sys.argv[1:]
options = DescribeOptions(vocabulary=("red", "blue"), points_per_side=8)
job = IndexJob(Path(db), options, Setup("fake"))
job.write_every = 2  # many versions: many places to be killed at
for _ in job.run(album):
    pass
"""


@dataclass(frozen=True)
class KillsOptions(SuiteOptions):
    """How much is killed."""

    kills: Annotated[int, Interval(ge=1, le=10_000)] = 200
    """Processes that are killed."""
    pictures: Annotated[int, Interval(ge=2, le=10_000)] = 24
    """Drawn pictures in the folder."""
    seed: int = 0
    """Seed of the moments."""


class KillsSuite(Suite[KillsOptions]):
    name = "kills"
    about = "whether an index whose walks are killed at random has the rows of an undisturbed one"
    options = KillsOptions
    loads = False

    def run(self, kit: SuiteKit[KillsOptions]) -> Findings:
        options, moments = kit.options, random.Random(kit.options.seed)
        kills = finished = wrong = 0
        with TemporaryDirectory() as home:
            album, target, walked = (Path(home) / name for name in ("album", "whole", "walked"))
            draw_pictures(album, options.pictures)
            began = time.monotonic()
            start_walk(album, target).wait()
            longest = time.monotonic() - began
            wanted = row_keys(target)
            while kills < options.kills:
                killed = walk_until_killed(album, walked, moments.uniform(0.3, 1.1) * longest)
                kills += killed
                if not killed:
                    finished += 1
                    wrong += not is_whole(walked, wanted)
                    shutil.rmtree(walked)
                if (kills + finished) % 20 == 0:
                    kit.say(f"{kills} kills, {finished} walks came to their end")
            start_walk(album, walked).wait()
            finished += 1
            wrong += not is_whole(walked, wanted)
        return Findings(
            metrics={"kills": float(kills), "finished": float(finished), "wrong": float(wrong)},
            verdicts=[
                f"{kills} kills, {finished} walks came to their end, {wrong} of them with other "
                f"rows than the undisturbed one's {len(wanted)}"
            ],
            seeds={"moments": options.seed},
        )


def draw_pictures(folder: Path, count: int) -> None:
    """White pictures with a red and a blue square each, at places of their own."""
    folder.mkdir()
    for number in range(count):
        pixels: Array = np.full((96, 128, 3), 255, np.uint8)
        x = 4 + 3 * (number % 12)
        pixels[20:44, x : x + 24] = 220, 20, 20
        pixels[50:74, 124 - x - 24 : 124 - x] = 20, 20, 220
        pixels[0, 0] = number % 256, number // 256, 0
        write_picture(folder / f"{number:04d}.png", pixels)


def start_walk(album: Path, db: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WALK, str(album), str(db)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def walk_until_killed(album: Path, db: Path, seconds: float) -> bool:
    """Whether the walk was killed; False where it came to its end before."""
    walking = start_walk(album, db)
    try:
        walking.wait(seconds)
    except subprocess.TimeoutExpired:
        walking.kill()
        walking.wait()
        return True
    return False


def row_keys(db: Path) -> list[str]:
    return sorted(RegionStore(db).column(REGIONS, "key"))


def is_whole(db: Path, wanted: list[str]) -> bool:
    """Whether the index has these rows, each once, and nothing is wrong with it."""
    return row_keys(db) == wanted and check(db).is_sound
