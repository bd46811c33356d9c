"""The four ways from words to masks side by side: quality, prompts, encoder passes, seconds, peak memory.

    scripts/bench ways [--data DIR] [--sets coco,nyu] [--pictures 6] [--model mini] [--json FILE] [--write]

Each way runs in a process of its own over the same pictures, evenly spread over the set. `blind` is `everything` with a
full grid, 64 points along the longer side, the figure that guided prompting is measured against; it costs `mini` about
90 seconds of processor time a picture, all the others together about 30. mIoU over the set's words and "none of these",
classes that truth or answer show. A mean over few pictures compares the ways with each other, not with papers. At the
end: the time for 1,000 words against 10, text bank warm. --write puts it all into docs/ways.md.
"""

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from bench_quality import read_set

from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.lab.metrics import semantic
from wordmask.tasks.dense import DenseOptions, label
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.segment import SegmentOptions, segment

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/ways.md"
START, END = (
    "<!-- figures of the ways: made by scripts/bench ways --write -->",
    "<!-- end of figures -->",
)
WAYS = {
    "unified": SegmentOptions(how="unified"),
    "guided": SegmentOptions(how="guided"),
    "everything": SegmentOptions(how="everything"),
    "grounded": SegmentOptions(how="grounded"),
    "blind": SegmentOptions(how="everything", points_per_side=64, adaptive=False),
}
TEN = ("dog", "cat", "person", "car", "tree", "sky", "grass", "chair", "table", "road")
ROUNDS = 7

Figures = dict[str, float]


def measure(way: str, folder: Path, pictures: int, model: str) -> Figures:
    """Means per picture of one way over one set, warm."""
    models = engines.load(model)
    words, truths = read_set(folder, pictures)
    sums = np.zeros((len(words) + 1, 3), np.int64)
    rows: list[tuple[float, ...]] = []
    for truth in truths:
        if not rows:  # warm up: another picture, so that its encoding is not remembered, and a grid of few points
            corner = Image(np.ascontiguousarray(truth.image.pixels[:-1]))
            segment(corner, Text(words), models, replace(WAYS[way], points_per_side=4))
        trace, start, busy = Trace(), time.perf_counter(), time.process_time()
        labels = segment(truth.image, Text(words), models, WAYS[way], trace).label_map()
        rows.append(
            (
                trace.prompts,
                trace.encodings,
                time.perf_counter() - start,
                time.process_time() - busy,
            )
        )
        labels[labels < 0] = len(words)
        sums += semantic.totals(semantic.confusion(truth.labels, labels, len(words) + 1))
    figures = dict(
        zip(("prompts", "passes", "seconds", "busy"), np.mean(rows, 0).tolist(), strict=True)
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "miou": semantic.figures(sums)["miou"],
        **figures,
        "peak_mib": peak,
        "pictures": len(rows),
    }


def words_cost(folder: Path, model: str) -> Figures:
    """Median seconds on one picture with 10 and with 1,000 words, in turns, the picture encoded anew each time."""
    models = engines.load(model)
    with np.load(Path(engines.__file__).parent / "mini_files/words.npz") as table:
        common = [word for word in str(table["names"]).split("\n") if word not in TEN]
    thousand = TEN + tuple(common[:: len(common) // 990][:990])
    truth = next(read_set(folder, 1)[1])
    return {
        f"{name}_{count}": seconds
        for name, function in (("guided", _guided), ("dense", _dense))
        for count, seconds in zip(
            (10, 1000), _in_turns(function, truth.image, models, (TEN, thousand)), strict=True
        )
    }


def _guided(image: Image, words: tuple[str, ...], models: Models) -> None:
    segment(image, Text(words), models, WAYS["guided"])


def _dense(image: Image, words: tuple[str, ...], models: Models) -> None:
    label(image, Text(words), models, DenseOptions())


def _in_turns(
    function: Callable[[Image, tuple[str, ...], Models], None],
    image: Image,
    models: Models,
    lists: tuple[tuple[str, ...], ...],
) -> list[float]:
    """Processor seconds of each list: the medians over rounds, after one round that warms the text bank."""
    spent = []
    for _ in range(ROUNDS + 1):
        row = []
        for words in lists:
            start = time.process_time()
            function(image, words, models)
            row.append(time.process_time() - start)
        spent.append(row)
    medians: list[float] = np.median(spent[1:], 0).tolist()
    return medians


def compare(arguments: argparse.Namespace) -> dict[str, dict[str, Figures]]:
    """Every way in its own process, so that peak memory is its own."""
    table: dict[str, dict[str, Figures]] = {}
    for name in arguments.sets.split(","):
        print(f"\n{name}, {arguments.pictures} pictures, {arguments.model}")
        print(
            f"{'way':<12}{'mIoU':>8}{'prompts':>10}{'passes':>8}{'seconds':>9}{'of cores':>10}{'peak MiB':>10}"
        )
        for way in WAYS:
            row = table.setdefault(name, {})[way] = alone(arguments, way, name)
            figures = f"{row['miou']:>8.3f}{row['prompts']:>10.0f}{row['passes']:>8.1f}{row['seconds']:>9.2f}"
            print(f"{way:<12}{figures}{row['busy']:>10.2f}{row['peak_mib']:>10.0f}", flush=True)
        print(verdict(table[name]))
    first = arguments.sets.partition(",")[0]
    table["words"] = {"cost": alone(arguments, "words", first)}
    print(told_words(table["words"]["cost"]))
    return table


def alone(arguments: argparse.Namespace, what: str, name: str) -> Figures:
    command = [sys.executable, __file__, "--one", what, "--sets", name, "--model", arguments.model]
    command += ["--data", str(arguments.data), "--pictures", str(arguments.pictures)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if answer.returncode:
        sys.exit(f"{what} on {name} failed, see above")
    figures: Figures = json.loads(answer.stdout.splitlines()[-1])
    return figures


def verdict(rows: dict[str, Figures]) -> str:
    """Guided against the blind grid, in the issue's terms: 1/13 of the prompts, 1/6 of the time, mIoU as good."""
    guided, blind = rows["guided"], rows["blind"]
    prompts, seconds = (blind[key] / max(guided[key], 1e-9) for key in ("prompts", "seconds"))
    better = guided["miou"] - blind["miou"]
    met = prompts >= 13 and seconds >= 6 and better >= 0
    figures = f"1/{prompts:.0f} of the prompts, 1/{seconds:.0f} of the time, mIoU {better:+.3f}"
    return f"guided against blind: {figures} (wanted 1/13, 1/6, not below 0: {'met' if met else 'MISSED'})"


def told_words(cost: Figures) -> str:
    parts = []
    for way in ("guided", "dense"):
        few, many = cost[f"{way}_10"], cost[f"{way}_1000"]
        parts.append(f"{way} {many / few:.2f} x ({few:.2f} s, {many:.2f} s)")
    met = all(cost[f"{way}_1000"] < 1.3 * cost[f"{way}_10"] for way in ("guided", "dense"))
    told = f"1,000 words against 10, processor time, text bank warm: {', '.join(parts)}"
    return f"{told} (wanted below 1.3 x: {'met' if met else 'MISSED'})"


def block(table: dict[str, dict[str, Figures]], arguments: argparse.Namespace) -> str:
    """The same as Markdown."""
    made_by = " and ".join(engines.load(arguments.model).made_by)
    lines = [
        START,
        f"Made by `scripts/bench ways --pictures {arguments.pictures} --write` on `{made_by}`, {os.cpu_count()} cores "
        f"({platform.machine()}), all words of the set asked for at once. "
        "`blind` is `everything` on a full grid, 64 points along the longer side.",
        "Few pictures: they compare the ways with each other, not with papers.",
        "",
        "| data | way | mIoU | prompts | encoder passes | s a picture | processor s | peak MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    sets = {name: rows for name, rows in table.items() if name != "words"}
    for name, rows in sets.items():
        for way, row in rows.items():
            lines.append(
                f"| {name}, {row['pictures']} pictures | `{way}` | {row['miou']:.3f} | {row['prompts']:.0f} | "
                f"{row['passes']:.0f} | {row['seconds']:.2f} | {row['busy']:.2f} | {row['peak_mib']:.0f} |"
            )
    lines += ["", *(f"- {name}, {verdict(rows)}" for name, rows in sets.items())]
    return "\n".join([*lines, f"- {told_words(table['words']['cost'])}", END])


def write(text: str) -> None:
    """Into docs/ways.md between the marks."""
    page = PAGE.read_text("utf-8")
    pattern = re.escape(START) + ".*?" + re.escape(END)
    if not re.search(pattern, page, re.DOTALL):
        sys.exit(f"{PAGE} has no block from {START} to {END}")
    PAGE.write_text(re.sub(pattern, lambda _: text, page, flags=re.DOTALL), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/eval")
    parser.add_argument("--sets", default="coco,nyu")
    parser.add_argument("--pictures", type=int, default=6)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help="into docs/ways.md")
    parser.add_argument("--one", choices=[*WAYS, "words"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(
            f"skipped: there is no data at {arguments.data}; name a folder of packs with --data"
        )
    if arguments.one:
        folder, model = arguments.data / arguments.sets, arguments.model
        words = arguments.one == "words"
        row = (
            words_cost(folder, model)
            if words
            else measure(arguments.one, folder, arguments.pictures, model)
        )
        print(json.dumps(row))
        return
    table = compare(arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1))
    if arguments.write:
        write(block(table, arguments))


if __name__ == "__main__":
    main()
