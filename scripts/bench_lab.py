"""A simulated VOC through the bench: 1,449 made pictures, killed once and resumed, with its peak of memory.

    scripts/bench lab [--pictures 1449] [--width 500] [--model fake]

Pictures are drawn (coloured shapes with their label maps), so no data set is needed. The measuring process is killed
with SIGKILL after a third; the second process goes on. Passes when the resumed run measures only the rest and its peak
memory stays under 1.5 GB.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

COLOURS = {
    "red disc": (220, 30, 30), "green square": (30, 170, 60), "blue square": (40, 70, 220),
    "yellow disc": (240, 220, 40), "purple disc": (140, 40, 170), "orange square": (250, 150, 30),
}  # fmt: skip
LIMIT_MB = 1536


def draw(root: Path, pictures: int, width: int) -> None:
    """A described folder in the sizes of VOC."""
    for kind in ("images", "labels"):
        (root / kind).mkdir(parents=True)
    card = {
        "name": "simulated voc",
        "classes": ["background", *COLOURS],
        "background": 0,
        "ignore": 255,
    }
    (root / "dataset.json").write_text(json.dumps(card))
    height = width * 3 // 4
    rows, columns = np.mgrid[:height, :width]
    for number in range(pictures):
        dice = np.random.default_rng(number)
        pixels, labels = (
            np.full((height, width, 3), 250, np.uint8),
            np.zeros((height, width), np.uint8),
        )
        for label, (name, colour) in enumerate(COLOURS.items(), 1):
            if dice.random() < 0.5:
                continue
            x, y, reach = (
                dice.integers(width),
                dice.integers(height),
                dice.integers(width // 20, width // 5),
            )
            away = (
                np.hypot(columns - x, rows - y)
                if "disc" in name
                else np.maximum(abs(columns - x), abs(rows - y))
            )
            pixels[away <= reach], labels[away <= reach] = colour, label
        Image.fromarray(pixels).save(root / f"images/{number:06d}.png", compress_level=1)
        Image.fromarray(labels).save(root / f"labels/{number:06d}.png", compress_level=1)


def command(root: Path, out: Path, model: str) -> list[str]:
    words = [
        "bench",
        "semantic",
        "--data",
        str(root),
        "--model",
        model,
        "--output-dir",
        str(out),
        "--rounds",
        "100",
    ]
    words += ["--input-side", "64"]  # a coarse engine: it is the bench that is measured here
    return [sys.executable, "-c", "from wordmask.doors.cli import main; main()", *words]


def kill_after(root: Path, out: Path, model: str, records: int) -> None:
    """Start, wait for so many records, SIGKILL."""
    process = subprocess.Popen(command(root, out, model), stderr=subprocess.DEVNULL)
    ledger = out / "records.jsonl"
    while process.poll() is None and (
        not ledger.is_file() or ledger.read_bytes().count(b"\n") <= records
    ):
        time.sleep(0.5)
    if process.poll() is not None:
        sys.exit(f"the run ended before it could be killed (exit code {process.returncode})")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=1449)
    parser.add_argument("--width", type=int, default=500)
    parser.add_argument("--model", default="fake")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        root, out = Path(folder) / "data", Path(folder) / "out"
        draw(root, arguments.pictures, arguments.width)
        kill_after(root, out, arguments.model, arguments.pictures // 3)
        subprocess.run(
            command(root, out, arguments.model),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        results = json.loads((out / "results.json").read_text())
    run, peak = results["run"], results["run"]["peak_memory_mb"]
    told = {
        "pictures": len(results["per_picture"]), "measured after the kill": run["measured_now"],
        "seconds after the kill": run["seconds"], "peak MB": peak, "miou": results["metrics"]["miou"],
        "commit": run["commit"], "times": results["times"],
    }  # fmt: skip
    print(json.dumps(told, indent=1))
    rest = arguments.pictures - arguments.pictures // 3
    return 0 if peak < LIMIT_MB and 0 < run["measured_now"] <= rest else 1


if __name__ == "__main__":
    sys.exit(main())
