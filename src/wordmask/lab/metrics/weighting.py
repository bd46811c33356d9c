"""Sums and means over pictures of which each counts as often as its weight says."""

import numpy as np

from wordmask.core.image import Array


def weighted_sum(weights: Array, rows: Array) -> Array:
    """Sum of (P, ...) rows, each times its (P,) weight."""
    total: Array = np.tensordot(weights.astype(np.float64), rows, 1)
    return total


def weighted_mean(weights: Array, values: Array) -> float:
    """Mean of the (P,) values that are not NaN; NaN where none is left."""
    known = ~np.isnan(values) & (weights > 0)
    total = float(weights[known].sum())
    return float(weights[known] @ values[known] / total) if total else float("nan")
