"""Find one object by its word: the automatic threshold, the best fixed one, and what fails."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.options import Confidence
from wordmask.lab.bench.answers import RegionBench, class_phrases, regions, view
from wordmask.lab.bench.bench import Clock, Kit, LabelledPicture, Table
from wordmask.lab.bench.options import ThresholdOptions
from wordmask.lab.metrics import retrieval
from wordmask.lab.metrics.weighting import weighted_mean

FOUND = 0.5  # IoU from which an object counts as found


class RetrievalTable(Table):
    """One row for each word and picture; a word that is not there can only be a false alarm."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        self.classes = tuple(facts["classes"])
        rows = [(picture, case) for picture, value in enumerate(values) for case in value["cases"]]
        self.pictures = len(values)
        self.picture = np.array([picture for picture, _ in rows], np.int64)
        self.label = np.array([case["label"] for _, case in rows], np.int64)
        self.cause = [case["cause"] for _, case in rows]
        steps = len(retrieval.THRESHOLDS)
        counts = [
            np.array([*zip(c["right"], c["answered"], strict=True)]).reshape(-1, 2) for _, c in rows
        ]
        truth = np.array([case["truth"] for _, case in rows], np.float64)
        sweep = np.stack(counts) if counts else np.zeros((0, steps, 2))
        self.sweep = np.concatenate(
            [sweep, np.broadcast_to(truth[:, None, None], (len(rows), steps, 1))], 2
        )
        auto = np.array([case["auto"] for _, case in rows], np.float64).reshape(-1, 2)
        self.auto = np.concatenate([auto, truth[:, None]], 1)
        self.present = truth > 0
        self.iou, self.auto_iou = retrieval.iou(self.sweep), retrieval.iou(self.auto)

    def measure(self, weights: Array) -> dict[str, float]:
        weight = weights[self.picture].astype(np.float64) * self.present
        absent = weights[self.picture].astype(np.float64) * ~self.present
        best = self._best(weight)
        precision, recall = retrieval.precision_recall(
            np.tensordot(weights[self.picture], self.auto, 1)[None]
        )
        return {
            "miou_auto": weighted_mean(weight, self.auto_iou),
            "miou_best": weighted_mean(weight, self.iou[:, best]),
            "best_threshold": float(retrieval.THRESHOLDS[best]),
            "found": weighted_mean(weight, (self.auto_iou >= FOUND).astype(float)),
            "precision": float(precision[0]),
            "recall": float(recall[0]),
            "false_alarms": weighted_mean(absent, (self.auto[:, 1] > 0).astype(float)),
        }

    def _best(self, weight: Array) -> int:
        return int((weight @ self.iou).argmax()) if len(weight) else 0

    def per_class(self) -> dict[str, dict[str, float]]:
        found = {}
        for label in np.unique(self.label).tolist():
            weight = (self.present & (self.label == label)).astype(np.float64)
            best = self._best(weight)
            found[self.classes[label]] = {
                "miou_auto": weighted_mean(weight, self.auto_iou),
                "miou_best": weighted_mean(weight, self.iou[:, best]),
                "best_threshold": float(retrieval.THRESHOLDS[best]),
                "pictures": float(weight.sum()),
            }
        return found

    def per_picture(self) -> list[dict[str, Any]]:
        best = self._best(self.present.astype(np.float64))
        found: list[dict[str, Any]] = []
        for picture in range(self.pictures):
            rows = np.flatnonzero((self.picture == picture) & self.present)
            value = float(self.auto_iou[rows].mean()) if len(rows) else float("nan")
            fixed = float(self.iou[rows, best].mean()) if len(rows) else float("nan")
            causes = sorted(
                {self.cause[row] for row in rows.tolist() if self.auto_iou[row] < FOUND}
            )
            found.append({"miou_auto": value, "miou_best": fixed, "failure": ", ".join(causes)})
        return found

    def curves(self) -> dict[str, Any]:
        weight = self.present.astype(np.float64)
        if not weight.any():
            return {}
        precision, recall = retrieval.precision_recall(self.sweep.sum(0))
        x = retrieval.THRESHOLDS.tolist()
        failed = [
            cause
            for cause, iou, here in zip(self.cause, self.auto_iou, self.present, strict=True)
            if here and iou < FOUND
        ]
        causes = {name: failed.count(name) for name in ("small", "odd pose", "clutter", "other")}
        mean = {"mean IoU": (weight @ self.iou / weight.sum()).tolist()}
        lines = mean | {"precision": precision.tolist(), "recall": recall.tolist()}
        return {
            "over the threshold": {
                "kind": "lines",
                "x": x,
                "y": lines,
                "labels": ["threshold", ""],
            },
            "why the failures failed": {"kind": "bars", "values": causes},
        }


class RetrievalBench(RegionBench[ThresholdOptions]):
    name = "retrieval"
    headline = "miou_auto"
    about = "one object by its word: mean IoU with the automatic and the best fixed threshold"
    answer = "the regions that segment returns, at its own threshold and at every other"
    options = ThresholdOptions
    table = RetrievalTable

    def min_confidence(self, kit: Kit[ThresholdOptions]) -> Confidence:
        return kit.options.min_confidence

    def score_picture(
        self, kit: Kit[ThresholdOptions], picture: LabelledPicture, clock: Clock
    ) -> dict[str, Any]:
        truth, way = picture.truth, kit.options.way
        seen = view(kit, picture.image)
        with clock.stage("predict"):
            auto = regions(kit, seen, way, self.min_confidence(kit))
            every = regions(kit, seen, way, 0.0)
        with clock.stage("score"):
            void = None if truth.exhaustive else truth.void
            cases = []
            for label in sorted(set(class_phrases(kit).owners) - {kit.data.background}):
                inside = truth.result[truth.result.label_ids == label].masks.union()
                auto_map, every_map = (
                    retrieval.score_map(found[found.label_ids == label]) for found in (auto, every)
                )
                counts = retrieval.sweep(inside, every_map, void)
                chosen = retrieval.sweep(inside, auto_map, void)[0]
                circumstances = retrieval.circumstances(inside, truth.labels)
                cases.append(
                    {
                        "label": label,
                        "truth": int(counts[0, 2]),
                        "right": counts[:, 0].tolist(),
                        "answered": counts[:, 1].tolist(),
                        "auto": chosen[:2].tolist(),
                        "cause": retrieval.cause(circumstances),
                    }
                )
            return {"cases": cases}
