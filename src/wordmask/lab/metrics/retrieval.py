"""Find one object by its word: IoU at every threshold of a score, and why it failed."""

import numpy as np

from wordmask.core.image import Array
from wordmask.core.result import Result
from wordmask.errors import MaskError

THRESHOLDS = np.round(np.linspace(0.0, 0.99, 100), 2)


def score_map(result: Result) -> Array:
    """(H, W) float32: at each pixel the best score of the regions over it, -1 for none."""
    scores = np.full(result.size, -1, np.float32)
    for index in range(len(result) - 1, -1, -1):
        result.masks.paint(scores, index, result.scores[index])
    return scores


def sweep(truth: Array, scores: Array, void: Array | None = None) -> Array:
    """(T, 3) int64 at each of THRESHOLDS: pixels right, answered, and in the truth.

    A pixel is answered where its score is at least the threshold. One histogram serves all
    thresholds.
    """
    if truth.shape != scores.shape:
        raise MaskError(f"truth {truth.shape} and scores {scores.shape} must be of one picture")
    scored = np.ones(truth.shape, bool) if void is None else ~void
    # A score belongs to all thresholds up to it; -1, no region, belongs to none.
    places = np.searchsorted(
        THRESHOLDS.astype(np.float32), scores[scored].astype(np.float32), side="right"
    )
    inside = truth[scored]
    count = len(THRESHOLDS) + 1
    right, answered = (
        np.bincount(group, minlength=count)[1:] for group in (places[inside], places)
    )
    totals = [np.cumsum(values[::-1])[::-1] for values in (right, answered)]
    return np.stack([*totals, np.full(len(THRESHOLDS), np.count_nonzero(inside))], 1)


def iou(counts: Array) -> Array:
    """(...,) IoU of (..., 3) pixels right, answered and in the truth; 1 where both are empty."""
    right, answered, truth = (counts[..., k].astype(np.float64) for k in range(3))
    union = answered + truth - right
    return np.divide(right, union, out=np.ones(union.shape), where=union > 0)


def precision_recall(sums: Array) -> tuple[Array, Array]:
    """(T,) precision (1 where nothing is answered) and recall of (T, 3) pixels."""
    right, answered, truth = (sums[:, k].astype(np.float64) for k in range(3))
    precision = np.divide(right, answered, out=np.ones(len(sums)), where=answered > 0)
    return precision, np.divide(right, truth, out=np.full(len(sums), np.nan), where=truth > 0)


def circumstances(truth: Array, labels: Array | None = None) -> dict[str, float]:
    """What makes an object (H, W) hard to find.

    `size`: its share of the picture. `clutter`: other classes within half its extent around it.
    `oddness`: 1 - its area / that of the ellipse with its second moments; 0 for a filled ellipse,
    towards 1 for thin, bent or broken shapes.
    """
    rows, columns = np.nonzero(truth)
    if not len(rows):
        return {"size": 0.0, "clutter": 0.0, "oddness": 0.0}
    spread = np.eye(2) / 12  # of a single pixel
    if len(rows) > 1:
        spread = np.cov(np.stack([columns, rows])) + spread
    ellipse = 4 * np.pi * float(np.sqrt(np.linalg.det(spread)))
    clutter = 0.0
    if labels is not None:
        near = labels[_around(rows, truth.shape[0]), _around(columns, truth.shape[1])]
        clutter = float(len(np.unique(near[near >= 0])) - 1)
    return {
        "size": len(rows) / truth.size,
        "clutter": clutter,
        "oddness": max(0.0, 1 - len(rows) / ellipse),
    }


def cause(case: dict[str, float]) -> str:
    """The likeliest reason of a failure: the first of its circumstances that is unusual."""
    if case["size"] < 0.01:
        return "small"
    if case["oddness"] > 0.35:
        return "odd pose"
    return "clutter" if case["clutter"] >= 6 else "other"


def _around(places: Array, limit: int) -> slice:
    """From the first place to the last, with half of that extent on both sides."""
    reach = int(np.ptp(places)) // 2 + 1
    return slice(max(0, int(places.min()) - reach), min(limit, int(places.max()) + reach + 1))
