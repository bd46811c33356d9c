"""Regions and a label for every pixel -> regions that cover the whole picture."""

from collections.abc import Callable

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.result import Result, Why
from wordmask.ops.merge import add_rows, owners_of


def cover(result: Result, labels: Array, score: Callable[[Masks, Array], Array]) -> Result:
    """What no region covers goes to the nearest region of its label, or becomes a region.

    `labels` (H, W) are places in the vocabulary, -1 for what stays uncovered. Regions keep their
    scores; new ones, one for each label that had no region, get `score(masks, label_ids)`. Of
    regions that overlap, the one with the better score keeps the pixel.
    """
    owners = owners_of(result.masks, result.scores)
    uncovered = owners < 0
    new: list[int] = []
    for label in np.unique(labels[uncovered & (labels >= 0)]).tolist():
        rest = uncovered & (labels == label)
        rows = np.flatnonzero(result.label_ids == label)
        if len(rows):
            owners[rest] = _nearest_rows(owners, rows)[rest]
        else:
            owners[rest] = len(result) + len(new)
            new.append(label)
    masks, rows = Masks.from_label_map(owners)
    old = rows < len(result)
    grown = result[rows[old]].replace(masks=masks[np.flatnonzero(old)])
    if not new:
        return grown
    added = masks[np.flatnonzero(~old)]
    return add_rows(grown, added, new, score(added, np.array(new)), Why("dense"))


def _nearest_rows(owners: Array, rows: Array) -> Array:
    """(H, W): which of these rows is nearest to each pixel."""
    if len(rows) == 1:
        return np.full(owners.shape, rows[0], np.int32)
    owned = np.isin(owners, rows)
    _, places = cv2.distanceTransformWithLabels(
        (~owned).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    row_of_place = np.zeros(int(places.max()) + 1, np.int32)
    row_of_place[places[owned]] = owners[owned]
    nearest: Array = row_of_place[places]
    return nearest
