"""The four ways from words to masks side by side: quality, prompts, passes, seconds, memory.

Each way runs in a process of its own over the same pictures, evenly spread over the set. `blind` is
`everything` with a full grid, 64 points along the longer side, the figure that guided prompting is
measured against; it costs `mini` about 35 seconds of processor time a picture, all the others
together about 12. mIoU over the set's words and "none of these", classes that truth or answer show.
A mean over few pictures compares the ways with each other, not with papers. One photograph is drawn
in all four ways.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Interval

from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.lab.bench.alone import run_alone
from wordmask.lab.bench.photographs import photograph
from wordmask.lab.bench.provenance import peak_memory_mb
from wordmask.lab.bench.suite import (
    Findings,
    FindingTable,
    ModelLoader,
    Suite,
    SuiteKit,
    SuiteOptions,
)
from wordmask.lab.bench.suites.speed import TEN, thousand_words
from wordmask.lab.bench.word_truth import open_pack, read_words, spread_samples
from wordmask.lab.metrics import semantic
from wordmask.media.drawing.overlay import overlay
from wordmask.media.drawing.sheets import contact_sheet
from wordmask.media.writing import write_picture
from wordmask.tasks.dense import DenseOptions, label
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import SegmentOptions, segment, segment_view

Way = Literal["unified", "guided", "everything", "grounded", "blind"]
WAYS = {
    "unified": SegmentOptions(how="unified"),
    "guided": SegmentOptions(how="guided"),
    "everything": SegmentOptions(how="everything"),
    "grounded": SegmentOptions(how="grounded"),
    "blind": SegmentOptions(how="everything", points_per_side=64, adaptive=False),
}
PHOTOGRAPH, WORDS = "astronaut.png", ("person",)
PICTURE = "ways.jpg"
SIDE = 400  # pixels of a tile

Row = dict[str, Any]


@dataclass(frozen=True)
class WaysOptions(SuiteOptions):
    """What is measured, on what."""

    data: Path = Path("packs/eval")
    """Folder in which the data sets lie."""
    sets: tuple[str, ...] = ("coco", "nyu")
    """The data sets, each a folder in it."""
    pictures: Annotated[int, Ge(1)] = 6
    """Pictures of each set, evenly spread."""
    model: str = "mini"
    """Engine, or several joined by +."""
    ways: tuple[Way, ...] = ("unified", "guided", "everything", "grounded", "blind")
    """Which ways; the full grid, blind, takes by far the longest."""
    rounds: Annotated[int, Ge(1)] = 7
    """Runs with few and with many words, in turns; the median counts."""
    many: Annotated[int, Interval(ge=11, le=1000)] = 1000
    """How many words are many."""


class WaysSuite(Suite[WaysOptions]):
    name = "ways"
    about = "the four ways from words to masks: quality, prompts, seconds, memory"
    options = WaysOptions

    def run(self, kit: SuiteKit[WaysOptions]) -> Findings:
        options = kit.options
        sets = [open_pack(options.data, name) for name in options.sets]
        rows: list[Row] = []
        for name in options.sets:
            for way in options.ways:
                kit.say(f"{name}, {way}")
                rows.append(run_alone(measure_way, kit.load, options, name, way))
        kit.say("a thousand words")
        cost = run_alone(words_cost, kit.load, options)
        kit.say(PHOTOGRAPH)
        models = kit.load(options.model)
        shown = draw_ways(models, options.ways, kit.output / PICTURE)
        verdicts = []
        if {"guided", "blind"} <= set(options.ways):
            verdicts = [f"{name}, {verdict(rows, name)}" for name in options.sets]
        metrics = {f"{row['set']}.{row['way']}.miou": row["miou"] for row in rows}
        return Findings(
            metrics=metrics | cost,
            tables={"ways": FindingTable.of(rows), PHOTOGRAPH: FindingTable.of(shown)},
            verdicts=[*verdicts, words_verdict(cost, options.many)],
            models=[models],
            data=sets,
            pictures=[PICTURE],
        )


def measure_way(load: ModelLoader, options: WaysOptions, name: str, way: str) -> Row:
    """Means per picture of one way over one set, warm."""
    models, data = load(options.model), open_pack(options.data, name)
    words, chosen = Text(data.words), WAYS[way]
    sums = np.zeros((len(data.words) + 1, 3), np.int64)
    costs: list[tuple[float, ...]] = []
    for sample in spread_samples(data, options.pictures):
        picture = read_words(data, sample)
        if not costs:  # warm up on another picture and with a grid of few points
            corner = Image(np.ascontiguousarray(picture.image.pixels[:-1]))
            segment(corner, words, models, replace(chosen, points_per_side=4))
        trace, wall, cpu = Trace(), time.perf_counter(), time.process_time()
        labels = segment(picture.image, words, models, chosen, trace).label_map()
        seconds = time.perf_counter() - wall, time.process_time() - cpu
        costs.append((trace.prompts, trace.encodings, *seconds))
        labels[labels < 0] = len(data.words)
        sums += semantic.totals(semantic.confusion(picture.labels, labels, len(data.words) + 1))
    means = np.mean(costs, 0).tolist()
    return {
        "set": name,
        "pictures": len(costs),
        "way": way,
        "miou": semantic.figures(sums)["miou"],
        **dict(zip(("prompts", "passes", "seconds", "processor"), means, strict=True)),
        "peak_mb": peak_memory_mb(),
    }


def words_cost(load: ModelLoader, options: WaysOptions) -> dict[str, float]:
    """Median processor seconds on one picture with ten and with many words."""
    models = load(options.model)
    data = open_pack(options.data, options.sets[0])
    image = data.image(spread_samples(data, 1)[0])
    lists = {"few": TEN, "many": thousand_words()[: options.many]}
    found = {}
    for name, work in (("guided", _segment_guided), ("dense", _label_pixels)):
        turns = [
            time_lists(work, image, models, list(lists.values())) for _ in range(options.rounds + 1)
        ]
        medians = np.median(turns[1:], 0).tolist()  # the first turn warms the text bank
        for kind, seconds in zip(lists, medians, strict=True):
            found[f"{name}_{kind}_words_s"] = seconds
    return found


def _segment_guided(image: Image, words: tuple[str, ...], models: Models) -> None:
    segment(image, Text(words), models, WAYS["guided"])


def _label_pixels(image: Image, words: tuple[str, ...], models: Models) -> None:
    label(image, Text(words), models, DenseOptions())


def time_lists(
    work: Callable[[Image, tuple[str, ...], Models], None],
    image: Image,
    models: Models,
    lists: Sequence[tuple[str, ...]],
) -> list[float]:
    """Processor seconds with each list, encoding included."""
    spent = []
    for words in lists:
        start = time.process_time()
        work(image, words, models)
        spent.append(time.process_time() - start)
    return spent


def draw_ways(models: Models, ways: Sequence[str], path: Path) -> list[Row]:
    """The photograph in all ways, as one picture; what each took, the encoding aside."""
    image, words = photograph(PHOTOGRAPH), Text(WORDS)
    segment(image, words, models)  # warm
    tiles: list[Any] = []
    rows: list[Row] = []
    names = [way for way in ways if way != "blind"]
    for way in names:
        view = View(image, models, Trace())
        _ = view.encoding, view.features
        start = time.process_time()
        result = segment_view(view, words, WAYS[way])
        seconds = time.process_time() - start
        tiles.append(overlay(image, result))
        rows.append(
            {
                "way": way,
                "regions": len(result),
                "prompts": view.trace.prompts,
                "processor": seconds,
            }
        )
    sheet = contact_sheet(tiles, names, columns=len(tiles), cell=SIDE).convert("RGB")
    write_picture(path, np.asarray(sheet), quality=82)
    return rows


def verdict(rows: list[Row], name: str) -> str:
    """Guided against the blind grid: wanted are 1/13 of its prompts, 1/6 of its time, its mIoU."""
    by_way = {row["way"]: row for row in rows if row["set"] == name}
    guided, blind = by_way["guided"], by_way["blind"]
    prompts, seconds = (blind[key] / max(guided[key], 1e-9) for key in ("prompts", "seconds"))
    better = guided["miou"] - blind["miou"]
    met = prompts >= 13 and seconds >= 6 and better >= 0
    figures = f"1/{prompts:.0f} of the prompts, 1/{seconds:.0f} of the time, mIoU {better:+.3f}"
    wanted = f"wanted 1/13, 1/6, not below 0: {'met' if met else 'MISSED'}"
    return f"guided against blind: {figures} ({wanted})"


def words_verdict(cost: dict[str, float], count: int) -> str:
    """Many words are wanted in less than 1.3 times the time of ten."""
    parts, met = [], True
    for way in ("guided", "dense"):
        few, many = cost[f"{way}_few_words_s"], cost[f"{way}_many_words_s"]
        parts.append(f"{way} {many / few:.2f} x ({few:.2f} s, {many:.2f} s)")
        met = met and many < 1.3 * few
    figures = f"{count:,} words against 10, processor time, text bank warm: {', '.join(parts)}"
    return f"{figures} (wanted below 1.3 x: {'met' if met else 'MISSED'})"
