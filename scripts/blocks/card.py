"""Blocks of docs/model-card.md: quality, speed, reliability, and where it fails."""

from typing import Any

from page import IMAGES, Request, machine, made_by, markdown, rows_of, save_plot

from wordmask import engines
from wordmask.core.prompts import Text
from wordmask.engines.mini.files import FILES
from wordmask.lab.bench.photographs import photograph
from wordmask.lab.bench.suites.quality import FIGURES
from wordmask.media.drawing import render
from wordmask.tasks.segment import segment

# Photograph of scikit-image, words, what goes wrong.
FAILURES = (
    (
        "coffee.png",
        ("cup", "spoon", "table", "saucer"),
        "A word that it never learned is missed, and a neighbour takes it: the cup the saucer",
    ),
    (
        "rocket.jpg",
        ("rocket", "sky"),
        "What classes find takes in what looks like it: the towers beside the rocket",
    ),
    ("page.png", ("letter", "paper"), "Print: letters are not things to it"),
)


def quality(request: Request) -> str | None:
    """The whole table with intervals; what is below its floor carries a mark."""
    results = request.suite("quality")
    if results is None:
        return None
    by_set: dict[str, dict[str, Any]] = {}
    for row in rows_of(results, "quality"):
        by_set.setdefault(row["set"], {})[row["figure"]] = row
    lines = [
        [name, *(_cell(found.get(figure)) for figure in FIGURES)] for name, found in by_set.items()
    ]
    return (
        f"{markdown(['eval pack', *FIGURES], lines)}\n\n"
        f"Made by `{made_by(results)}` on {machine(results)}. A figure marked * is below the floor "
        "that we set ourselves for this model."
    )


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    mark = "*" if row["floor"] is not None and row["value"] < row["floor"] else ""
    return f"{row['value']:.3f}{mark} ({row['low']:.2f} to {row['high']:.2f})"


def speed(request: Request) -> str | None:
    results = request.suite("speed")
    if results is None:
        return None
    seconds = results["metrics"]
    size = sum(path.stat().st_size for path in FILES.iterdir() if path.suffix != ".py")
    ratio = seconds["words_1000_s"] / seconds["words_10_s"]
    lines = [
        ["10 words on a 640 x 480 picture, warm", f"{seconds['words_10_s']:.2f} s"],
        ["the same and their regions cut, on photographs", f"{seconds['segment_10_s']:.2f} s"],
        ["1,000 words instead of 10", f"{ratio:.2f} x the time"],
        ["a click on an encoded picture", f"{1000 * seconds['click_s']:.0f} ms"],
        ["files in the package", f"{size / 1e6:.1f} MB"],
    ]
    return markdown(["", ""], lines)


def reliability(request: Request) -> str | None:
    results = request.suite("reliability")
    if results is None:
        return None
    save_plot("mini_reliability", results["curves"]["reliability of regions"])
    metrics, count = results["metrics"], results["options"]["pictures"]
    return (
        "![How often a region of each score is right](images/mini_reliability.svg)\n\n"
        f"{metrics['regions']:.0f} regions of {count} pictures of each evaluation pack, no "
        "threshold; a region is right where most of its pixels are its word. Expected calibration "
        f"error {metrics['ece']:.3f}."
    )


def failures(request: Request) -> str:
    """Pictures on which it does badly."""
    models = engines.load(request.model)
    parts = []
    for name, words, what in FAILURES:
        image = photograph(name)
        result = segment(image, Text(words), models).replace(image=image)
        stem = name.partition(".")[0]
        render.show(result, IMAGES / f"mini_fails_{stem}.jpg")
        picture = f"![{stem}](images/mini_fails_{stem}.jpg)"
        parts.append(f"{what} (asked for {', '.join(words)}):\n\n{picture}")
    return "\n\n".join(parts)
