"""How fast masks are compared: 300 x 300 on a 1920 x 1080 picture, against pycocotools and dense numpy.

    scripts/bench masks [--seed 0] [--repeat 5] [--json FILE]

Times are the best of `--repeat`, all within one run on one machine: read the ratios, not the milliseconds. Each way
begins with what it would hold anyway: crops, run-length codes, or the dense stack.
"""

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from wordmask.core.masks import Masks
from wordmask.ops import merge

SIZE = (1080, 1920)
# Longer half axis in pixels, (low, high): what one finds in a busy street, and the worst that one meets.
SCENES = {"typical": (8, 120), "large": (100, 250)}


def ellipses(count: int, longest: tuple[int, int], rng: np.random.Generator) -> Masks:
    corners, crops = [], []
    for radius in rng.integers(*longest, count).tolist():
        crop = np.zeros((2 * radius + 1, 2 * radius + 1), np.uint8)
        axes = (radius, max(2, int(radius * rng.uniform(0.3, 1))))
        cv2.ellipse(crop, (radius, radius), axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
        crops.append(crop.astype(bool))
        corners.append(
            (
                int(rng.integers(-radius, SIZE[1] - radius)),
                int(rng.integers(-radius, SIZE[0] - radius)),
            )
        )
    return Masks.from_crops(SIZE, corners, crops)


def best_ms(work: Callable[[], object], repeat: int) -> float:
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def dense_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The usual way: two (N, H W) stacks and a matrix product."""
    one, two = (stack.reshape(len(stack), -1).astype(np.float32) for stack in (first, second))
    shared = one @ two.T
    return shared / (one.sum(1)[:, None] + two.sum(1)[None] - shared)


def scene(name: str, count: int, seed: int, repeat: int) -> dict[str, float]:
    from pycocotools import mask as coco

    rng = np.random.default_rng(seed)
    first, second = (ellipses(count, SCENES[name], rng) for _ in range(2))
    codes = [masks.to_rle() for masks in (first, second)]
    crowd = [0] * count
    difference = np.abs(first.iou(second) - coco.iou(*codes, crowd)).max()
    if difference > 1e-9:
        raise SystemExit(
            f"wordmask and pycocotools disagree by {difference}: the timings mean nothing"
        )
    # 300 dense float masks are 2.5 GB each way; a tenth of them is a tenth of the rows and columns.
    tenth = count // 10
    small = [masks[:tenth].dense() for masks in (first, second)]
    return {
        "mean area, pixels": float(first.areas.mean()),
        "pairs that meet": int((first.intersections(second) > 0).sum()),
        "memory, share of dense": first.nbytes / (count * SIZE[0] * SIZE[1]),
        "wordmask, ms": best_ms(lambda: first.iou(second), repeat),
        "pycocotools, ms": best_ms(lambda: coco.iou(*codes, crowd), repeat),
        f"wordmask {tenth} x {tenth}, ms": best_ms(
            lambda: first[:tenth].iou(second[:tenth]), repeat
        ),
        f"dense numpy {tenth} x {tenth}, ms": best_ms(lambda: dense_iou(*small), 2),
        "nms of 300, ms": best_ms(lambda: merge.nms(first, np.linspace(1, 0, count)), repeat),
        "to_rle, ms": best_ms(first.to_rle, repeat),
        "from_rle, ms": best_ms(lambda: Masks.from_rle(codes[0]), repeat),
    }


def machine() -> dict[str, object]:
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "commit": commit or "unknown",
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found = {name: scene(name, args.count, args.seed, args.repeat) for name in SCENES}
    for name, figures in found.items():
        print(f"{name}: {args.count} x {args.count} masks on {SIZE[1]} x {SIZE[0]}")
        for what, value in figures.items():
            print(f"  {what:<28} {value:12.4g}")
        tenth = args.count // 10
        dense = (
            figures[f"dense numpy {tenth} x {tenth}, ms"]
            / figures[f"wordmask {tenth} x {tenth}, ms"]
        )
        coco = figures["wordmask, ms"] / figures["pycocotools, ms"]
        print(f"  {coco:.1f} times the time of pycocotools, 1/{dense:.0f} of dense numpy's")
    if args.json:
        args.json.write_text(
            json.dumps({"machine": machine(), "seed": args.seed, "masks": found}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
