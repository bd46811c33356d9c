"""The tables of docs/benchmarks.md: every task of `wordmask bench` that a model can do, on the packs.

    scripts/bench tables [--packs DIR] [--model mini] [--out bench] [--only TASK] [--pictures N] [--fresh] [--write]

One command for all of it. A run that is there already, of the same weights and pictures, is not measured again; one
that was killed goes on. With --write the tables go into docs/benchmarks.md between their markers, with the ten worst
pictures of the rooms. On a CPU the figures are the same to the last digit.
"""

import argparse
import json
import re
import shutil
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from wordmask import engines
from wordmask.errors import CapabilityError
from wordmask.lab.bench.plan import BenchOptions
from wordmask.lab.bench.run import Progress, Run, bench
from wordmask.lab.data import open_data

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/benchmarks.md"
MARKS = ("<!-- table of {model}: made by scripts/bench tables -->", "<!-- end of table -->")
ROOM_MARKS = ("<!-- rooms of {model}: made by scripts/bench tables -->", "<!-- end of rooms -->")
SHEET = "images/retrieval_worst.jpg"


class Row(NamedTuple):
    """One line of the table."""

    task: str
    pack: str
    figures: tuple[str, ...]
    options: BenchOptions = BenchOptions()

    @property
    def folder(self) -> str:
        return "-".join(filter(None, (self.task, self.pack, self.options.how.replace("auto", ""))))


ROOMS = BenchOptions(words=("chair", "sofa", "bed", "table"))
FEW = BenchOptions(objects=3, num_samples=40)
ROWS = (
    *(Row("semantic", pack, ("miou", "pixel_accuracy", "boundary_iou"), BenchOptions(how="dense"))
      for pack in ("voc", "nyu", "camvid", "ccp", "coco")),
    Row("semantic", "voc", ("miou", "pixel_accuracy", "boundary_iou"), BenchOptions(how="guided")),
    *(Row("instance", pack, ("ap", "ap50", "ar100")) for pack in ("coco", "coco_person")),
    *(Row("panoptic", pack, ("pq", "sq", "rq")) for pack in ("coco", "camvid")),
    Row("retrieval", "nyu", ("miou_auto", "miou_best", "best_threshold"), ROOMS),
    Row("retrieval", "voc", ("miou_auto", "miou_best", "best_threshold")),
    *(Row("clicks", pack, ("miou_1_click", "miou_5_clicks", "noc85", "noc90"), FEW) for pack in ("coco", "davis")),
    *(Row("recognise", pack, ("accuracy", "top5", "box_miou")) for pack in ("coco", "voc", "nyu")),
    Row("video", "davis", ("jf", "j", "f", "stability")),
    Row("depth", "nyu", ("abs_rel", "delta1", "delta2")),
    *(Row("search", pack, ("recall@1", "map", "word_map")) for pack in ("voc", "coco")),
    *(Row("calibration", pack, ("ece", "pixel_ece")) for pack in ("voc", "nyu", "coco")),
)  # fmt: skip


def results_of(row: Row, arguments: argparse.Namespace) -> dict | None:
    """The run's results.json, measured now or before; None where the model cannot do the task."""
    out, options = place(row, arguments), row.options
    if options is not ROOMS:  # drawing takes as long as measuring; the pages show the rooms only
        options = replace(options, show=0)
    if arguments.pictures:
        fewer = min(arguments.pictures, options.num_samples or arguments.pictures)
        options = replace(options, num_samples=fewer)
    if (out / "results.json").is_file():
        return json.loads((out / "results.json").read_text())
    load = partial(engines.load, arguments.model)
    try:
        return bench(Run(row.task, open_data(arguments.packs / row.pack), load, out, options, tell))
    except CapabilityError as error:
        sys.stderr.write(f"not possible: {error}\n")
        return None


def place(row: Row, arguments: argparse.Namespace) -> Path:
    """The run's folder: other weights or another number of pictures are other runs."""
    made_by = (
        "+".join(engines.load(arguments.model).made_by).replace("sha256:", "").replace("/", "-")
    )
    return arguments.out / f"{made_by}-{arguments.pictures or 'all'}" / row.folder


def line(row: Row, results: dict | None) -> str:
    """One line of Markdown."""
    head = f"| {row.task} | {row.pack} | {row.options.how} |"
    if results is None:
        return f"{head} - | the model cannot do this | - |"
    told = ", ".join(figure(results, name) for name in row.figures)
    return (
        f"{head} {len(results['per_picture'])} | {told} | {results['times']['total']['p50']:.2f} |"
    )


def rooms(results: dict, folder: Path) -> list[str]:
    """The words one by one, and the ten worst pictures as a sheet, two strips to a row."""
    lines = [
        "| word | pictures | mean IoU, automatic | mean IoU, best fixed | its threshold |",
        "|---|---|---|---|---|",
    ]
    for word in results["words"]:
        own = results["per_class"][word]
        figures = [
            f"{own[name]:.3f}" if own["pictures"] else "-" for name in ("miou_auto", "miou_best")
        ]
        lines.append(
            f"| {word} | {own['pictures']:.0f} | {' | '.join(figures)} | {own['best_threshold']:.2f} |"
        )
    worst = [picture for picture in results["pictures"] if picture["group"] == "worst"][:10]
    strips = [cv2.imread(str(folder / picture["file"])) for picture in worst]
    width = 600
    small = [
        cv2.resize(s, (width, round(width * s.shape[0] / s.shape[1])), interpolation=cv2.INTER_AREA)
        for s in strips
    ]
    tiles = [
        cv2.copyMakeBorder(s, 0, 6, 0, 6, cv2.BORDER_CONSTANT, value=(255, 255, 255)) for s in small
    ]
    height = max(tile.shape[0] for tile in tiles)
    blank = np.full((height, width + 6, 3), 255, np.uint8)
    cells = [np.vstack([tile, blank[: height - len(tile)]]) for tile in tiles] + [blank] * (
        len(tiles) % 2
    )
    sheet = np.vstack([np.hstack(cells[row : row + 2]) for row in range(0, len(cells), 2)])
    cv2.imwrite(str(PAGE.parent / SHEET), sheet, [cv2.IMWRITE_JPEG_QUALITY, 80])
    named = ", ".join(f"{picture['name']} ({picture['miou_auto']:.2f})" for picture in worst)
    why = ", ".join(
        f"{count} {cause}"
        for cause, count in results["curves"]["why the failures failed"]["values"].items()
    )
    lines += [
        "",
        f"![The worst rooms]({SHEET})",
        "",
        f"The worst, by row: {named}. Picture, truth, answer, difference",
    ]
    lines[-1] += " (green right, red wrong, orange missed, grey not scored)."
    return [*lines, f"Answers below IoU 0.5, by what makes them hard: {why}."]


def figure(results: dict, name: str) -> str:
    value, (low, high) = results["metrics"][name], results["intervals"][name]
    if value is None:
        return f"{name} -"
    return f"{name} **{value:.3f}**" + ("" if low is None else f" [{low:.3f}, {high:.3f}]")


def tell(progress: Progress) -> None:
    sys.stderr.write(f"\r  {progress.line()}\x1b[K")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--packs", type=Path, default=ROOT.parent / "shared/data/eval")
    parser.add_argument("--model", default="mini")
    parser.add_argument("--out", type=Path, default=Path("bench"))
    parser.add_argument("--only", help="only this task")
    parser.add_argument("--pictures", type=int, help="only so many pictures of each set")
    parser.add_argument("--fresh", action="store_true", help="measure again what is there already")
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    arguments = parser.parse_args()
    lines = [
        "| task | data | how | pictures | figures and 95 % intervals | s a picture |",
        "|---|---|---|---|---|---|",
    ]
    studied: list[str] = []
    for row in ROWS:
        if arguments.only not in (None, row.task):
            continue
        sys.stderr.write(f"\n{row.folder}\n")
        folder = place(row, arguments)
        if arguments.fresh:
            shutil.rmtree(folder, ignore_errors=True)
        results = results_of(row, arguments)
        lines.append(line(row, results))
        print(lines[-1], flush=True)
        if results is not None and row.options is ROOMS and arguments.write:
            studied = rooms(results, folder)
    if arguments.write:
        some = f" --pictures {arguments.pictures}" if arguments.pictures else ""
        made_by = " and ".join(engines.load(arguments.model).made_by)
        lines = [f"Made by `scripts/bench tables{some} --write` on `{made_by}`.", "", *lines]
        put(MARKS, lines, arguments.model)
        if studied:
            put(ROOM_MARKS, studied, arguments.model)
    return 0


def put(marks: tuple[str, str], lines: list[str], model: str) -> None:
    """Into the page between two marks."""
    start, end = (mark.format(model=model) for mark in marks)
    page = PAGE.read_text("utf-8")
    pattern = re.escape(start) + ".*?" + re.escape(end)
    if not re.search(pattern, page, re.DOTALL):
        sys.exit(f"{PAGE} has no block from {start} to {end}")
    block = "\n".join([start, *lines, end])
    PAGE.write_text(re.sub(pattern, lambda _: block, page, flags=re.DOTALL), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
