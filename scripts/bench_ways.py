"""The four ways from words to masks side by side: quality, prompts, encoder passes, seconds, peak memory.

    scripts/bench ways [--data ../shared/data/eval] [--sets coco,nyu] [--pictures 12] [--model mini] [--json FILE]

Each way runs in a process of its own over the same pictures, evenly spread over the set. `blind` is `everything` with a
full 64 x 64 grid, the figure that guided prompting is measured against. mIoU over the set's words and "none of these",
classes that truth or answer show. A mean over few pictures compares the ways with each other, not with papers.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from bench_quality import read_set

from wordmask import engines
from wordmask.core.prompts import Text
from wordmask.lab.metrics import semantic
from wordmask.tasks.segment import SegmentOptions, segment
from wordmask.tasks.trace import Trace

WAYS = {
    "unified": SegmentOptions(how="unified"),
    "guided": SegmentOptions(how="guided"),
    "everything": SegmentOptions(how="everything"),
    "grounded": SegmentOptions(how="grounded"),
    "blind": SegmentOptions(how="everything", points_per_side=64, adaptive=False),
}


def measure(way: str, folder: Path, pictures: int, model: str) -> dict[str, float]:
    """Means per picture of one way over one set, after one picture to warm up."""
    models = engines.load(model)
    words, truths = read_set(folder, pictures)
    sums = np.zeros((len(words) + 1, 3), np.int64)
    rows: list[tuple[float, float, float]] = []
    for number, truth in enumerate(truths):
        for _ in range(2 if number == 0 else 1):
            trace, start = Trace(), time.perf_counter()
            labels = segment(truth.image, Text(words), models, WAYS[way], trace).label_map()
            spent = time.perf_counter() - start
        labels[labels < 0] = len(words)
        sums += semantic.totals(semantic.confusion(truth.labels, labels, len(words) + 1))
        rows.append((trace.prompts, trace.encodings, spent))
    prompts, passes, seconds = np.mean(rows, 0).tolist()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "miou": semantic.figures(sums)["miou"],
        "prompts": prompts,
        "passes": passes,
        "seconds": seconds,
        "peak_mib": peak,
        "pictures": len(rows),
    }


def compare(arguments: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    """Every way in its own process, so that peak memory is its own."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    for name in arguments.sets.split(","):
        print(f"\n{name}, {arguments.pictures} pictures, {arguments.model}")
        print(f"{'way':<12}{'mIoU':>8}{'prompts':>10}{'passes':>8}{'seconds':>9}{'peak MiB':>10}")
        for way in WAYS:
            command = [sys.executable, __file__, "--one", way, "--sets", name, "--model", arguments.model]
            command += ["--data", str(arguments.data), "--pictures", str(arguments.pictures)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True)
            row = json.loads(answer.stdout.splitlines()[-1])
            table.setdefault(name, {})[way] = row
            figures = f"{row['miou']:>8.3f}{row['prompts']:>10.0f}{row['passes']:>8.1f}{row['seconds']:>9.2f}"
            print(f"{way:<12}{figures}{row['peak_mib']:>10.0f}", flush=True)
        guided, blind = table[name]["guided"], table[name]["blind"]
        saved = f"{blind['prompts'] / max(1, guided['prompts']):.0f} x fewer prompts"
        print(f"guided against blind: {saved}, {blind['seconds'] / guided['seconds']:.1f} x faster")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared/data/eval")
    parser.add_argument("--sets", default="coco,nyu")
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(f"skipped: there is no data at {arguments.data}; name a folder of packs with --data")
    if arguments.one:
        row = measure(arguments.one, arguments.data / arguments.sets, arguments.pictures, arguments.model)
        print(json.dumps(row))
        return
    table = compare(arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
