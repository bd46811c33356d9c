"""Boxes are given, names are asked for; and how well a box is cut."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.prompts import Boxes
from wordmask.core.protocols import Dense, Segmenter
from wordmask.lab.bench.answers import WordBench, class_phrases, view
from wordmask.lab.bench.bench import Clock, Kit, LabelledPicture, Table
from wordmask.lab.bench.options import WordOptions
from wordmask.lab.metrics.weighting import weighted_mean
from wordmask.tasks.click import Click, ClickOptions, click_view, name_masks
from wordmask.tasks.finding.view import View


class RecogniseTable(Table):
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
            weighted_mean(weight * (self.label == label), first)
            for label in range(len(self.classes))
        ]
        known = [value for value in by_class if not np.isnan(value)]
        return {
            "accuracy": weighted_mean(weight, first),
            "top5": weighted_mean(weight, (self.rank < 5).astype(np.float64)),
            "class_accuracy": float(np.mean(known)) if known else float("nan"),
            "box_miou": weighted_mean(weight, self.iou),
        }

    def per_class(self) -> dict[str, dict[str, float]]:
        found = {}
        for label in np.unique(self.label).tolist():
            rows = self.label == label
            found[self.classes[label]] = {
                "accuracy": float((self.rank[rows] == 0).mean()),
                "box_miou": float(self.iou[rows].mean()),
                "boxes": float(rows.sum()),
            }
        return found

    def per_picture(self) -> list[dict[str, Any]]:
        first = (self.rank == 0).astype(np.float64)
        found = []
        for picture in range(self.pictures):
            weight = (self.picture == picture).astype(np.float64)
            found.append(
                {
                    "accuracy": weighted_mean(weight, first),
                    "box_miou": weighted_mean(weight, self.iou),
                    "boxes": weight.sum(),
                }
            )
        return found

    def curves(self) -> dict[str, Any]:
        ranks = {str(k + 1): int((self.rank == k).sum()) for k in range(min(10, len(self.classes)))}
        return {"place of the right name": {"kind": "bars", "values": ranks}}


class RecogniseBench(WordBench[WordOptions]):
    name = "recognise"
    headline = "accuracy"
    about = "names for given boxes: accuracy, top 5, IoU of the box's mask"
    answer = "the name and the mask of each box of the truth"
    options = WordOptions
    table = RecogniseTable

    def check(self, kit: Kit[WordOptions]) -> None:
        super().check(kit)
        kit.models.get(Dense)

    def score_picture(
        self, kit: Kit[WordOptions], picture: LabelledPicture, clock: Clock
    ) -> dict[str, Any]:
        phrases = class_phrases(kit)
        every = picture.truth.result
        wanted = every[np.isin(every.label_ids, phrases.owners)]
        if not len(wanted):
            return {"label": [], "rank": [], "iou": []}
        seen = view(kit, picture.image)
        with clock.stage("predict"):
            masks = cut_boxes(seen, wanted.masks)
            _, shares = name_masks(seen, masks, phrases.phrases)
        with clock.stage("score"):
            scores = class_scores(shares, phrases.owners, len(kit.data.classes))
            iou = [float(masks[row].iou(wanted.masks[row])[0, 0]) for row in range(len(wanted))]
            return {
                "label": wanted.label_ids.tolist(),
                "rank": ranks(scores, wanted.label_ids).tolist(),
                "iou": [round(value, 6) for value in iou],
            }


def cut_boxes(seen: View, truth: Masks) -> Masks:
    """What a segmenter cuts from the box of each mask; without a segmenter, the box itself."""
    parts = []
    for x0, y0, x1, y1 in truth.boxes.tolist():
        if seen.models.has(Segmenter):
            click = Click(box=Boxes(np.array([[x0, y0, x1, y1]])))
            result, _ = click_view(seen, click, None, ClickOptions(candidates=1))
            if len(result):
                parts.append(result.masks[0])
                continue
        parts.append(Masks.from_crops(truth.size, [(x0, y0)], [np.ones((y1 - y0, x1 - x0), bool)]))
    return Masks.concatenate(parts)


def ranks(scores: Array, labels: Array) -> Array:
    """(N,) how many classes come before the right one.

    Of equal scores the lower class comes first, so that a tie is no luck.
    """
    own = scores[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(scores.shape[1])[None] < labels[:, None]
    counts: Array = ((scores > own) | ((scores == own) & earlier)).sum(1)
    return counts


def class_scores(shares: Array, owners: Sequence[int], classes: int) -> Array:
    """(N, classes) the best share among the phrases of each class, -1 where none was asked for."""
    best = np.full((len(shares), classes), -1.0)
    for column, owner in enumerate(owners):
        best[:, owner] = np.maximum(best[:, owner], shares[:, column])
    return best
