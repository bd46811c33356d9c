"""The measured parts of docs/model-card.md and docs/training.md, from files that benches and training leave.

    scripts/bench quality --json quality.json
    python scripts/model_card.py --quality quality.json --log run/log.jsonl --data ../shared/data/eval

Tables go between `<!-- NAME -->` and `<!-- end of NAME -->`; the reliability diagram, the learning curves and the
gallery of failures (scikit-image's photographs, which are free) go to docs/images.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np
import skimage
from bench_quality import FLOORS, read_set

from wordmask import engines
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.engines.mini.files import FILES
from wordmask.files import atomic
from wordmask.lab.bench.plots import plot
from wordmask.lab.metrics import calibration
from wordmask.lab.training.calibrate import judge
from wordmask.media.drawing import render
from wordmask.media.reading.read import read
from wordmask.tasks.segment import SegmentOptions, segment

DOCS = Path(__file__).resolve().parent.parent / "docs"
COLUMNS = ("words", "segment", "click", "box", "naming", "depth")
# photograph of scikit-image, words, what goes wrong
FAILURES = (
    (
        "coffee",
        ("cup", "spoon", "table", "saucer"),
        "Close-ups: cup, saucer and spoon fall into pieces",
    ),
    ("rocket", ("rocket", "sky", "tower"), "Things that no training set names"),
    ("page", ("letter", "paper"), "Print: letters are not things to it"),
)


def fill(page: Path, name: str, text: str) -> None:
    """Put `text` between the page's markers of this name."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    old = page.read_text("utf-8")
    found = re.search(f"{re.escape(start)}.*?{re.escape(end)}", old, re.DOTALL)
    if not found:
        raise SystemExit(f"{page} has no block {start} ... {end}")
    new = old[: found.start()] + f"{start}\n{text}\n{end}" + old[found.end() :]
    with atomic(page) as temporary:
        temporary.write_text(new, "utf-8")


def figures_table(report: dict) -> str:
    """The whole table, with intervals; what is below the floor of issue 4 is said to be."""
    lines = [f"| eval pack | {' | '.join(COLUMNS)} |", f"|---|{'---|' * len(COLUMNS)}"]
    for name, found in report["sets"].items():
        cells = [_cell(found.get(c), FLOORS.get((name, c))) for c in COLUMNS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    made = f"Weights {report['weights']}, {report['machine']}."
    return "\n".join(
        [
            *lines,
            "",
            f"{made} A figure marked * is below the floor that we set ourselves for this model.",
        ]
    )


def _cell(found: dict | None, floor: float | None) -> str:
    if found is None:
        return ""
    short = "*" if floor is not None and found["value"] < floor else ""
    return f"{found['value']:.3f}{short} ({found['low']:.2f} to {found['high']:.2f})"


def speed_table(report: dict) -> str:
    seconds, size = (
        report["seconds"],
        sum(p.stat().st_size for p in FILES.iterdir() if p.suffix != ".py"),
    )
    rows = [
        ("10 words on a 640 x 480 picture, warm", f"{seconds['words_10']:.2f} s"),
        (
            "1,000 words instead of 10",
            f"{seconds['words_1000'] / seconds['words_10']:.2f} x the time",
        ),
        ("a click on an encoded picture", f"{1000 * seconds['click']:.0f} ms"),
        ("files in the package", f"{size / 1e6:.1f} MB"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)])


def reliability(models: Models, data: Path, pictures: int) -> str:
    """Regions of the evaluation packs: the score that they were given against how often such a region is right."""
    found = []
    for name in ("coco", "voc", "nyu", "camvid"):
        words, truths = read_set(data / name, pictures)
        for truth in truths:
            result = segment(truth.image, Text(words), models, SegmentOptions(min_confidence=0.0))
            found += judge(result, truth.labels)
    sums = calibration.bins(
        np.array([r.score for r in found]), np.array([r.right for r in found]), count=10
    )
    used = sums[sums[:, 0] > 0]
    curve = {
        "kind": "points",
        "x": (used[:, 1] / used[:, 0]).tolist(),
        "y": (used[:, 2] / used[:, 0]).tolist(),
    }
    save_plot(
        "mini_reliability",
        curve | {"size": used[:, 0].tolist(), "labels": ("score", "share right")},
    )
    ece = calibration.figures(sums)["ece"]
    return (
        f"![How often a region of each score is right](images/mini_reliability.svg)\n\n"
        f"{len(found)} regions of {pictures} pictures of each evaluation pack, no threshold; a region is right where "
        f"most of its pixels are its word. Expected calibration error {ece:.3f}."
    )


def failures(models: Models) -> str:
    """Overlays of pictures on which it does badly."""
    lines = []
    for name, words, what in FAILURES:
        (path,) = (Path(skimage.__file__).parent / "data").glob(f"{name}.*")
        image = read(path)
        result = segment(image, Text(words), models).replace(image=image)
        render.show(result, DOCS / f"images/mini_fails_{name}.jpg")
        lines.append(
            f"{what} (asked for {', '.join(words)}):\n\n![{name}](images/mini_fails_{name}.jpg)\n"
        )
    return "\n".join(lines).rstrip()


def curves(logs: list[Path]) -> str:
    """Losses over the minutes of all runs laid end to end."""
    parts, minutes, before = ("points", "regions", "masks"), [], 0.0
    rows: dict[str, list[float]] = {name: [] for name in (*parts, "iou")}
    for log in logs:
        own = [json.loads(line) for line in log.read_text().splitlines()]
        for k in range(0, len(own) - 4, 5):
            minutes.append(before + own[k + 4]["minutes"])
            for name, row in rows.items():
                row.append(float(np.mean([line[name] for line in own[k : k + 5]])))
        before = minutes[-1]
    curve = {"kind": "lines", "x": minutes, "y": rows, "labels": ("minutes", "loss; IoU of cuts")}
    save_plot("mini_curves", curve)
    return "![Losses and the IoU of cuts over the minutes of training](images/mini_curves.svg)"


def save_plot(name: str, curve: dict) -> None:
    """A figure as a file of its own: white ground, its own font."""
    svg = re.search("<svg.*</svg>", plot("", curve), re.DOTALL)
    if svg is None:
        raise SystemExit(f"nothing was drawn for {name}")
    style = 'xmlns="http://www.w3.org/2000/svg" width="640" font-family="sans-serif" font-size="11"'
    ground = 'style="background:#fff"'
    with atomic(DOCS / f"images/{name}.svg") as temporary:
        temporary.write_text(svg[0].replace("<svg", f"<svg {style} {ground}", 1), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quality", type=Path, required=True)
    parser.add_argument("--log", type=Path, action="append", default=[])
    parser.add_argument("--data", type=Path, required=True, help="the evaluation packs")
    parser.add_argument(
        "--pictures", type=int, default=20, help="of each pack, for the reliability diagram"
    )
    args = parser.parse_args()
    report, models = json.loads(args.quality.read_text()), engines.load("mini")
    card = DOCS / "model-card.md"
    fill(card, "figures", figures_table(report))
    fill(card, "speed", speed_table(report))
    fill(card, "reliability", reliability(models, args.data, args.pictures))
    fill(card, "failures", failures(models))
    if args.log:
        fill(DOCS / "training.md", "curves", curves(args.log))


if __name__ == "__main__":
    main()
