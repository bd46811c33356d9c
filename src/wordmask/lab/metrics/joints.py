"""How well joints are found: object keypoint similarity (OKS), as COCO counts it."""

from collections.abc import Sequence

import numpy as np

from wordmask.core.image import Array
from wordmask.core.poses import SPREADS

THRESHOLDS = tuple(round(0.5 + 0.05 * k, 2) for k in range(10))


def oks(found: Array, real: Array, area: float, spreads: Sequence[float] = SPREADS) -> float:
    """Mean over the joints that are labelled of exp(-d^2 / (2 area (2 spread)^2)); NaN without one.

    `found` (J, 2 or more) x, y; `real` (J, 3) x, y and COCO's 0 not labelled, 1 hidden, 2 visible;
    `area` of the person in pixels.
    """
    labelled = real[:, 2] > 0
    if not labelled.any():
        return float("nan")
    squares = ((found[labelled, :2] - real[labelled, :2]) ** 2).sum(1)
    widths = (2 * np.asarray(spreads)[labelled]) ** 2
    return float(np.exp(-squares / (2 * (area + np.spacing(1)) * widths)).mean())
