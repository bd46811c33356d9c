"""One object through a video: region J, boundary F (DAVIS, Perazzi et al. 2016), stability."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, hypot

import cv2
import numpy as np

from wordmask.core.image import Array

TOLERANCE = 0.008  # of the diagonal: how far a boundary may be off


def region(truth: Array, mask: Array) -> float:
    """J: IoU of two (H, W) bool masks; 1 where both are empty."""
    union = np.count_nonzero(truth | mask)
    return np.count_nonzero(truth & mask) / union if union else 1.0


def edges(mask: Array) -> Array:
    """(H, W) bool: the pixels that differ from the one right, below or right below."""
    right, below, corner = (np.zeros_like(mask) for _ in range(3))
    right[:, :-1] = mask[:, :-1] ^ mask[:, 1:]
    below[:-1] = mask[:-1] ^ mask[1:]
    corner[:-1, :-1] = mask[:-1, :-1] ^ mask[1:, 1:]
    return right | below | corner


def boundary(truth: Array, mask: Array, *, tolerance: float = TOLERANCE) -> float:
    """F: harmonic mean of the shares of each boundary that lie within `tolerance` of the other."""
    reach = ceil(tolerance * hypot(*truth.shape)) if tolerance < 1 else int(tolerance)
    span = np.arange(-reach, reach + 1)
    disk = (span[:, None] ** 2 + span[None] ** 2 <= reach**2).astype(np.uint8)
    mine, theirs = edges(truth), edges(mask)
    near_mine, near_theirs = (
        cv2.dilate(edge.astype(np.uint8), disk).astype(bool) for edge in (mine, theirs)
    )
    if not mine.any() or not theirs.any():
        # One without a boundary: DAVIS gives 0, and 1 where both lack one.
        return float(not mine.any() and not theirs.any())
    precision = np.count_nonzero(theirs & near_mine) / np.count_nonzero(theirs)
    recall = np.count_nonzero(mine & near_theirs) / np.count_nonzero(mine)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def stability(truths: Sequence[Array], masks: Sequence[Array]) -> float:
    """1 - the mean difference, frame to frame, of how much answer and truth keep of themselves.

    1 where the answer moves exactly as much as the truth does; flicker and freezing both lower it.
    """
    moves = [_steps(frames) for frames in (truths, masks)]
    return 1 - float(np.abs(moves[0] - moves[1]).mean()) if len(moves[0]) else 1.0


def _steps(frames: Sequence[Array]) -> Array:
    return np.array([region(before, after) for before, after in pairwise(frames)])


def summary(values: Sequence[float]) -> dict[str, float]:
    """Over an object's frames: mean, recall (share above 0.5), decay (first - last quarter).

    Neighbouring quarters share the frame between them, as in DAVIS.
    """
    frames = np.asarray(values, np.float64)
    if not len(frames):
        return {"mean": np.nan, "recall": np.nan, "decay": np.nan}
    ends = np.floor(np.linspace(1, len(frames), 5) + 0.5).astype(int) - 1
    decay = frames[: ends[1] + 1].mean() - frames[ends[3] :].mean()
    return {
        "mean": float(frames.mean()),
        "recall": float((frames > 0.5).mean()),
        "decay": float(decay),
    }
