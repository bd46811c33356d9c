"""Things and stuff without overlap: panoptic quality."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import FormatError
from wordmask.lab.bench.benches.predict import regions, view
from wordmask.lab.bench.benches.rows import dense_rows, sparse_rows, weighted
from wordmask.lab.bench.plan import Clock, Kit, single
from wordmask.lab.data import VOID, Dataset, Sample, Truth
from wordmask.lab.metrics import panoptic
from wordmask.lab.metrics.panoptic import Segments


def truth_segments(truth: Truth, classes: int) -> Segments:
    """The truth's segments; what is scored but in none becomes one of the extra class `classes`."""
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


class PanopticTable:
    """Counts of every picture and class."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        self.classes = tuple(facts["classes"])
        self.counts = np.stack(
            [dense_rows(value["counts"], len(self.classes), 4) for value in values]
        )

    def measure(self, weights: Array) -> dict[str, float]:
        return panoptic.figures(weighted(weights, self.counts))

    def per_class(self) -> dict[str, dict[str, float]]:
        sums = self.counts.sum(0)
        rows = panoptic.class_quality(sums)
        return {
            name: {"pq": pq, "sq": sq, "rq": rq, "truths": truths}
            for name, (pq, sq, rq), truths in zip(
                self.classes, rows.tolist(), (sums[:, 1] + sums[:, 3]).tolist(), strict=True
            )
            if not np.isnan(pq)
        }

    def per_picture(self) -> list[dict[str, Any]]:
        return [dict(panoptic.figures(counts)) for counts in self.counts]

    def curves(self) -> dict[str, Any]:
        return {}


class Panoptic:
    name = "panoptic"
    headline = "pq"
    about = "things and stuff without overlap: PQ, SQ, RQ"

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
            found = regions(kit, seen, min_confidence=kit.options.min_confidence)
        with clock.stage("score"):
            count = len(kit.data.classes)
            counts = panoptic.quality_counts(
                truth_segments(truth, count), Segments.of(found), count + 1
            )
            return {"counts": sparse_rows(counts[:count])}

    def table(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> PanopticTable:
        return PanopticTable(facts, values)
