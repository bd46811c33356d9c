"""Find one object by its word: which threshold would have been best, what the automatic one gives, and what fails."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import FormatError
from wordmask.lab.bench.benches.predict import regions, view
from wordmask.lab.bench.benches.rows import mean_over
from wordmask.lab.bench.plan import Clock, Kit, single
from wordmask.lab.data import Dataset, Sample
from wordmask.lab.metrics import retrieval

FOUND = 0.5  # IoU from which an object counts as found


class RetrievalTable:
    """One row for each word that is in a picture; words that are not can only be false alarms."""

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
            "miou_auto": mean_over(weight, self.auto_iou),
            "miou_best": mean_over(weight, self.iou[:, best]),
            "best_threshold": float(retrieval.THRESHOLDS[best]),
            "found": mean_over(weight, (self.auto_iou >= FOUND).astype(float)),
            "precision": float(precision[0]),
            "recall": float(recall[0]),
            "false_alarms": mean_over(absent, (self.auto[:, 1] > 0).astype(float)),
        }

    def _best(self, weight: Array) -> int:
        return int((weight @ self.iou).argmax()) if len(weight) else 0

    def per_class(self) -> dict[str, dict[str, float]]:
        found = {}
        for label in np.unique(self.label).tolist():
            weight = (self.present & (self.label == label)).astype(np.float64)
            best = self._best(weight)
            found[self.classes[label]] = {
                "miou_auto": mean_over(weight, self.auto_iou),
                "miou_best": mean_over(weight, self.iou[:, best]),
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


class Retrieval:
    name = "retrieval"
    headline = "miou_auto"
    about = "one object by its word: mean IoU with the automatic and the best fixed threshold"

    def units(self, data: Dataset) -> Sequence[tuple[Sample, ...]]:
        return single(data)

    def check(self, kit: Kit) -> None:
        if not kit.data.classes:
            raise FormatError(f"{kit.data.name} has regions without names; use the task clicks")

    def score(self, kit: Kit, unit: tuple[Sample, ...], clock: Clock) -> dict[str, Any]:
        (sample,) = unit
        with clock.stage("read"):
            image, truth = kit.data.image(sample), kit.data.truth(sample)
        seen = view(kit, image)
        with clock.stage("predict"):
            auto = regions(kit, seen, min_confidence=kit.options.min_confidence)
            every = regions(kit, seen, min_confidence=0.0)
        with clock.stage("score"):
            void = None if truth.exhaustive else truth.void
            cases = []
            for label in sorted(set(kit.words.owners) - {kit.data.background}):
                inside = truth.result[truth.result.label_ids == label].masks.union()
                picked = [
                    retrieval.score_map(found[found.label_ids == label]) for found in (auto, every)
                ]
                cases.append(
                    _case(label, inside, picked[0], picked[1], void) | _hard(inside, truth.labels)
                )
            return {"cases": cases}

    def table(
        self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]
    ) -> RetrievalTable:
        return RetrievalTable(facts, values)


def _case(
    label: int, inside: Array, auto: Array, every: Array, void: Array | None
) -> dict[str, Any]:
    counts = retrieval.sweep(inside, every, void)
    taken = retrieval.sweep(inside, auto, void)[0]
    return {
        "label": label,
        "truth": int(counts[0, 2]),
        "right": counts[:, 0].tolist(),
        "answered": counts[:, 1].tolist(),
        "auto": taken[:2].tolist(),
    }


def _hard(inside: Array, labels: Array | None) -> dict[str, Any]:
    case = retrieval.circumstances(inside, labels)
    return {"cause": retrieval.cause(case)}
