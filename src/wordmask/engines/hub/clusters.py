"""Class-agnostic masks -> which patches belong together (CorrCLIP)."""

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.ops import pool

ALIKE = 0.2  # cosine distance below which two masks are one cluster, and so on along the chain


def cluster_map(masks: Masks, grid: Size, features: Array | None = None) -> Array:
    """(h, w) int64: the cluster of each patch. Patches under no mask are one cluster, number 0.

    A patch belongs to the mask that covers most of it, and of nested ones to the smaller. Where
    `features` (h, w, D) are given, masks with similar mean features join: DBSCAN with one sample,
    that is, chains.
    """
    if not len(masks):
        return np.zeros(grid, np.int64)
    order = np.argsort(masks.areas, kind="stable")
    shares = pool.coverage(masks[order], grid)
    owner = np.where(shares.max(0) > 0, shares.argmax(0) + 1, 0)
    if features is None:
        return owner.astype(np.int64)
    joined = np.append(0, 1 + _chains(pool.unit(pool.mean_inside(masks[order], features))))
    clusters: Array = joined[owner].astype(np.int64)
    return clusters


def _chains(rows: Array) -> Array:
    """(N,) group of each unit row: rows less than `ALIKE` apart, directly or through others."""
    alike = rows @ rows.T > 1 - ALIKE
    alike |= alike.T
    groups = np.full(len(rows), -1)
    for row in range(len(rows)):
        if groups[row] >= 0:
            continue
        chain = np.arange(len(rows)) == row
        longer = chain | alike[row]
        while (longer != chain).any():
            chain = longer
            longer = chain | alike[chain].any(0)
        groups[chain] = groups.max() + 1
    return groups
