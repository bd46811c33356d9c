"""The One-Euro filter (Casiez, Roussel, Vogel 2012): what is still stays, what is fast lags not.

A low-pass filter whose cutoff grows with the speed of what it smooths.
"""

from dataclasses import dataclass
from math import pi

import numpy as np

from wordmask.core.image import Array

SPEED_CUTOFF = 1.0  # Hz, of the speeds themselves


@dataclass(frozen=True, eq=False)
class Smoothed:
    """Values (..., D) at one time, and how fast they move; NaN where none is known."""

    time_s: float
    values: Array
    speeds: Array  # per second


def smooth(
    before: Smoothed | None, values: Array, time_s: float, *, cutoff: float, beta: float
) -> Smoothed:
    """The next values, smoothed; `cutoff` (Hz) of what stands still, `beta` (1 / unit) of speed.

    A value that was NaN before starts anew, and one that is NaN now is forgotten.
    """
    values = np.asarray(values, np.float64)
    if before is None or time_s <= before.time_s:
        return Smoothed(time_s, values, np.zeros_like(values))
    step = time_s - before.time_s
    known = np.isfinite(before.values)
    raw = np.where(known, (values - before.values) / step, 0.0)
    speeds = np.where(
        known, before.speeds + _share(SPEED_CUTOFF, step) * (raw - before.speeds), 0.0
    )
    # The speed of a point, not of its coordinates one by one.
    pace = np.linalg.norm(speeds, axis=-1, keepdims=True)
    moved = before.values + _share(cutoff + beta * pace, step) * (values - before.values)
    return Smoothed(time_s, np.where(known, moved, values), np.where(np.isnan(values), 0.0, speeds))


def _share(cutoff: Array | float, step: float) -> Array:
    """How much of the way to a new value is gone in a step of so many seconds."""
    return np.asarray(1 / (1 + 1 / (2 * pi * np.asarray(cutoff) * step)))
