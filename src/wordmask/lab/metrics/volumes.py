"""Figures of solids: Dice and the 95th percentile of the Hausdorff distance, one object at a time.

Dice is 2 |A and B| / (|A| + |B|). HD95 is in mm between surface voxels (those that touch the
background by a face): of the distances from each surface to the other the 95th percentile, and of
both directions the LARGER one. Distances are exact (Euclidean distance transform, with the voxels'
spacing). Where both are empty Dice is NaN, and where one is empty so is HD95: figures that are NaN
are left out of means and counted.
"""

from collections.abc import Sequence

import numpy as np

from wordmask.core.image import Array
from wordmask.ops.solids import block_of, ndimage

DEFINITIONS = {
    "dice": "2 |A and B| / (|A| + |B|); NaN where both are empty",
    "hd95": "mm between surface voxels, 95th percentile of each direction, the larger of the two; "
    "NaN where one is empty",
}


def dice(truth: Array, answer: Array) -> float:
    """
    >>> ball = np.ones((2, 2, 2), bool)
    >>> dice(ball, ball), dice(ball, ~ball)
    (1.0, 0.0)
    """
    total = int(truth.sum()) + int(answer.sum())
    return 2 * int((truth & answer).sum()) / total if total else float("nan")


def hd95(truth: Array, answer: Array, spacing: Sequence[float]) -> float:
    """mm; (I, J, K) bool each."""
    block = block_of(truth | answer, 1)
    if block is None or not truth.any() or not answer.any():
        return float("nan")
    one, other = _surface(truth[block]), _surface(answer[block])
    return max(_distances(one, other, spacing), _distances(other, one, spacing))


def _surface(solid: Array) -> Array:
    padded = np.pad(solid, 1)
    found: Array = solid & ~ndimage().binary_erosion(padded)[1:-1, 1:-1, 1:-1]
    return found


def _distances(start: Array, to: Array, spacing: Sequence[float]) -> float:
    far = ndimage().distance_transform_edt(~to, sampling=tuple(spacing))
    return float(np.percentile(far[start], 95))
