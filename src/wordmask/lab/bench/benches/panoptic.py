"""Things and stuff without overlap: panoptic quality."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.options import Confidence
from wordmask.lab.bench.answers import RegionBench, regions, view
from wordmask.lab.bench.bench import Clock, Kit, LabelledPicture, Table
from wordmask.lab.bench.json_rows import dense_rows, sparse_rows
from wordmask.lab.bench.options import ThresholdOptions
from wordmask.lab.data import VOID, Truth
from wordmask.lab.metrics import panoptic
from wordmask.lab.metrics.panoptic import Segments
from wordmask.lab.metrics.weighting import weighted_sum


def truth_segments(truth: Truth, classes: int) -> Segments:
    """The truth's segments; scored pixels in none of them become one segment of class `classes`."""
    segments = Segments.of(truth.result, truth.crowd)
    rest = segments.ids == panoptic.VOID
    if truth.labels is not None and not truth.exhaustive:
        rest &= truth.labels != VOID
    if not rest.any():
        return segments
    ids = np.where(rest, len(segments.labels), segments.ids)
    crowd = np.append(
        segments.crowd if segments.crowd is not None else np.zeros(len(segments.labels), bool),
        False,
    )
    return Segments(ids, np.append(segments.labels, classes), crowd)


class PanopticTable(Table):
    """Counts of every picture and class."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        self.classes = tuple(facts["classes"])
        self.counts = np.stack(
            [dense_rows(value["counts"], len(self.classes), 4) for value in values]
        )

    def measure(self, weights: Array) -> dict[str, float]:
        return panoptic.figures(weighted_sum(weights, self.counts))

    def per_class(self) -> dict[str, dict[str, float]]:
        sums = self.counts.sum(0)
        qualities = panoptic.class_quality(sums).tolist()
        truths = (sums[:, 1] + sums[:, 3]).tolist()
        found = {}
        for name, (pq, sq, rq), count in zip(self.classes, qualities, truths, strict=True):
            if not np.isnan(pq):
                found[name] = {"pq": pq, "sq": sq, "rq": rq, "truths": count}
        return found

    def per_picture(self) -> list[dict[str, Any]]:
        return [dict(panoptic.figures(counts)) for counts in self.counts]


class PanopticBench(RegionBench[ThresholdOptions]):
    name = "panoptic"
    headline = "pq"
    about = "things and stuff without overlap: PQ, SQ, RQ"
    answer = "the regions that segment returns"
    options = ThresholdOptions
    table = PanopticTable

    def min_confidence(self, kit: Kit[ThresholdOptions]) -> Confidence:
        return kit.options.min_confidence

    def score_picture(
        self, kit: Kit[ThresholdOptions], picture: LabelledPicture, clock: Clock
    ) -> dict[str, Any]:
        seen = view(kit, picture.image)
        with clock.stage("predict"):
            found = regions(kit, seen, kit.options.way, self.min_confidence(kit))
        with clock.stage("score"):
            classes = len(kit.data.classes)
            truth = truth_segments(picture.truth, classes)
            counts = panoptic.quality_counts(truth, Segments.of(found), classes + 1)
            return {"counts": sparse_rows(counts[:classes])}
