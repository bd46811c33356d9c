"""Simulated clicks: how good a mask is after one to five, and how many a good one takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Interval

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.prompts import Points
from wordmask.core.protocols import Segmenter
from wordmask.lab.bench.bench import Clock, Kit, LabelledPicture, PictureBench, Table
from wordmask.lab.bench.drawn import label_panels
from wordmask.lab.bench.options import PictureOptions
from wordmask.lab.data import Truth
from wordmask.lab.metrics import clicks
from wordmask.lab.metrics.clicks import SimulatedClick
from wordmask.lab.metrics.weighting import weighted_mean
from wordmask.ops.regions import pieces
from wordmask.tasks.click import Click, ClickOptions, click_view
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View

LEAST = 0.005  # of the picture: smaller pieces of a label map are seams, not objects


@dataclass(frozen=True)
class ClicksOptions(PictureOptions):
    """How much is clicked."""

    clicks: Annotated[int, Interval(ge=1, le=100)] = 20
    """At most so many clicks for an object."""
    objects: Annotated[int, Interval(ge=0, le=10_000)] = 0
    """Only so many objects of a picture, the largest; 0 = all."""


class ClicksTable(Table):
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
            name: weighted_mean(weight, values.astype(np.float64))
            for name, values in self.needed.items()
        }
        return found | {
            f"{name}_not_reached": weighted_mean(weight, values)
            for name, values in self.missed.items()
        }

    def _iou(self, weight: Array, count: int) -> float:
        return (
            weighted_mean(weight, self.iou[:, count - 1])
            if self.iou.shape[1] >= count
            else float("nan")
        )

    def per_class(self) -> dict[str, dict[str, float]]:
        found = {}
        for label in np.unique(self.label[self.label >= 0]).tolist():
            weight = (self.label == label).astype(np.float64)
            found[self.classes[label]] = self._row(weight)
        return found

    def per_picture(self) -> list[dict[str, Any]]:
        weights = [(self.picture == picture).astype(np.float64) for picture in range(self.pictures)]
        return [self._row(weight) for weight in weights]

    def _row(self, weight: Array) -> dict[str, float]:
        return {
            "miou_1_click": self._iou(weight, 1),
            "miou_5_clicks": self._iou(weight, 5),
            "objects": weight.sum(),
        }

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


class ClicksBench(PictureBench[ClicksOptions]):
    name = "clicks"
    headline = "miou_1_click"
    about = "simulated clicks: mIoU after 1 to 5, clicks to IoU 0.85 and 0.90"
    options = ClicksOptions
    table = ClicksTable
    needs_names = False

    def check(self, kit: Kit[ClicksOptions]) -> None:
        super().check(kit)
        kit.models.get(Segmenter)

    def score_picture(
        self, kit: Kit[ClicksOptions], picture: LabelledPicture, clock: Clock
    ) -> dict[str, Any]:
        truth = picture.truth
        void = None if truth.exhaustive else truth.void
        masks, labels = clicked_objects(truth, kit.options.objects)
        seen = View(picture.image, kit.models, Trace())
        found = []
        with clock.stage("predict"):
            for row, label in enumerate(labels.tolist()):
                answer = ClickAnswers(seen)
                iou = clicks.simulate(masks.one(row), answer, limit=kit.options.clicks, void=void)
                found.append({"label": label, "iou": [round(value, 6) for value in iou]})
        return {"objects": found}

    def panels(self, kit: Kit[ClicksOptions], picture: LabelledPicture) -> list[Array]:
        """Objects by number: the truth, and what one click on each gives."""
        truth = picture.truth
        masks, _ = clicked_objects(truth, kit.options.objects)
        real, answer = (np.full(picture.image.size, -1, np.int32) for _ in range(2))
        seen = View(picture.image, kit.models, Trace())
        for number in range(len(masks)):
            mask = masks.one(number)
            click = clicks.next_click(mask, np.zeros_like(mask))
            if click is not None:
                real[mask] = number
                answer[ClickAnswers(seen)([click])] = number
        void = None if truth.exhaustive else truth.void
        return label_panels(picture.image, real, answer, classes=kit.data.classes, void=void)


def clicked_objects(truth: Truth, count: int) -> tuple[Masks, Array]:
    """The objects that are clicked, largest first, and their labels; only `count`, if it is not 0.

    Annotated things as they are; of a label map the connected pieces that are large enough.
    """
    masks, labels = _annotated_objects(truth)
    order = np.argsort(-masks.areas, kind="stable")[: count or None]
    return masks[order], labels[order]


def _annotated_objects(truth: Truth) -> tuple[Masks, Array]:
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


class ClickAnswers:
    """Answers all clicks so far; each answer goes on from the logits of the last one."""

    def __init__(self, seen: View) -> None:
        self.seen = seen
        self.logits: Array | None = None

    def __call__(self, made: Sequence[SimulatedClick]) -> Array:
        click = Click(Points.of([tuple(one) for one in made]), logits=self.logits)
        result, self.logits = click_view(self.seen, click, None, ClickOptions(candidates=1))
        return result.masks.one(0) if len(result) else np.zeros(result.size, bool)
