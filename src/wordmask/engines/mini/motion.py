"""A mask moved on by what moves between two frames: a tenth of the time of looking again."""

from dataclasses import dataclass

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.engines.mini.close_up import CloseUp
from wordmask.ops import resample

SIDE = 256  # of a square with the pixels in which motion is measured


@dataclass(frozen=True, eq=False)
class Motion:
    """A frame's surroundings of an object, in grey, and where it is in them."""

    window: CloseUp
    grey: Array  # (h, w) uint8
    logits: Array  # (h, w) float32
    score: float

    @classmethod
    def of(cls, window: CloseUp, frame: Array, logits: Array, score: float) -> "Motion":
        """From a frame (H, W, 3) and logits of any resolution over the window."""
        height, width = window.y1 - window.y0, window.x1 - window.x0
        scale = min(1.0, SIDE / float(height * width) ** 0.5)
        size = (max(16, round(height * scale)), max(16, round(width * scale)))
        grey = _grey(window, frame, size)
        return cls(window, grey, resample.bilinear(logits, size), score)

    @property
    def nbytes(self) -> int:
        return int(self.grey.nbytes + self.logits.nbytes)

    def move_on(self, frame: Array) -> Array | None:
        """(h, w) logits over the window in the next frame; None where the object leaves it."""
        height, width = self.grey.shape
        grey = _grey(self.window, frame, (height, width))
        # For each pixel of the new frame, where it was in the old one.
        dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        flow = np.asarray(dis.calc(grey, self.grey, np.zeros((height, width, 2), np.float32)))
        xs = flow[..., 0] + np.arange(width, dtype=np.float32)
        ys = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
        moved = cv2.remap(self.logits, xs, ys, cv2.INTER_LINEAR, borderValue=-8.0)
        before, after = int((self.logits > 0).sum()), int((moved > 0).sum())
        return np.asarray(moved) if after > 0.5 * before else None


def _grey(window: CloseUp, frame: Array, size: tuple[int, int]) -> Array:
    part = np.ascontiguousarray(window.part_of(frame))
    return resample.stretch(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), size)
