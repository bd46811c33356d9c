"""Which region of a frame is which of the objects that are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.ops import match

LEAST = 0.45  # mean of IoU and cosine, from which a region is the object
AGAIN = 0.85  # cosine from which it is one that had been away


@dataclass(frozen=True, eq=False)
class Regions:
    """N objects, or N regions of a frame; an object that is away has an empty mask."""

    masks: Masks
    label_ids: Array  # (N,) only equal ones are paired
    vectors: Array | None = None  # (N, D) unit rows


def no_region(size: Size) -> Masks:
    """One empty mask: of an object that is away."""
    return Masks(size, np.zeros((1, 2), np.int32), (np.zeros((0, 0), bool),))


def join_regions(
    masks: Sequence[Masks], label_ids: Sequence[int], vectors: Sequence[Array | None]
) -> Regions:
    """One for each mask. What has no vector is like nothing."""
    known = [vector for vector in vectors if vector is not None]
    rows = None
    if known:
        unlike = np.zeros_like(known[0])
        rows = np.stack([unlike if vector is None else vector for vector in vectors])
    return Regions(Masks.concatenate(list(masks)), np.array(label_ids), rows)


def associate(known: Regions, found: Regions, *, is_cut: bool = False) -> tuple[Array, Array]:
    """Rows of `known` and rows of `found` that are the same things, each at most once.

    After a cut, and for what had been away, only looks count. The pairs are the best ones together.
    """
    overlap = known.masks.iou(found.masks)
    alike = np.zeros(overlap.shape)
    likeness = overlap
    if known.vectors is not None and found.vectors is not None:
        alike = known.vectors @ found.vectors.T
        likeness = (overlap + np.clip(alike, 0, 1)) / 2
    away = (known.masks.areas == 0)[:, None] | is_cut
    same = np.where(away, alike >= AGAIN, (overlap > 0) & (likeness >= LEAST))
    same &= known.label_ids[:, None] == found.label_ids[None]
    worth = np.where(same, np.where(away, alike / 2, likeness), 0.0)
    rows, columns = match.assign(-worth)
    kept = worth[rows, columns] > 0
    return rows[kept], columns[kept]
