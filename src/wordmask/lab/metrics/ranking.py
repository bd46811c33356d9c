"""Search: does what was asked for come first?"""

from collections.abc import Sequence

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import MaskError


def similarities(vectors: Array) -> Array:
    """(N, N) cosine similarity of (N, D) rows.

    Rounded to 1e-6, so that the order does not depend on the last bit.
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = np.divide(vectors, norms, out=np.zeros(vectors.shape), where=norms > 0)
    found: Array = np.round(rows @ rows.T, 6)
    return found


def relevance(scores: Array, labels: Array, groups: Array) -> list[Array]:
    """For every query row its hits in order, best first: True where the label is the query's.

    (N, N) scores; (N,) labels; (N,) groups: a query does not search its own group (its picture).
    """
    if scores.shape != (len(labels), len(labels)) or len(groups) != len(labels):
        raise MaskError(
            f"{scores.shape} scores, {len(labels)} labels and {len(groups)} groups do not fit"
        )
    found = []
    for row in range(len(labels)):
        others = np.flatnonzero(groups != groups[row])
        order = others[np.argsort(-scores[row, others], kind="stable")]
        found.append(labels[order] == labels[row])
    return found


def recall_at(hits: Array, count: int) -> float:
    """1 where one of the first `count` is right, else 0; NaN where nothing could be right."""
    return float(hits[:count].any()) if hits.any() else float("nan")


def average_precision(hits: Array, weights: Array | None = None) -> float:
    """Mean precision at each right answer; NaN where nothing could be right.

    `weights`: how often each answer is there.

    >>> round(average_precision(np.array([True, False, True])), 4)
    0.8333
    """
    often = np.ones(len(hits)) if weights is None else weights.astype(np.float64)
    places = np.flatnonzero(hits & (often > 0))
    if not len(places):
        return float("nan")
    right = often[places]
    return float((right * (right.cumsum() / often.cumsum()[places])).sum() / right.sum())


def figures(hits: Sequence[Array], *, counts: Sequence[int] = (1, 5, 10)) -> dict[str, float]:
    """recall@k and mAP over the queries that could be answered."""
    rows = [row for row in hits if row.any()]
    if not rows:
        return {**{f"recall@{count}": np.nan for count in counts}, "map": np.nan}
    recalls = {
        f"recall@{count}": float(np.mean([recall_at(row, count) for row in rows]))
        for count in counts
    }
    return {**recalls, "map": float(np.mean([average_precision(row) for row in rows]))}
