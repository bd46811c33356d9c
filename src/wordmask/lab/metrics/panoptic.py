"""Panoptic quality (Kirillov et al. 2019).

Segments match above an IoU of 0.5, so that each has at most one match.
"""

from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array
from wordmask.core.result import Result
from wordmask.errors import MaskError

VOID = -1


@dataclass(frozen=True, eq=False)
class Segments:
    """A picture cut into segments without overlap."""

    ids: Array  # (H, W) int, row into `labels`, VOID = in no segment
    labels: Array  # (N,) class of each segment
    # (N,) bool, groups: they match nothing, and an answer that lies in one is not wrong.
    crowd: Array | None = None

    @classmethod
    def of(cls, result: Result, crowd: Result | None = None) -> "Segments":
        """From a result, without unnamed regions; where two overlap, the better score counts."""
        named = np.flatnonzero(result.label_ids >= 0)
        ids = np.full(result.size, VOID, np.int32)
        groups = Result.nothing(result.size) if crowd is None else crowd
        for index in range(len(groups)):
            groups.masks.paint(ids, index, len(named) + index)
        for row in range(len(named) - 1, -1, -1):
            result.masks.paint(ids, int(named[row]), row)
        labels = np.concatenate([result.label_ids[named], groups.label_ids])
        return cls(ids, labels, np.arange(len(labels)) >= len(named))


def quality_counts(truth: Segments, predicted: Segments, classes: int) -> Array:
    """(C, 4) float64 of one picture.

    Sum of IoU over the matches, number of matches, of answers without truth, of truths without
    answer. As in panopticapi, an answer of which more than half lies in void, or in a crowd of its
    own class, is not counted.
    """
    if truth.ids.shape != predicted.ids.shape:
        raise MaskError(
            f"truth {truth.ids.shape} and answer {predicted.ids.shape} must be of one picture"
        )
    shared = _overlaps(truth, predicted)
    crowd = np.zeros(len(truth.labels), bool) if truth.crowd is None else truth.crowd
    truth_areas, areas = shared[1:].sum(1), shared[:, 1:].sum(0)
    inner, void = shared[1:, 1:], shared[0, 1:]
    one_class = truth.labels[:, None] == predicted.labels[None]
    same = one_class & ~crowd[:, None]
    union = truth_areas[:, None] + areas[None] - inner - void[None]
    iou = np.where(same, np.divide(inner, union, out=np.zeros(inner.shape), where=union > 0), 0.0)
    rows, columns = np.nonzero(iou > 0.5)
    excused = void + (inner * (crowd[:, None] & one_class)).sum(0)
    wrong = (areas > 0) & (excused * 2 <= areas)
    wrong[columns] = False
    missed = ~crowd & (truth_areas > 0)
    missed[rows] = False
    return np.stack(
        [
            np.bincount(truth.labels[rows], iou[rows, columns], minlength=classes),
            np.bincount(truth.labels[rows], minlength=classes),
            np.bincount(predicted.labels[wrong], minlength=classes),
            np.bincount(truth.labels[missed], minlength=classes),
        ],
        1,
    )


def class_quality(sums: Array) -> Array:
    """(C, 3) PQ, SQ and RQ of each class; NaN for a class that does not occur."""
    total, right, wrong, missed = (sums[:, k] for k in range(4))
    seen = right + wrong / 2 + missed / 2
    nothing = np.full(len(sums), np.nan)
    pq = np.divide(total, seen, out=nothing.copy(), where=seen > 0)
    sq = np.divide(total, right, out=np.where(seen > 0, 0.0, np.nan), where=right > 0)
    return np.stack([pq, sq, np.divide(right, seen, out=nothing.copy(), where=seen > 0)], 1)


def figures(sums: Array) -> dict[str, float]:
    """PQ, SQ, RQ: means over the classes that occur."""
    rows = class_quality(sums)
    rows = rows[~np.isnan(rows[:, 0])]
    means = rows.mean(0) if len(rows) else np.full(3, np.nan)
    return dict(zip(("pq", "sq", "rq"), (float(value) for value in means), strict=True))


def _overlaps(truth: Segments, predicted: Segments) -> Array:
    """(N + 1, M + 1) int64 pixels that each pair shares; row and column 0 are void."""
    rows, columns = len(truth.labels) + 1, len(predicted.labels) + 1
    cells = (truth.ids.astype(np.int64) + 1) * columns + predicted.ids + 1
    return np.bincount(cells.ravel(), minlength=rows * columns).reshape(rows, columns)
