"""Does a confidence of 0.8 mean right four times in five? Bins that add up over a set."""

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import OptionError

BINS = 15


def bins(confidence: Array, right: Array, *, count: int = BINS) -> Array:
    """(count, 3) float64 over equal widths of [0, 1]: how many, sum of confidence, how many right.

    A value on an inner border belongs to the bin below, as in Guo et al. 2017.
    """
    values = np.asarray(confidence, np.float64).ravel()
    if len(values) and not ((values >= 0) & (values <= 1)).all():
        raise OptionError(f"confidences lie in [0, 1], got {values.min()} to {values.max()}")
    places = np.clip(np.ceil(values * count).astype(np.int64) - 1, 0, count - 1)
    columns = [
        np.bincount(places, weight, minlength=count).astype(np.float64)
        for weight in (None, values, np.asarray(right, np.float64).ravel())
    ]
    return np.stack(columns, 1)


def figures(sums: Array) -> dict[str, float]:
    """ECE, the largest gap of a bin (MCE), mean confidence less accuracy, and accuracy."""
    total = sums[:, 0].sum()
    if not total:
        return {"ece": np.nan, "mce": np.nan, "overconfidence": np.nan, "accuracy": np.nan}
    used = sums[:, 0] > 0
    gaps = (sums[used, 1] - sums[used, 2]) / sums[used, 0]
    share = sums[used, 0] / total
    return {
        "ece": float(share @ np.abs(gaps)),
        "mce": float(np.abs(gaps).max()),
        "overconfidence": float(share @ gaps),
        "accuracy": float(sums[:, 2].sum() / total),
    }


def reliability(sums: Array) -> Array:
    """(used bins, 3): mean confidence, share right, how many."""
    used = sums[sums[:, 0] > 0]
    return np.stack([used[:, 1] / used[:, 0], used[:, 2] / used[:, 0], used[:, 0]], 1)
