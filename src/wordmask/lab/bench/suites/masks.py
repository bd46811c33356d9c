"""How fast masks are compared: 300 x 300 on 1920 x 1080, against pycocotools and numpy.

Times are the best of several, all within one run on one machine: read the ratios, not the
milliseconds. Each begins with what it would hold anyway: crops, run-length codes, or a dense stack.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
from annotated_types import Ge

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.errors import MaskError, missing_extra
from wordmask.lab.bench.suite import Findings, FindingTable, Suite, SuiteKit, SuiteOptions
from wordmask.ops import merge

SIZE = (1080, 1920)
# Longer half axis in pixels, from and to: what a busy street shows, and the worst that one meets.
SCENES = {"typical": (8, 120), "large": (100, 250)}


@dataclass(frozen=True)
class MasksOptions(SuiteOptions):
    """How much is timed."""

    count: Annotated[int, Ge(10)] = 300
    """Masks on either side."""
    repeat: Annotated[int, Ge(1)] = 5
    """Runs, of which the fastest counts."""
    seed: int = 0
    """Seed of the masks."""


class MasksSuite(Suite[MasksOptions]):
    name = "masks"
    about = "how fast masks are compared, against pycocotools and dense numpy"
    options = MasksOptions
    loads = False

    def run(self, kit: SuiteKit[MasksOptions]) -> Findings:
        options = kit.options
        scenes = {name: time_scene(name, options) for name in SCENES}
        tenth = options.count // 10
        verdicts = []
        for name, found in scenes.items():
            dense = found["dense numpy, a tenth, ms"] / found["wordmask, a tenth, ms"]
            coco = found["wordmask, ms"] / found["pycocotools, ms"]
            verdicts.append(
                f"{name}: {coco:.1f} times the time of pycocotools; "
                f"{tenth} x {tenth}: 1/{dense:.0f} of dense numpy's"
            )
        rows = [
            {"figure": figure, **{name: scenes[name][figure] for name in SCENES}}
            for figure in scenes["typical"]
        ]
        metrics = {
            f"{name}.{figure}": value
            for name, found in scenes.items()
            for figure, value in found.items()
        }
        return Findings(
            metrics=metrics,
            tables={f"{options.count} x {options.count} masks": FindingTable.of(rows)},
            verdicts=verdicts,
            seeds={"masks": options.seed},
        )


def time_scene(name: str, options: MasksOptions) -> dict[str, float]:
    try:
        from pycocotools import mask as coco
    except ImportError:
        raise missing_extra("pycocotools", "dev") from None
    rng = np.random.default_rng(options.seed)
    count, repeat = options.count, options.repeat
    first, second = (draw_ellipses(count, SCENES[name], rng) for _ in range(2))
    codes = [masks.to_rle() for masks in (first, second)]
    crowd = [0] * count
    difference = np.abs(first.iou(second) - coco.iou(*codes, crowd)).max()
    if difference > 1e-9:
        raise MaskError(
            f"wordmask and pycocotools disagree by {difference}: the times mean nothing"
        )
    # 300 dense masks of floats are 2.5 GB each way; a tenth of them is a tenth of rows and columns.
    tenth = count // 10
    few = [masks[:tenth] for masks in (first, second)]
    stacks = [masks.dense() for masks in few]
    scores = np.linspace(1, 0, count)
    return {
        "mean area, pixels": float(first.areas.mean()),
        "pairs that meet": int((first.intersections(second) > 0).sum()),
        "memory, share of dense": first.nbytes / (count * SIZE[0] * SIZE[1]),
        "wordmask, ms": best_ms(lambda: first.iou(second), repeat),
        "pycocotools, ms": best_ms(lambda: coco.iou(*codes, crowd), repeat),
        "wordmask, a tenth, ms": best_ms(lambda: few[0].iou(few[1]), repeat),
        "dense numpy, a tenth, ms": best_ms(lambda: dense_iou(*stacks), 2),
        "nms of all, ms": best_ms(lambda: merge.nms(first, scores), repeat),
        "to_rle, ms": best_ms(first.to_rle, repeat),
        "from_rle, ms": best_ms(lambda: Masks.from_rle(codes[0]), repeat),
    }


def draw_ellipses(count: int, longest: tuple[int, int], rng: np.random.Generator) -> Masks:
    """Ellipses at random places; `longest`: half axis in pixels, from and to."""
    corners, crops = [], []
    for radius in rng.integers(*longest, count).tolist():
        crop = np.zeros((2 * radius + 1, 2 * radius + 1), np.uint8)
        axes = (radius, max(2, int(radius * rng.uniform(0.3, 1))))
        cv2.ellipse(crop, (radius, radius), axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
        crops.append(crop.astype(bool))
        x = int(rng.integers(-radius, SIZE[1] - radius))
        corners.append((x, int(rng.integers(-radius, SIZE[0] - radius))))
    return Masks.from_crops(SIZE, corners, crops)


def dense_iou(first: Array, second: Array) -> Array:
    """The usual way: two (N, H W) stacks and a matrix product."""
    one, two = (stack.reshape(len(stack), -1).astype(np.float32) for stack in (first, second))
    shared = one @ two.T
    ious: Array = shared / (one.sum(1)[:, None] + two.sum(1)[None] - shared)
    return ious


def best_ms(work: Callable[[], object], repeat: int) -> float:
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)
