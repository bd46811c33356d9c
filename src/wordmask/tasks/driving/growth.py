"""When something that grows in the picture reaches the camera (Lee 1976).

A thing of fixed size that comes nearer at a steady speed has an area A ~ 1 / Z^2, so 1 / sqrt(A)
falls along a straight line that meets zero at the camera's plane: tau = 2 A / (dA / dt).
"""

from collections.abc import Sequence

import numpy as np

WINDOW = 10  # frames over which the line is fitted
LEAST = 6  # frames below which nothing is said
LONGEST = 10.0  # s: beyond it the noise of the area is larger than its growth


def time_to_contact(areas: Sequence[float], times: Sequence[float]) -> float | None:
    """Seconds from the last of the times, by the last `WINDOW` areas; None where it does not come
    nearer, or in more than `LONGEST`.

    >>> times = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    >>> round(time_to_contact([1 / (3 - t) ** 2 for t in times], times), 3)
    2.5
    """
    sizes = np.array(areas[-WINDOW:], np.float64)
    when = np.array(times[-WINDOW:], np.float64)
    if len(sizes) < LEAST or sizes.min() <= 0 or when[-1] <= when[0]:
        return None
    slope, now = np.polyfit(when - when[-1], 1 / np.sqrt(sizes), 1)
    if slope >= 0:
        return None
    seconds = float(-now / slope)
    return seconds if 0 < seconds <= LONGEST else None
