"""Is a score of 0.8 right four times in five? For regions, and for pixels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.protocols import Dense
from wordmask.core.result import Result
from wordmask.errors import FormatError
from wordmask.lab.bench.answers import WordBench, class_phrases, regions, view, word_maps
from wordmask.lab.bench.bench import Clock, Kit, LabelledPicture, Table
from wordmask.lab.bench.options import RegionOptions
from wordmask.lab.metrics import calibration
from wordmask.lab.metrics.weighting import weighted_sum
from wordmask.ops import resample
from wordmask.tasks.finding.wordmaps import WordMaps

RIGHT = 0.5  # a region is right if the truth gives its word to more than this share of its pixels


class CalibrationTable(Table):
    """Bins of every picture."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        self.regions, self.pixels = (
            np.array([value[key] for value in values], np.float64) for key in ("regions", "pixels")
        )

    def measure(self, weights: Array) -> dict[str, float]:
        found = calibration.figures(weighted_sum(weights, self.regions))
        pixels = calibration.figures(weighted_sum(weights, self.pixels))
        return found | {f"pixel_{name}": value for name, value in pixels.items()}

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


class CalibrationBench(WordBench[RegionOptions]):
    name = "calibration"
    headline = "ece"
    about = "do scores mean what they say: ECE of regions and pixels, reliability"
    answer = "every region whatever its score, and the probability of each pixel's best word"
    options = RegionOptions
    table = CalibrationTable

    def way(self, kit: Kit[RegionOptions]) -> str:
        return kit.options.way

    def check(self, kit: Kit[RegionOptions]) -> None:
        super().check(kit)
        kit.models.get(Dense)

    def score_picture(
        self, kit: Kit[RegionOptions], picture: LabelledPicture, clock: Clock
    ) -> dict[str, Any]:
        labels = picture.truth.labels
        if labels is None:
            raise FormatError(f"{picture.sample.name} has no label map")
        phrases = class_phrases(kit)
        seen = view(kit, picture.image)
        with clock.stage("predict"):
            found = regions(kit, seen, kit.options.way, 0.0)
            maps = word_maps(kit, seen)
        with clock.stage("score"):
            confidence, answer = best_words(maps, picture.image.size)
            scored = (labels >= 0) & (answer >= 0)
            right = phrases.to_classes(answer)[scored] == labels[scored]
            return {
                "regions": calibration.bins(*judge_regions(found, labels)).tolist(),
                "pixels": calibration.bins(confidence[scored], right).tolist(),
            }


def judge_regions(found: Result, labels: Array) -> tuple[Array, Array]:
    """Scores of the regions that can be judged, and whether each is right.

    A region mostly in pixels that are not scored may be right or wrong: nobody knows.
    """
    scores, right = [], []
    rows = zip(
        found.masks.boxes.tolist(),
        found.masks.crops,
        found.label_ids.tolist(),
        found.scores.tolist(),
        strict=True,
    )
    for (x0, y0, x1, y1), crop, label, score in rows:
        inside = labels[y0:y1, x0:x1][crop]
        known = inside[inside >= 0]
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
