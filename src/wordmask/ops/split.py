"""One owner for every pixel of objects whose networks did not see each other."""

from collections.abc import Sequence

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.ops import resample


def split_logits(logits: Sequence[Array | None], size: Size) -> Masks:
    """N masks of a picture of `size`: a pixel belongs to the object whose logit is highest there.

    Each has logits (h, w) that cover the picture, or None where it is not in it, which gives an
    empty mask. A pixel whose highest logit is 0 or less belongs to none; of equal ones the first
    has it.
    """
    best = np.zeros(size, np.float32)
    owners = np.full(size, -1, np.int32)
    for row, plane in enumerate(logits):
        if plane is None:
            continue
        full = resample.bilinear(np.asarray(plane, np.float32), size)
        wins = full > best
        np.copyto(best, full, where=wins)
        owners[wins] = row
    found, rows = Masks.from_label_map(owners)
    corners = np.zeros((len(logits), 2), np.int32)
    crops = [np.zeros((0, 0), bool)] * len(logits)
    for row, corner, crop in zip(rows.tolist(), found.corners, found.crops, strict=True):
        corners[row], crops[row] = corner, crop
    return Masks(size, corners, tuple(crops))
