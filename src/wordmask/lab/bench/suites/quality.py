"""How good the masks of a model are, over several data sets: the table of the model card.

Whole pictures at their own size. `words`: the label of every pixel among the set's words and,
where the set leaves things unlabelled, "none of these"; mIoU over the classes that truth or answer
show. `segment`: the same from the regions of tasks.segment, which name every pixel of a set that
names every pixel. Cuts: annotated instances, or connected
pieces of a class, of more than 400 pixels; one click = the region's innermost point, box = its
tight box; of the candidates the one that the engine thinks best. `naming`: the cut of a box among
the set's words, as tasks.click names it. `depth`: absolute relative error after the best scale and
shift. Intervals: 95 %, bootstrap over pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from annotated_types import Ge

from wordmask.core.image import Array
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.protocols import Dense, DepthModel, PromptBatch, Segmenter
from wordmask.lab.bench.suite import Findings, FindingTable, Suite, SuiteKit, SuiteOptions
from wordmask.lab.bench.word_truth import (
    WordTruth,
    has_none,
    open_pack,
    read_words,
    spread_samples,
)
from wordmask.lab.data import Dataset
from wordmask.lab.metrics import bootstrap, semantic
from wordmask.lab.metrics.weighting import weighted_sum
from wordmask.ops import regions
from wordmask.ops.resample import bilinear
from wordmask.tasks.click import name_masks
from wordmask.tasks.dense import DenseOptions, label_view
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import SegmentOptions, segment_view

LEAST = 400  # pixels; smaller regions are not cut
ROUNDS = 300  # resamples behind an interval
FIGURES = ("words", "segment", "click", "box", "naming", "depth")
# What we set ourselves for the embedded model.
WORD_FLOORS = {"coco": 0.26, "voc": 0.48, "nyu": 0.26, "camvid": 0.55, "ccp": 0.12}
FLOORS = {(name, how): floor for name, floor in WORD_FLOORS.items() for how in ("words", "segment")}
FLOORS |= {
    ("coco", "click"): 0.47,
    ("voc", "click"): 0.50,
    ("coco", "box"): 0.70,
    ("coco", "naming"): 0.64,
}


@dataclass(frozen=True)
class QualityOptions(SuiteOptions):
    """What is measured, on what."""

    data: Path = Path("packs/eval")
    """Folder in which the data sets lie."""
    sets: tuple[str, ...] = ("coco", "voc", "nyu", "camvid", "ccp")
    """The data sets, each a folder in it."""
    pictures: Annotated[int, Ge(0)] = 0
    """At most so many pictures of each set, evenly spread; 0 = all."""
    model: str = "mini"
    """Engine, or several joined by +."""


@dataclass
class QualityCounts:
    """What was counted in each picture, so that pictures can be resampled."""

    words: list[Array] = field(default_factory=list)  # (C + 1, 3) totals
    segment: list[Array] = field(default_factory=list)
    click: list[list[float]] = field(default_factory=list)  # IoU of each region
    box: list[list[float]] = field(default_factory=list)
    naming: list[list[float]] = field(default_factory=list)  # 1 = right, of each region
    named: list[tuple[int, bool]] = field(default_factory=list)  # word of the truth, whether right
    depth: list[list[float]] = field(default_factory=list)


class QualitySuite(Suite[QualityOptions]):
    name = "quality"
    about = "how good masks by words, clicks and boxes are, over several data sets"
    options = QualityOptions

    def run(self, kit: SuiteKit[QualityOptions]) -> Findings:
        options = kit.options
        models = kit.load(options.model)
        for kind in (Dense, Segmenter):
            models.get(kind)
        sets = [open_pack(options.data, name) for name in options.sets]
        rows: list[dict[str, Any]] = []
        tables = {}
        for name, data in zip(options.sets, sets, strict=True):
            kit.say(name)
            counts = QualityCounts()
            for sample in spread_samples(data, options.pictures):
                measure_picture(data, read_words(data, sample), models, counts)
            rows += [{"set": name, **row} for row in figure_rows(name, counts)]
            tables[f"words of {name}"] = FindingTable.of(word_rows(counts, data.words))
        short = [row for row in rows if row["floor"] is not None and row["value"] < row["floor"]]
        below = [f"{r['set']} {r['figure']} {r['value']:.3f} < {r['floor']}" for r in short]
        return Findings(
            metrics={f"{row['set']}.{row['figure']}": row["value"] for row in rows},
            intervals={f"{r['set']}.{r['figure']}": [r["low"], r["high"]] for r in rows},
            tables={"quality": FindingTable.of(rows), **tables},
            verdicts=["below the floors set for the model: " + ("; ".join(below) or "nothing")],
            models=[models],
            data=sets,
            seeds={"bootstrap": 0},
        )


class CutRegions(NamedTuple):
    """What is cut in one picture."""

    masks: list[Array]  # (H, W) bool each
    words: list[int]


def measure_picture(
    data: Dataset, picture: WordTruth, models: Models, counts: QualityCounts
) -> None:
    """Everything that one picture can say."""
    words = Text(data.words)
    view = View(picture.image, models, Trace())
    found, _ = label_view(view, words, DenseOptions(none=has_none(data)))
    counts.words.append(totals(picture.labels, found, len(data.words)))
    answer = segment_view(view, words, SegmentOptions(every_pixel=not has_none(data)))
    counts.segment.append(totals(picture.labels, answer.label_map(), len(data.words)))
    wanted = cut_regions(data, picture)
    if wanted.masks:
        measure_cuts(data.words, view, wanted, counts)
    real = picture.truth.depth
    if real is not None and models.has(DepthModel):
        model = models.get(DepthModel)
        depth = model.depth(view.encoding_of(model))
        counts.depth.append([relative_error(depth.values, real.astype(np.float64))])


def totals(truth: Array, found: Array, words: int) -> Array:
    """(C + 1, 3) counts; a pixel without a label counts as "none", the last class."""
    filled = np.where(found < 0, words, found)
    return semantic.totals(semantic.confusion(truth, filled, words + 1))


def cut_regions(data: Dataset, picture: WordTruth) -> CutRegions:
    """The annotated regions, or the pieces of a label map, that are large enough."""
    if picture.truth.exhaustive:
        result = picture.truth.result
        rows = np.flatnonzero(result.masks.areas > LEAST).tolist()
        words = [data.words.index(result.names[row]) for row in rows]
        return CutRegions([result.masks.one(row) for row in rows], words)
    found = CutRegions([], [])
    for word in np.unique(picture.labels).tolist():
        if 0 <= word < len(data.words):
            masks = regions.pieces(picture.labels == word, min_area=LEAST + 1)
            found.masks.extend(masks)
            found.words.extend([word] * len(masks))
    return found


def measure_cuts(
    words: Sequence[str], view: View, wanted: CutRegions, counts: QualityCounts
) -> None:
    points = np.array([regions.deepest_point(mask) for mask in wanted.masks], np.float32)
    boxes = np.array([regions.box_around(mask) for mask in wanted.masks], np.float32)
    for prompts, column in (
        (PromptBatch.points(points), counts.click),
        (PromptBatch.of_boxes(boxes), counts.box),
    ):
        cuts = view.segmenter.cut(view.encoding, prompts)
        best = cuts.quality.argmax(1)
        rows = np.arange(len(best))
        pairs = zip(cuts.logits[rows, best], wanted.masks, strict=True)
        column.append([cut_iou(logits, mask) for logits, mask in pairs])
    if cuts.vectors is not None:  # of the boxes
        masks = regions.masks_of_logits(cuts.logits[rows, best], view.image.size)
        labels, _ = name_masks(view, masks, tuple(words), cuts.vectors[rows, best])
        right = labels == wanted.words
        counts.naming.append(right.astype(float).tolist())
        counts.named += zip(wanted.words, right.tolist(), strict=True)


def cut_iou(logits: Array, truth: Array) -> float:
    cut = bilinear(logits, truth.shape) > 0
    return float((cut & truth).sum() / max((cut | truth).sum(), 1))


def relative_error(found: Array, truth: Array) -> float:
    """Mean absolute relative error after the scale and shift that minimise its squares."""
    known = truth > 0
    columns = np.stack([found[known], np.ones(known.sum())], 1) / truth[known][:, None]
    fit = np.linalg.lstsq(columns, np.ones(len(columns)), rcond=None)[0]
    return float(np.abs(columns @ fit - 1).mean())


# ---- figures


def figure_rows(name: str, counts: QualityCounts) -> list[dict[str, Any]]:
    """Each figure of a set with its interval, how much it rests on, and its floor."""
    rows = []
    for figure in FIGURES:
        counted = getattr(counts, figure)
        if not counted:
            continue
        measure, regions_of = measure_of(figure, counted)
        pictures = len(counted)
        low, high = bootstrap.intervals(measure, pictures, rounds=ROUNDS)["value"]
        rows.append(
            {
                "figure": figure,
                "value": round(measure(np.ones(pictures, np.int64))["value"], 4),
                "low": round(low, 4),
                "high": round(high, 4),
                "pictures": pictures,
                "regions": regions_of,
                "floor": FLOORS.get((name, figure)),
            }
        )
    return rows


def measure_of(figure: str, counted: Sequence[Any]) -> tuple[bootstrap.Measure, int | None]:
    """The figure under weights of the pictures, and how many regions it rests on."""
    if figure in ("words", "segment"):
        stack = np.stack(counted)
        return lambda weights: {
            "value": semantic.figures(weighted_sum(weights, stack))["miou"]
        }, None
    sums = np.array([sum(row) for row in counted])
    counts = np.array([len(row) for row in counted])

    def mean(weights: Array) -> dict[str, float]:
        return {"value": float(weights @ sums / max(weights @ counts, 1))}

    return mean, int(counts.sum())


def word_rows(counts: QualityCounts, words: Sequence[str]) -> list[dict[str, Any]]:
    """Of each word the IoU of its pixels (None where it does not occur), and its objects."""
    ious = semantic.class_iou(np.sum(counts.words, axis=0))[: len(words)].tolist()
    rows = []
    for index, (word, iou) in enumerate(zip(words, ious, strict=True)):
        verdicts = [right for named, right in counts.named if named == index]
        rows.append(
            {
                "word": word,
                "iou": None if np.isnan(iou) else round(iou, 4),
                "objects": len(verdicts),
                "named": sum(verdicts),
            }
        )
    return rows
