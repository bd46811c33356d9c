"""Simulated clicks: how good a mask is after one to five, and how many it takes to be good."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.prompts import Points
from wordmask.core.protocols import Segmenter
from wordmask.lab.bench.benches.predict import view
from wordmask.lab.bench.benches.rows import mean_over
from wordmask.lab.bench.plan import Clock, Kit, single
from wordmask.lab.data import Dataset, Sample, Truth
from wordmask.lab.metrics import clicks
from wordmask.ops.regions import pieces
from wordmask.tasks.click import Click, ClickOptions, click_view
from wordmask.tasks.finding.view import View

LEAST = 0.005  # of the picture: smaller pieces of a label map are seams, not objects


class ClicksTable:
    """One row of IoUs for each object."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        self.classes = tuple(facts["classes"])
        rows = [
            (picture, item) for picture, value in enumerate(values) for item in value["objects"]
        ]
        self.pictures = len(values)
        self.picture = np.array([picture for picture, _ in rows], np.int64)
        self.label = np.array([item["label"] for _, item in rows], np.int64)
        self.iou = np.array([item["iou"] for _, item in rows], np.float64).reshape(len(rows), -1)
        levels = {f"noc{level * 100:.0f}": level for level in (0.85, 0.9) if len(rows)}
        self.needed = {
            name: clicks.clicks_needed(self.iou, level) for name, level in levels.items()
        }
        self.missed = {
            name: np.array((self.iou < level).all(1), np.float64) for name, level in levels.items()
        }

    def measure(self, weights: Array) -> dict[str, float]:
        weight = weights[self.picture].astype(np.float64)
        found = {f"miou_{k}_click{'s' if k > 1 else ''}": self._iou(weight, k) for k in range(1, 6)}
        found |= {
            name: mean_over(weight, values.astype(np.float64))
            for name, values in self.needed.items()
        }
        return found | {
            f"{name}_not_reached": mean_over(weight, values) for name, values in self.missed.items()
        }

    def _iou(self, weight: Array, count: int) -> float:
        return (
            mean_over(weight, self.iou[:, count - 1])
            if self.iou.shape[1] >= count
            else float("nan")
        )

    def per_class(self) -> dict[str, dict[str, float]]:
        found = {}
        for label in np.unique(self.label[self.label >= 0]).tolist():
            weight = (self.label == label).astype(np.float64)
            found[self.classes[label]] = {
                "miou_1_click": self._iou(weight, 1), "miou_5_clicks": self._iou(weight, 5), "objects": weight.sum(),
            }  # fmt: skip
        return found

    def per_picture(self) -> list[dict[str, Any]]:
        weights = [(self.picture == picture).astype(np.float64) for picture in range(self.pictures)]
        return [
            {"miou_1_click": self._iou(w, 1), "miou_5_clicks": self._iou(w, 5), "objects": w.sum()}
            for w in weights
        ]

    def curves(self) -> dict[str, Any]:
        if not len(self.iou):
            return {}
        x = list(range(1, self.iou.shape[1] + 1))
        lines = {"mean IoU": self.iou.mean(0).tolist()}
        return {
            "IoU over clicks": {
                "kind": "lines",
                "x": x,
                "y": lines,
                "labels": ["clicks", "mean IoU"],
            }
        }


class Clicks:
    name = "clicks"
    headline = "miou_1_click"
    about = "simulated clicks: mIoU after 1 to 5, clicks to IoU 0.85 and 0.90"

    def units(self, data: Dataset) -> Sequence[tuple[Sample, ...]]:
        return single(data)

    def check(self, kit: Kit) -> None:
        kit.models.get(Segmenter)

    def score(self, kit: Kit, unit: tuple[Sample, ...], clock: Clock) -> dict[str, Any]:
        (sample,) = unit
        with clock.stage("read"):
            image, truth = kit.data.image(sample), kit.data.truth(sample)
        void = None if truth.exhaustive else truth.void
        masks, labels = objects(truth)
        rows = np.argsort(-masks.areas, kind="stable")[: kit.options.objects or None].tolist()
        seen = view(kit, image)
        found = []
        with clock.stage("predict"):
            for row in rows:
                cut = Cutter(seen)
                iou = clicks.simulate(masks.one(row), cut, limit=kit.options.clicks, void=void)
                found.append({"label": int(labels[row]), "iou": [round(value, 6) for value in iou]})
        return {"objects": found}

    def table(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> ClicksTable:
        return ClicksTable(facts, values)


def objects(truth: Truth) -> tuple[Masks, Array]:
    """What is clicked: annotated things as they are; of a label map the connected pieces that are large enough."""
    result = truth.result
    if truth.exhaustive or result.track_ids is not None:
        return result.masks, result.label_ids
    least = max(1, int(LEAST * result.size[0] * result.size[1]))
    parts, labels = [Masks.empty(result.size)], []
    for row in range(len(result)):
        dense = pieces(result.masks.one(row), min_area=least)
        if dense:
            parts.append(Masks.from_dense(np.stack(dense)))
            labels += [int(result.label_ids[row])] * len(dense)
    return Masks.concatenate(parts), np.array(labels, np.int64)


class Cutter:
    """Answers all clicks so far; each answer goes on from the last one's logits."""

    def __init__(self, seen: View) -> None:
        self.seen = seen
        self.logits: Array | None = None

    def __call__(self, made: Sequence[clicks.Click]) -> Array:
        points = Points.of([tuple(click) for click in made])
        asked = Click(points, logits=self.logits)
        result, self.logits = click_view(self.seen, asked, None, ClickOptions(candidates=1))
        return result.masks.one(0) if len(result) else np.zeros(result.size, bool)
