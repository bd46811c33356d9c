"""Every thing by itself, found by its word: average precision as COCO and LVIS count it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.lab.bench.answers import RegionBench, regions, view
from wordmask.lab.bench.bench import Clock, Kit, LabelledPicture, Table
from wordmask.lab.bench.options import RegionOptions
from wordmask.lab.metrics import instances
from wordmask.lab.metrics.instances import ClassTable, Verdicts, Wanted


class InstanceTable(Table):
    """The verdicts of every class."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        self.classes = tuple(facts["classes"])
        self.pictures = len(values)
        self.rows = [
            {int(label): Verdicts.from_json(row) for label, row in value["verdicts"].items()}
            for value in values
        ]
        self.tables = _tables(self.rows)

    def measure(self, weights: Array) -> dict[str, float]:
        return instances.figures(self.tables, weights)

    def per_class(self) -> dict[str, dict[str, float]]:
        ones = np.ones(self.pictures)
        found = {}
        for label, table in sorted(self.tables.items()):
            figures = instances.figures({label: table}, ones)
            found[self.classes[label]] = {
                "ap": figures["ap"],
                "ap50": figures["ap50"],
                "truths": float(table.truths[:, 0].sum()),
            }
        return found

    def per_picture(self) -> list[dict[str, Any]]:
        found = []
        for row in self.rows:
            figures = instances.figures(_tables([row]), np.ones(1))
            found.append({"ap": figures["ap"], "ap50": figures["ap50"]})
        return found

    def curves(self) -> dict[str, Any]:
        ones = np.ones(self.pictures)
        lines = [curve[0] for table in self.tables.values() if (curve := table.curve(ones))]
        if not lines:
            return {}
        mean = np.mean(lines, 0)
        recall = instances.RECALLS.tolist()
        picked = {f"IoU {instances.THRESHOLDS[t]:.2f}": mean[t].tolist() for t in (0, 5, 9)}
        return {
            "precision over recall": {
                "kind": "lines",
                "x": recall,
                "y": picked,
                "labels": ["recall", "precision"],
            }
        }


def _tables(rows: Sequence[Mapping[int, Verdicts]]) -> dict[int, ClassTable]:
    labels = sorted({label for row in rows for label in row})
    by_class = {
        label: [(k, row[label]) for k, row in enumerate(rows) if label in row] for label in labels
    }
    return {label: ClassTable.of(found, len(rows)) for label, found in by_class.items()}


class InstanceBench(RegionBench[RegionOptions]):
    name = "instance"
    headline = "ap"
    about = "every thing by itself: AP, AP50, AP75, by size, AR"
    answer = "every region whatever its score: AP asks whether the doubtful come after the sure"
    options = RegionOptions
    table = InstanceTable

    def score_picture(
        self, kit: Kit[RegionOptions], picture: LabelledPicture, clock: Clock
    ) -> dict[str, Any]:
        sample, image, truth = picture
        with clock.stage("predict"):
            found = regions(kit, view(kit, image), kit.options.way, self.min_confidence(kit))
        with clock.stage("score"):
            wanted = Wanted(
                truth.result, truth.crowd, truth.areas, sample.judged, sample.open_classes
            )
            verdicts = instances.judge(wanted, found)
            return {"verdicts": {str(label): row.to_json() for label, row in verdicts.items()}}
