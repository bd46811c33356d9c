"""Boxes are given, names are asked for; and how well a box is cut."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.prompts import Boxes
from wordmask.core.protocols import Dense, Segmenter
from wordmask.errors import FormatError
from wordmask.lab.bench.benches.predict import view
from wordmask.lab.bench.benches.rows import mean_over
from wordmask.lab.bench.plan import Clock, Kit, single
from wordmask.lab.data import Dataset, Sample
from wordmask.tasks.click import Click, ClickOptions, click_view, name
from wordmask.tasks.finding.view import View


class RecogniseTable:
    """One row for each given box."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        self.classes = tuple(facts["classes"])
        self.pictures = len(values)
        counts = [len(value["label"]) for value in values]
        self.picture = np.repeat(np.arange(len(values)), counts)
        columns = {
            key: [item for value in values for item in value[key]]
            for key in ("label", "rank", "iou")
        }
        self.label, self.rank = (np.array(columns[key], np.int64) for key in ("label", "rank"))
        self.iou = np.array(columns["iou"], np.float64)

    def measure(self, weights: Array) -> dict[str, float]:
        weight = weights[self.picture].astype(np.float64)
        first = (self.rank == 0).astype(np.float64)
        by_class = [
            mean_over(weight * (self.label == label), first) for label in range(len(self.classes))
        ]
        known = [value for value in by_class if not np.isnan(value)]
        return {
            "accuracy": mean_over(weight, first),
            "top5": mean_over(weight, (self.rank < 5).astype(np.float64)),
            "class_accuracy": float(np.mean(known)) if known else float("nan"),
            "box_miou": mean_over(weight, self.iou),
        }

    def per_class(self) -> dict[str, dict[str, float]]:
        found = {}
        for label in np.unique(self.label).tolist():
            rows = self.label == label
            found[self.classes[label]] = {
                "accuracy": float((self.rank[rows] == 0).mean()), "box_miou": float(self.iou[rows].mean()),
                "boxes": float(rows.sum()),
            }  # fmt: skip
        return found

    def per_picture(self) -> list[dict[str, Any]]:
        def figures(picture: int) -> dict[str, Any]:
            weight = (self.picture == picture).astype(np.float64)
            accuracy = mean_over(weight, (self.rank == 0).astype(np.float64))
            return {
                "accuracy": accuracy,
                "box_miou": mean_over(weight, self.iou),
                "boxes": weight.sum(),
            }

        return [figures(picture) for picture in range(self.pictures)]

    def curves(self) -> dict[str, Any]:
        ranks = {str(k + 1): int((self.rank == k).sum()) for k in range(min(10, len(self.classes)))}
        return {"place of the right name": {"kind": "bars", "values": ranks}}


class Recognise:
    name = "recognise"
    headline = "accuracy"
    about = "names for given boxes: accuracy, top 5, IoU of the box's mask"

    def units(self, data: Dataset) -> Sequence[tuple[Sample, ...]]:
        return single(data)

    def check(self, kit: Kit) -> None:
        kit.models.get(Dense)
        if not kit.data.classes:
            raise FormatError(f"{kit.data.name} has regions without names; use the task clicks")

    def score(self, kit: Kit, unit: tuple[Sample, ...], clock: Clock) -> dict[str, Any]:
        (sample,) = unit
        with clock.stage("read"):
            image, truth = kit.data.image(sample), kit.data.truth(sample)
        wanted = truth.result[np.isin(truth.result.label_ids, kit.words.owners)]
        if not len(wanted):
            return {"label": [], "rank": [], "iou": []}
        seen = view(kit, image)
        with clock.stage("predict"):
            masks = _cut(seen, wanted.masks)
            _, shares = name(seen, masks, kit.words.phrases)
        with clock.stage("score"):
            best = _class_scores(shares, kit.words.owners, len(kit.data.classes))
            rank = ranks(best, wanted.label_ids)
            iou = [float(masks[row].iou(wanted.masks[row])[0, 0]) for row in range(len(wanted))]
            return {
                "label": wanted.label_ids.tolist(),
                "rank": rank.tolist(),
                "iou": [round(value, 6) for value in iou],
            }

    def table(
        self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]
    ) -> RecogniseTable:
        return RecogniseTable(facts, values)


def _cut(seen: View, truth: Masks) -> Masks:
    """What a segmenter cuts from each box; without one, the box itself."""
    parts = []
    for x0, y0, x1, y1 in truth.boxes.tolist():
        if seen.models.has(Segmenter):
            asked = Click(box=Boxes(np.array([[x0, y0, x1, y1]])))
            result, _ = click_view(seen, asked, None, ClickOptions(candidates=1))
            if len(result):
                parts.append(result.masks[0])
                continue
        parts.append(Masks.from_crops(truth.size, [(x0, y0)], [np.ones((y1 - y0, x1 - x0), bool)]))
    return Masks.concatenate(parts)


def ranks(scores: Array, labels: Array) -> Array:
    """(N,) how many classes come before the right one; of equals the first class comes first, so a tie is no luck."""
    own = scores[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(scores.shape[1])[None] < labels[:, None]
    counts: Array = ((scores > own) | ((scores == own) & earlier)).sum(1)
    return counts


def _class_scores(shares: Array, owners: Sequence[int], classes: int) -> Array:
    """(N, classes) the best share among each class's phrases, -1 for classes that were not asked for."""
    best = np.full((len(shares), classes), -1.0)
    for column, owner in enumerate(owners):
        best[:, owner] = np.maximum(best[:, owner], shares[:, column])
    return best
