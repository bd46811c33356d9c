"""How certain a figure is: Efron's percentile bootstrap over the pictures.

Two runs over the same pictures are compared on the same resamples.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array

ROUNDS = 1000
LEVEL = 0.95

Measure = Callable[[Array], Mapping[str, float]]  # (pictures,) weights -> figures


class Difference(NamedTuple):
    """One figure of two runs."""

    first: float
    second: float
    low: float  # of second - first
    high: float
    p: float  # two-sided: how often a resample has a difference of the other sign

    @property
    def significant(self) -> bool:
        return bool(self.low > 0 or self.high < 0)


def resamples(pictures: int, *, rounds: int = ROUNDS, seed: int = 0) -> Array:
    """(rounds, pictures) int64: how often each picture is drawn; a row adds up to `pictures`."""
    if not pictures:
        return np.zeros((0, 0), np.int64)
    rng = np.random.default_rng(seed)
    return rng.multinomial(pictures, np.full(pictures, 1 / pictures), size=rounds)


def intervals(
    measure: Measure, pictures: int, *, rounds: int = ROUNDS, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """A 95 % interval for each figure; NaN where fewer than half of the resamples give a value."""
    rows = [measure(weights) for weights in resamples(pictures, rounds=rounds, seed=seed)]
    names = rows[0] if rows else measure(np.zeros(0, np.int64))
    return {name: _interval(np.array([row[name] for row in rows])) for name in names}


def paired_differences(
    first: Measure, second: Measure, pictures: int, *, rounds: int = ROUNDS, seed: int = 0
) -> dict[str, Difference]:
    """What changed from one run to another over the SAME pictures, in the same order."""
    ones = np.ones(pictures, np.int64)
    before, after = first(ones), second(ones)
    names = [name for name in before if name in after]
    pairs = [
        (first(weights), second(weights))
        for weights in resamples(pictures, rounds=rounds, seed=seed)
    ]
    found = {}
    for name in names:
        changes = np.array([b[name] - a[name] for a, b in pairs])
        low, high = _interval(changes)
        found[name] = Difference(
            float(before[name]), float(after[name]), low, high, _chance(changes)
        )
    return found


def _interval(values: Array) -> tuple[float, float]:
    kept = values[~np.isnan(values)]
    if len(kept) < 2 or len(kept) < len(values) / 2:
        return float("nan"), float("nan")
    low, high = np.quantile(kept, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)


def _chance(changes: Array) -> float:
    kept = changes[~np.isnan(changes)]
    if not len(kept):
        return float("nan")
    tail = min(np.count_nonzero(kept <= 0), np.count_nonzero(kept >= 0))
    return float(min(1.0, 2 * (tail + 1) / (len(kept) + 1)))
