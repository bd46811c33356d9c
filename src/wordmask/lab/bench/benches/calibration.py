"""Is a score of 0.8 right four times in five? For regions, and for pixels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.protocols import Dense
from wordmask.core.result import Result
from wordmask.errors import FormatError
from wordmask.lab.bench.benches.predict import regions, view
from wordmask.lab.bench.benches.rows import weighted
from wordmask.lab.bench.plan import Clock, Kit, single
from wordmask.lab.data import Dataset, Sample, Truth
from wordmask.lab.metrics import calibration
from wordmask.ops import resample
from wordmask.tasks.finding.wordmaps import WordMaps

RIGHT = 0.5  # a region is right if the share of its scored pixels that the truth gives its word is above this


class CalibrationTable:
    """Bins of every picture."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        self.regions, self.pixels = (
            np.array([value[key] for value in values], np.float64) for key in ("regions", "pixels")
        )

    def measure(self, weights: Array) -> dict[str, float]:
        found = calibration.figures(weighted(weights, self.regions))
        pixels = calibration.figures(weighted(weights, self.pixels))
        return found | {f"pixel_{name}": value for name, value in pixels.items()}

    def per_class(self) -> dict[str, dict[str, float]]:
        return {}

    def per_picture(self) -> list[dict[str, Any]]:
        found = []
        for bins, pixels in zip(self.regions, self.pixels, strict=True):
            row = calibration.figures(bins)
            found.append(
                {
                    "accuracy": row["accuracy"],
                    "ece": row["ece"],
                    "pixel_ece": calibration.figures(pixels)["ece"],
                }
            )
        return found

    def curves(self) -> dict[str, Any]:
        found = {}
        for name, bins in (("regions", self.regions.sum(0)), ("pixels", self.pixels.sum(0))):
            rows = calibration.reliability(bins)
            points = {
                "kind": "points",
                "x": rows[:, 0].tolist(),
                "y": rows[:, 1].tolist(),
                "size": rows[:, 2].tolist(),
            }
            found[f"reliability of {name}"] = points | {"labels": ["score", "share that is right"]}
        return found


class Calibration:
    name = "calibration"
    headline = "ece"
    about = "do scores mean what they say: ECE of regions and pixels, reliability"

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
        seen = view(kit, image)
        with clock.stage("predict"):
            found = regions(kit, seen, min_confidence=0.0)
            maps = seen.words(kit.words.phrases)
        if maps is None or truth.labels is None:
            raise FormatError(f"{sample.name} has no label map")
        with clock.stage("score"):
            labels = _labels(truth)
            score, right = _judged(found, labels)
            confidence, answer = best_words(maps, image.size)
            scored = (labels >= 0) & (answer >= 0)
            hits = kit.words.to_classes(answer)[scored] == labels[scored]
            bins = calibration.bins(score, right), calibration.bins(confidence[scored], hits)
            return {"regions": bins[0].tolist(), "pixels": bins[1].tolist()}

    def table(
        self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]
    ) -> CalibrationTable:
        return CalibrationTable(facts, values)


def _labels(truth: Truth) -> Array:
    return truth.labels if truth.labels is not None else np.zeros(truth.result.size, np.int32)


def _judged(found: Result, labels: Array) -> tuple[Array, Array]:
    """Scores of the regions that can be judged, and whether each is right."""
    scores, right = [], []
    for (x0, y0, x1, y1), crop, label, score in zip(
        found.masks.boxes.tolist(),
        found.masks.crops,
        found.label_ids.tolist(),
        found.scores.tolist(),
        strict=True,
    ):
        inside = labels[y0:y1, x0:x1][crop]
        known = inside[inside >= 0]
        # A region mostly in pixels that are not scored may be right or wrong: nobody knows.
        if len(known) * 2 > len(inside):
            scores.append(score)
            right.append(np.count_nonzero(known == label) > RIGHT * len(known))
    return np.array(scores), np.array(right, bool)


def best_words(maps: WordMaps, size: Size) -> tuple[Array, Array]:
    """(H, W) probability and number of each pixel's best word; -1 where "none" is best."""
    words, planes = maps.winners(maps.features.vectors.shape[:2])
    best, labels = np.full(size, -1, np.float32), np.full(size, -1, np.int32)
    for word, plane in zip(words.tolist(), planes, strict=True):
        full = resample.bilinear(plane, size)
        wins = full > best
        best[wins], labels[wins] = full[wins], word if word < len(maps) else -1
    return np.clip(best, 0, 1), labels
