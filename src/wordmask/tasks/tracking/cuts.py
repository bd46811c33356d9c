"""Where a video jumps to another scene."""

import cv2
import numpy as np

from wordmask.core.image import Array, Image

SMALL_WH = (32, 18)
BINS = 8  # for each channel of the histogram
ALIKE = 0.5  # share of two histograms in common: below it the colours are others
MOVED = 24.0  # mean difference of small pictures, of 255: below it the picture is the same


class CutDetector:
    """Looks at frame after frame; it remembers the last one, small."""

    def __init__(self) -> None:
        self._last: tuple[Array, Array] | None = None

    def sees_cut(self, frame: Image) -> bool:
        """Whether this frame belongs to another scene than the one before."""
        small = cv2.resize(frame.pixels, SMALL_WH, interpolation=cv2.INTER_AREA)
        cells = small.reshape(-1, 3).astype(np.int64) * BINS // 256
        numbers = cells @ np.array([BINS * BINS, BINS, 1])
        shares = np.bincount(numbers, minlength=BINS**3) / len(numbers)
        last, self._last = self._last, (small.astype(np.float32), shares)
        if last is None:
            return False
        moved = float(np.abs(last[0] - self._last[0]).mean())
        return moved > MOVED and float(np.minimum(last[1], shares).sum()) < ALIKE
