"""How fast the effects are on 1920 x 1080 frames, and whether memory stays flat.

    python scripts/bench_effects.py [--frames 40] [--memory 1000] [--json FILE]

The picture is a photograph from skimage.data (CC0 / public domain) at 1920 x 1080, the object an ellipse of 15 % of
the frame. "CPU" is processor time per frame on all threads: on an idle machine two threads cannot be slower than it.
"""

import argparse
import json
import os
import platform
import resource
import time
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.tasks.effects.table import EFFECTS

SIZE_WH = (1920, 1080)


def scene() -> tuple[Image, Result, Image]:
    """A frame, its object, and a small picture to lay over."""
    frame = cv2.resize(skimage.data.astronaut(), SIZE_WH, interpolation=cv2.INTER_CUBIC)
    mask = np.zeros(SIZE_WH[::-1], np.uint8)
    cv2.ellipse(mask, (960, 540), (260, 380), 0, 0, 360, 1, -1)
    return Image(frame), Result.of(Masks.from_dense(mask > 0)), Image(skimage.data.chelsea())


def options_of(name: str, kind: type, picture: Image) -> object:
    return kind(picture=picture) if name == "overlay" else kind()


def timed(
    function: object, image: Image, result: Result, options: object, frames: int
) -> dict[str, float]:
    """Median wall-clock and mean processor time of a frame, in milliseconds."""
    walls = []
    function(image, result, options)  # type: ignore[operator]  # from the table of effects
    cpu = time.process_time()
    for _ in range(frames):
        start = time.perf_counter()
        function(image, result, options)  # type: ignore[operator]  # from the table of effects
        walls.append(time.perf_counter() - start)
    cpu = time.process_time() - cpu
    median = float(np.median(walls))
    return {"wall_ms": median * 1e3, "cpu_ms": cpu / frames * 1e3, "fps": 1 / median}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument(
        "--memory", type=int, default=0, help="frames to run each effect for, watching memory"
    )
    parser.add_argument("--json", default="")
    args = parser.parse_args()
    cv2.setNumThreads(2)
    image, result, picture = scene()
    rows = {}
    for name, (function, kind) in EFFECTS.items():
        rows[name] = timed(function, image, result, options_of(name, kind, picture), args.frames)
        row = rows[name]
        print(
            f"{name:12} {row['wall_ms']:7.1f} ms  cpu {row['cpu_ms']:7.1f} ms  {row['fps']:6.1f} fps"
        )
    if args.memory:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(args.memory):
            function, kind = list(EFFECTS.values())[number % len(EFFECTS)]
            function(image, result, options_of(list(EFFECTS)[number % len(EFFECTS)], kind, picture))
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(f"peak memory after {args.memory} frames: +{grown:.1f} MiB")
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
