"""A class for every pixel."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import FormatError
from wordmask.lab.bench.benches.predict import label_map
from wordmask.lab.bench.benches.rows import dense_rows, sparse_rows, weighted
from wordmask.lab.bench.plan import Clock, Kit, single
from wordmask.lab.data import Dataset, Sample
from wordmask.lab.metrics import semantic


class SemanticTable:
    """Totals of every picture and class."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        self.classes = tuple(facts["classes"])
        count = len(self.classes)
        self.totals = np.stack(
            [dense_rows(value["totals"], count, 3) for value in values]
        )  # (P, C, 3)
        self.edges = np.stack(
            [dense_rows(value["edges"], count, 2) for value in values]
        )  # (P, C, 2)
        self.confusion = np.zeros((count, count + 1), np.int64)
        for value in values:
            for truth, answer, pixels in value["confusion"]:
                self.confusion[truth, answer] += pixels

    def measure(self, weights: Array) -> dict[str, float]:
        found = semantic.figures(weighted(weights, self.totals))
        return found | {"boundary_iou": semantic.boundary_iou(weighted(weights, self.edges))}

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


class Semantic:
    name = "semantic"
    headline = "miou"
    about = "a class for every pixel: mIoU, accuracies, boundary IoU"

    def units(self, data: Dataset) -> Sequence[tuple[Sample, ...]]:
        return single(data)

    def check(self, kit: Kit) -> None:
        if not kit.data.classes:
            raise FormatError(f"{kit.data.name} has regions without names; use the task clicks")

    def score(self, kit: Kit, unit: tuple[Sample, ...], clock: Clock) -> dict[str, Any]:
        (sample,) = unit
        with clock.stage("read"):
            image, truth = kit.data.image(sample), kit.data.truth(sample)
        if truth.labels is None:
            raise FormatError(f"{sample.name} has no label map")
        with clock.stage("predict"):
            answer = label_map(kit, image)
        with clock.stage("score"):
            count = len(kit.data.classes)
            confusion = semantic.confusion(truth.labels, answer, count)
            return {
                "totals": sparse_rows(semantic.totals(confusion)),
                "edges": sparse_rows(semantic.boundary_totals(truth.labels, answer, count)),
                "confusion": [
                    [*cell, int(confusion[tuple(cell)])] for cell in np.argwhere(confusion).tolist()
                ],
            }

    def table(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> SemanticTable:
        return SemanticTable(facts, values)
