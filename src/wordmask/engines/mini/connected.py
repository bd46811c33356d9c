"""One click means one thing: of the pieces of a mask only those that were asked for are kept."""

import numpy as np

from wordmask.core.image import Array
from wordmask.model.mini.constants import FINE, POSITIVE, STRIDE, TOP_LEFT
from wordmask.ops.regions import keep_touching


def keep_asked(masks: Array, xy: Array, kind: Array, before: Array) -> Array:
    """(P, C, h, w) logits at stride 4, where only clicks speak: each piece that stays holds a click
    on the thing, or a part of the earlier mask.

    xy (P, K, 2) and kind (P, K) as the network takes them, before (P, 1, h / 2, w / 2) logits of
    earlier masks. A box may hold a thing that something in front of it cuts in two.
    """
    kept = masks
    for row in np.flatnonzero(~(kind == TOP_LEFT).any(1) & (kind == POSITIVE).any(1)):
        seeds = np.repeat(np.repeat(before[row, 0] > 0, STRIDE // FINE, 0), STRIDE // FINE, 1)
        x, y = (xy[row, kind[row] == POSITIVE].T / FINE).astype(int)
        height, width = seeds.shape
        seeds[y.clip(0, height - 1), x.clip(0, width - 1)] = True
        if kept is masks:
            kept = masks.copy()
        for candidate in range(masks.shape[1]):
            kept[row, candidate] = keep_touching(masks[row, candidate], seeds)
    return kept
