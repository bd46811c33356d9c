"""The tables of docs/benchmarks.md: every task of `wordmask bench` that a model can do, on the packs.

    scripts/bench tables [--packs DIR] [--model mini] [--out bench] [--only TASK] [--pictures N] [--write]

One command for all of it. A run that is there already is not measured again; one that was killed goes on. With --write
the table goes into docs/benchmarks.md between its markers. On a CPU the figures are the same to the last digit.
"""

import argparse
import json
import re
import sys
from functools import partial
from pathlib import Path
from typing import NamedTuple

from wordmask import engines
from wordmask.errors import CapabilityError
from wordmask.lab.bench import Progress, Run, bench
from wordmask.lab.datasets import open_data
from wordmask.lab.plan import BenchOptions

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/benchmarks.md"
MARKS = ("<!-- table of {model}: made by scripts/bench tables -->", "<!-- end of table -->")


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


def measure(row: Row, arguments: argparse.Namespace) -> str:
    """One line of Markdown."""
    out = arguments.out / arguments.model / row.folder
    options = row.options
    if arguments.pictures:
        options = BenchOptions(**{**vars(options), "num_samples": arguments.pictures})
    head = f"| {row.task} | {row.pack} | {row.options.how} |"
    if (out / "results.json").is_file():
        results = json.loads((out / "results.json").read_text())
    else:
        load = partial(engines.load, arguments.model)
        try:
            results = bench(Run(row.task, open_data(arguments.packs / row.pack), load, out, options, tell))
        except CapabilityError as error:
            return f"{head} - | not possible: {str(error).partition(',')[0]} | - |"
    told = ", ".join(figure(results, name) for name in row.figures)
    return f"{head} {len(results['per_picture'])} | {told} | {results['times']['total']['p50']:.2f} |"


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
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    arguments = parser.parse_args()
    lines = ["| task | data | how | pictures | figures and 95 % intervals | s a picture |", "|---|---|---|---|---|---|"]
    for row in ROWS:
        if arguments.only in (None, row.task):
            sys.stderr.write(f"{row.folder}\n")
            lines.append(measure(row, arguments))
            print(lines[-1], flush=True)
    if arguments.write:
        start, end = (mark.format(model=arguments.model) for mark in MARKS)
        page = PAGE.read_text("utf-8")
        table = "\n".join([start, *lines, end])
        PAGE.write_text(re.sub(re.escape(start) + ".*?" + re.escape(end), lambda _: table, page, flags=re.DOTALL))
    return 0


if __name__ == "__main__":
    sys.exit(main())
