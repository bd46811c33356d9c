"""A class for every pixel: the dense answer itself, or the regions that `segment` returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.options import Confidence
from wordmask.core.protocols import Dense
from wordmask.errors import FormatError, OptionError
from wordmask.lab.bench.answers import (
    WordBench,
    dense_labels,
    dense_options,
    panels_against,
    real_labels,
    regions,
    view,
    with_background,
)
from wordmask.lab.bench.bench import Clock, Kit, LabelledPicture, Table
from wordmask.lab.bench.json_rows import dense_rows, sparse_rows
from wordmask.lab.bench.options import WordOptions, threshold_departure
from wordmask.lab.bench.presets import Preset
from wordmask.lab.metrics import semantic
from wordmask.lab.metrics.weighting import weighted_sum

SemanticWay = Literal["auto", "dense", "unified", "guided", "everything", "grounded"]


@dataclass(frozen=True)
class SemanticOptions(WordOptions):
    """What is measured as the class of a pixel."""

    how: SemanticWay = "auto"
    """dense: the label of every pixel. unified, guided, everything, grounded: the regions that
    segment returns that way; other pixels have no label. auto: dense, where the engine can."""
    use_sam: bool = False
    """Refine the dense answer with the segmenter: where guided cuts a region, its mask counts."""
    use_pamr: bool = False
    """Refine the dense answer along the picture's edges (PAMR)."""
    min_confidence: Confidence = "auto"
    """Score from which a pixel (dense) or a region counts: a number in [0, 1]; auto: for pixels the
    preset's or 0, for regions the engine's own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.use_sam or self.use_pamr) and self.how not in ("auto", "dense"):
            name = "use_sam" if self.use_sam else "use_pamr"
            raise OptionError(f"{name} refines the dense answer, got how={self.how}")

    def departures(self, preset: Preset) -> list[str]:
        refined = ["SAM refines the dense answer"] if self.use_sam else []
        refined += ["PAMR is on"] if self.use_pamr else []
        threshold = threshold_departure(self.min_confidence, preset)
        return [*super().departures(preset), *threshold, *refined]


class SemanticTable(Table):
    """Totals of every picture and class."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        self.classes = tuple(facts["classes"])
        count = len(self.classes)
        totals = [dense_rows(value["totals"], count, 3) for value in values]
        edges = [dense_rows(value["edges"], count, 2) for value in values]
        self.totals = np.stack(totals)  # (P, C, 3)
        self.edges = np.stack(edges)  # (P, C, 2)
        self.confusion = np.zeros((count, count + 1), np.int64)
        for value in values:
            for truth, answer, pixels in value["confusion"]:
                self.confusion[truth, answer] += pixels

    def measure(self, weights: Array) -> dict[str, float]:
        found = semantic.figures(weighted_sum(weights, self.totals))
        return found | {"boundary_iou": semantic.boundary_iou(weighted_sum(weights, self.edges))}

    def per_class(self) -> dict[str, dict[str, float]]:
        sums = self.totals.sum(0)
        iou, accuracy = semantic.class_iou(sums), semantic.class_accuracy(sums)
        columns = zip(
            self.classes, iou.tolist(), accuracy.tolist(), sums[:, 1].tolist(), strict=True
        )
        return {name: {"iou": i, "accuracy": a, "pixels": p} for name, i, a, p in columns}

    def per_picture(self) -> list[dict[str, Any]]:
        rows = [semantic.figures(totals) for totals in self.totals]
        return [{name: row[name] for name in ("miou", "pixel_accuracy")} for row in rows]

    def curves(self) -> dict[str, Any]:
        return {
            "confusion": {
                "kind": "matrix",
                "names": [*self.classes, "nothing"],
                "rows": self.confusion.tolist(),
            }
        }


class SemanticBench(WordBench[SemanticOptions]):
    name = "semantic"
    headline = "miou"
    about = "a class for every pixel: mIoU, accuracies, boundary IoU"
    options = SemanticOptions
    table = SemanticTable

    def way(self, kit: Kit[SemanticOptions]) -> SemanticWay:
        options = kit.options
        if options.how != "auto":
            return options.how
        if options.use_sam or options.use_pamr:
            return "dense"
        if options.pinned is not None:
            return options.pinned.how
        return "dense" if kit.models.has(Dense) else "auto"

    def facts(self, kit: Kit[SemanticOptions]) -> dict[str, Any]:
        way = self.way(kit)
        answer = f"the regions that segment returns with how={way}; other pixels have no label"
        if way == "dense":
            answer = "the label of every pixel, without the thresholds that regions have to pass"
        return super().facts(kit) | {"answer": answer}

    def check(self, kit: Kit[SemanticOptions]) -> None:
        super().check(kit)
        if self.way(kit) == "dense":
            kit.models.get(Dense)

    def score_picture(
        self, kit: Kit[SemanticOptions], picture: LabelledPicture, clock: Clock
    ) -> dict[str, Any]:
        truth = picture.truth.labels
        if truth is None:
            raise FormatError(f"{picture.sample.name} has no label map")
        with clock.stage("predict"):
            answer = self.label_map(kit, picture.image)
        with clock.stage("score"):
            count = len(kit.data.classes)
            confusion = semantic.confusion(truth, answer, count)
            cells = np.argwhere(confusion).tolist()
            return {
                "totals": sparse_rows(semantic.totals(confusion)),
                "edges": sparse_rows(semantic.boundary_totals(truth, answer, count)),
                "confusion": [[*cell, int(confusion[tuple(cell)])] for cell in cells],
            }

    def label_map(self, kit: Kit[SemanticOptions], image: Image) -> Array:
        """(H, W) int32 class of every pixel; -1 for none, in a set without background."""
        options, way, seen = kit.options, self.way(kit), view(kit, image)
        if way != "dense":
            found = regions(kit, seen, way, options.min_confidence)
            return with_background(found.label_map(), kit.data.background)
        pixels = dense_options(kit, options.min_confidence, pamr=options.use_pamr)
        labels = dense_labels(kit, seen, pixels)
        if options.use_sam:
            found = regions(kit, seen, "guided", "auto")
            for row in range(len(found) - 1, -1, -1):  # the best last, on top
                found.masks.paint(labels, row, found.label_ids[row])
        return labels

    def panels(self, kit: Kit[SemanticOptions], picture: LabelledPicture) -> list[Array]:
        answer = self.label_map(kit, picture.image)
        return panels_against(kit, picture, real_labels(picture.truth), answer)
