"""Average precision of instances, as COCO counts it (pycocotools `COCOeval`, masks), and as LVIS.

A picture becomes, for every class, a row of verdicts on its detections; the verdicts of many
pictures are joined into precision over recall. Pictures may be weighted, which a bootstrap does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.result import Result

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
RANGES = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
MAX_DETECTIONS = (1, 10, 100)


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What became of one class's detections in one picture, best first."""

    scores: Array  # (D,)
    hits: Array  # (A, D) int64, bit t set = matched at THRESHOLDS[t]
    skips: Array  # (A, D) int64, bit t set = neither right nor wrong
    truths: Array  # (A,) int64, regions to be found

    def to_json(self) -> dict[str, Any]:
        return {
            "scores": self.scores.tolist(),
            "hits": self.hits.tolist(),
            "skips": self.skips.tolist(),
            "truths": self.truths.tolist(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Verdicts":
        return cls(
            scores=np.array(value["scores"], np.float64),
            hits=np.array(value["hits"], np.int64).reshape(len(RANGES), -1),
            skips=np.array(value["skips"], np.int64).reshape(len(RANGES), -1),
            truths=np.array(value["truths"], np.int64),
        )


@dataclass(frozen=True, eq=False)
class Wanted:
    """The truth of one picture for AP."""

    result: Result
    crowd: Result | None = None  # groups: found or not, neither right nor wrong
    areas: Array | None = None  # (N,) of `result`, where the annotation gives them
    judged: frozenset[int] | None = None  # classes checked in this picture (LVIS); None = all
    # Classes whose regions are not all labelled (LVIS): a detection without a truth is no error.
    open_classes: frozenset[int] = frozenset()


def judge(wanted: Wanted, found: Result, *, limit: int = MAX_DETECTIONS[-1]) -> dict[int, Verdicts]:
    """Verdicts of one picture by class, for every class in the truth or the answer.

    `limit` is of detections per class, as in COCO (100); LVIS has one per picture (300).
    """
    truth, crowd = wanted.result, wanted.crowd
    labels = {*truth.label_ids.tolist(), *found.label_ids.tolist()}
    if crowd:
        labels |= set(crowd.label_ids.tolist())
    if wanted.judged is not None:
        labels &= wanted.judged
    areas = truth.masks.areas if wanted.areas is None else wanted.areas
    verdicts = {}
    for label in sorted(labels - {-1}):
        mine = np.flatnonzero(truth.label_ids == label)
        groups = crowd.masks[crowd.label_ids == label] if crowd else Masks.empty(truth.size)
        theirs = np.flatnonzero(found.label_ids == label)[:limit]
        detections = found.masks[theirs]
        pairs = _Pairs.of(truth.masks[mine], groups, detections, areas[mine])
        free = label in wanted.open_classes
        verdicts[label] = _verdicts(pairs, found.scores[theirs].astype(np.float64), free)
    return verdicts


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Detections of one class against its truths (single regions first, then crowds)."""

    iou: Array  # (D, G)
    crowd: Array  # (G,) bool
    truth_areas: Array  # (G,)
    areas: Array  # (D,)

    @classmethod
    def of(cls, truth: Masks, groups: Masks, detections: Masks, areas: Array) -> "_Pairs":
        # Against a crowd, what counts is the share of the detection that lies inside it.
        inside = detections.intersections(groups) / np.maximum(detections.areas, 1)[:, None]
        crowd = np.arange(len(truth) + len(groups)) >= len(truth)
        iou = np.concatenate([detections.iou(truth), inside], 1)
        return cls(iou, crowd, np.concatenate([areas, groups.areas]), detections.areas)


def _verdicts(pairs: _Pairs, scores: Array, free: bool) -> Verdicts:
    hits, skips, truths = [], [], []
    for low, high in RANGES.values():
        ignored = pairs.crowd | (pairs.truth_areas < low) | (pairs.truth_areas > high)
        outside = (pairs.areas < low) | (pairs.areas > high) | free
        order = np.argsort(ignored, kind="stable")
        rows = [
            _match(pairs.iou[:, order], pairs.crowd[order], ignored[order], threshold)
            for threshold in THRESHOLDS
        ]
        matched = np.stack([hit for hit, _ in rows])
        skipped = np.stack([skip for _, skip in rows]) | (~matched & outside)
        hits.append(_bits(matched))
        skips.append(_bits(skipped))
        truths.append(np.count_nonzero(~ignored))
    return Verdicts(scores, np.stack(hits), np.stack(skips), np.array(truths, np.int64))


def _match(iou: Array, crowd: Array, ignored: Array, threshold: float) -> tuple[Array, Array]:
    """(D,) matched, (D,) matched to something ignored.

    Each detection, best first, takes the best truth that is left. Ignored truths come last in the
    rows, and are taken only where no other fits.
    """
    count, truths = iou.shape
    matched, skipped, taken = np.zeros(count, bool), np.zeros(count, bool), np.zeros(truths, bool)
    least = min(threshold, 1 - 1e-10)
    for row in range(count):
        open_ = (~taken | crowd) & (iou[row] >= least)
        for group in (open_ & ~ignored, open_ & ignored):
            if group.any():
                values = np.where(group, iou[row], -1.0)
                # Of equal ones the last, as COCOeval has it.
                best = truths - 1 - int(np.argmax(values[::-1]))
                matched[row], skipped[row], taken[best] = True, ignored[best], True
                break
    return matched, skipped


def _bits(rows: Array) -> Array:
    """(T, D) bool -> (D,) int64."""
    packed: Array = (rows.astype(np.int64) << np.arange(len(rows))[:, None]).sum(0)
    return packed


@dataclass(frozen=True, eq=False)
class ClassTable:
    """One class over a set of pictures, its detections sorted best first."""

    pictures: Array  # (D,) which picture each detection is of
    ranks: Array  # (D,) its place within that picture
    hits: Array  # (A, D)
    skips: Array  # (A, D)
    truths: Array  # (pictures, A)

    @classmethod
    def of(cls, rows: Sequence[tuple[int, Verdicts]], pictures: int) -> "ClassTable":
        """From (picture, verdicts), in the order of the pictures."""
        truths = np.zeros((pictures, len(RANGES)), np.int64)
        for picture, verdict in rows:
            truths[picture] += verdict.truths
        verdicts = [verdict for _, verdict in rows]
        counts = [len(verdict.scores) for verdict in verdicts]
        order = np.argsort(-np.concatenate([v.scores for v in verdicts]), kind="stable")
        return cls(
            pictures=np.repeat([picture for picture, _ in rows], counts)[order],
            ranks=np.concatenate([np.arange(count) for count in counts])[order],
            hits=np.concatenate([v.hits for v in verdicts], 1)[:, order],
            skips=np.concatenate([v.skips for v in verdicts], 1)[:, order],
            truths=truths,
        )

    def curve(
        self, weights: Array, area: int = 0, limit: int = MAX_DETECTIONS[-1]
    ) -> tuple[Array, Array] | None:
        """(T, 101) precision at each recall, (T,) highest recall; None without any truth."""
        wanted = float(weights @ self.truths[:, area])
        if not wanted:
            return None
        kept = self.ranks < limit
        weight = weights[self.pictures[kept]].astype(np.float64)
        bits = np.arange(len(THRESHOLDS))[:, None]
        hit = (self.hits[area, kept] >> bits & 1).astype(bool)
        skip = (self.skips[area, kept] >> bits & 1).astype(bool)
        right, wrong = (np.cumsum(weight * group, 1) for group in (hit & ~skip, ~hit & ~skip))
        precision = np.zeros((len(THRESHOLDS), len(RECALLS)))
        if not weight.size:
            return precision, np.zeros(len(THRESHOLDS))
        recall = right / wanted
        share = right / (right + wrong + np.spacing(1))
        envelope = np.maximum.accumulate(share[:, ::-1], 1)[:, ::-1]
        for row in range(len(THRESHOLDS)):
            places = np.searchsorted(recall[row], RECALLS, side="left")
            reached = places < weight.size
            precision[row, reached] = envelope[row, places[reached]]
        return precision, recall[:, -1]


def figures(tables: Mapping[int, ClassTable], weights: Array) -> dict[str, float]:
    """COCO's twelve figures over the classes that have anything to find; nan where none has."""
    areas = list(RANGES)
    curves = {
        (label, area): table.curve(weights, index)
        for label, table in tables.items()
        for index, area in enumerate(areas)
    }
    found = {}
    for name, area, row in (
        ("ap", "all", slice(None)),
        ("ap50", "all", slice(0, 1)),
        ("ap75", "all", slice(5, 6)),
        ("ap_small", "small", slice(None)),
        ("ap_medium", "medium", slice(None)),
        ("ap_large", "large", slice(None)),
    ):
        found[name] = _mean([curve[0][row] for label in tables if (curve := curves[label, area])])
    for limit in MAX_DETECTIONS[:-1]:
        found[f"ar{limit}"] = _mean(
            [curve[1] for table in tables.values() if (curve := table.curve(weights, 0, limit))]
        )
    for name, area in (
        ("ar100", "all"),
        ("ar_small", "small"),
        ("ar_medium", "medium"),
        ("ar_large", "large"),
    ):
        found[name] = _mean([curve[1] for label in tables if (curve := curves[label, area])])
    return found


def _mean(values: list[Array]) -> float:
    return float(np.mean(np.stack(values))) if values else float("nan")
