"""Solids: masks in three dimensions. Their pieces, holes, volumes, and what lies between slices.

A solid is (I, J, K) bool. Only the box around it is worked on. scipy comes with the extra medical.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.errors import missing_extra

Block = tuple[slice, slice, slice]
FAR = 1e6  # pixels to an empty mask
PIECE = 1 << 23  # voxels that are counted at once
LEVELS = 24  # depths at which a solid is flooded


def ndimage() -> Any:
    """scipy's filters in three dimensions."""
    try:
        from scipy import ndimage as found
    except ImportError:
        raise missing_extra("scipy (solids in three dimensions)", "medical") from None
    return found


def block_of(solid: Array, margin: int = 0) -> Block | None:
    """The box around a solid, `margin` voxels larger, inside the volume; None where it is empty."""
    sides = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        places = np.flatnonzero(solid.any(axis=others))
        if not len(places):
            return None
        last = min(solid.shape[axis], int(places[-1]) + 1 + margin)
        sides.append(slice(max(0, int(places[0]) - margin), last))
    return sides[0], sides[1], sides[2]


def pieces_of(solid: Array) -> tuple[Array, Array]:
    """(I, J, K) int32 numbers of the pieces that touch by faces, and their sizes, 0 for none."""
    numbers, count = ndimage().label(solid)
    sizes = np.zeros(count + 1, np.int64)
    flat = numbers.ravel()
    for first in range(0, len(flat), PIECE):  # numpy counts in numbers of eight bytes
        sizes += np.bincount(flat[first : first + PIECE], minlength=count + 1)
    return numbers, sizes


def keep_pieces(
    solid: Array, seeds: Array | None = None, *, largest: bool = False, least: int = 1
) -> Array:
    """Only pieces that hold one of the voxels `seeds` (N, 3), or are the largest, or large enough.

    Where no seed lies in any piece, the largest piece counts.
    """
    block = block_of(solid)
    if block is None:
        return solid
    numbers, sizes = pieces_of(solid[block])
    sizes[0] = 0
    wanted = sizes >= least
    if largest:
        wanted = np.arange(len(sizes)) == sizes.argmax()
    if seeds is not None and len(seeds):
        held = np.unique(_at(numbers, seeds - [side.start for side in block]))
        held = held[held > 0] if (held > 0).any() else np.array([sizes.argmax()])
        wanted &= np.isin(np.arange(len(sizes)), held)
    wanted[0] = False
    kept = np.zeros_like(solid)
    for here, there in zip(kept[block], numbers, strict=True):
        here[...] = wanted[there]  # numpy looks up by numbers of eight bytes: one plane at a time
    return kept


def _at(values: Array, places: Array) -> Array:
    """Values at voxels (N, 3), without those outside."""
    inside = ((places >= 0) & (places < values.shape)).all(1)
    found: Array = values[tuple(places[inside].T)]
    return found


def fill_holes(solid: Array) -> Array:
    """Without holes that are closed on all sides."""
    block = block_of(solid)
    if block is None:
        return solid
    numbers, sizes = pieces_of(~solid[block])
    is_hole = np.ones(len(sizes), bool)
    is_hole[0] = False
    for axis in range(3):
        sides = np.moveaxis(numbers, axis, 0)
        is_hole[sides[0]] = is_hole[sides[-1]] = False
    filled = solid.copy()
    for here, there in zip(filled[block], numbers, strict=True):
        here[is_hole[there]] = True
    return filled


def signed_distance(mask: Array) -> Array:
    """(H, W) float32 pixels to the edge of a mask: above 0 inside, -FAR where it is empty."""
    if not mask.any():
        return np.full(mask.shape, -FAR, np.float32)
    # A rim of background: the picture's border is an edge, too, where the mask covers all of it.
    padded = np.pad(mask, 1).astype(np.uint8)
    inside = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform(1 - padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    found: Array = (np.maximum(inside - 0.5, 0) - np.maximum(outside - 0.5, 0))[1:-1, 1:-1]
    return found


def blend_shapes(first: Array, second: Array, share: float) -> Array:
    """The mask that is `share` of the way from one mask to another, by their signed distances.

    Shape-based interpolation (Raya and Udupa, 1990). Both are moved to where the centre is on the
    way first, so that a slanting tube does not break.
    """
    if not first.any() or not second.any():
        near = first if share < 0.5 else second
        return near if near.any() else np.zeros_like(first)
    move = _centre(second) - _centre(first)
    one = signed_distance(_shift(first, share * move))
    other = signed_distance(_shift(second, (share - 1) * move))
    found: Array = (1 - share) * one + share * other > 0
    return found


def _centre(mask: Array) -> Array:
    return np.asarray(np.argwhere(mask).mean(0))


def _shift(mask: Array, by: Array) -> Array:
    """A mask moved by whole pixels."""
    down, across = (round(float(part)) for part in by)
    moved = np.zeros_like(mask)
    height, width = mask.shape
    rows = slice(max(0, down), min(height, height + down))
    columns = slice(max(0, across), min(width, width + across))
    from_rows = slice(max(0, -down), min(height, height - down))
    from_columns = slice(max(0, -across), min(width, width - across))
    moved[rows, columns] = mask[from_rows, from_columns]
    return moved


def split_touching(solid: Array, seeds: Sequence[Array]) -> Array:
    """(I, J, K) int32 parts 1, 2, ... of a solid, one for each object's voxels (N, 3) in it.

    The parts meet where the solid is thinnest between them: the solid is flooded from its deepest
    voxels outwards, and a voxel joins the part that reaches it first.
    """
    parts = np.zeros(solid.shape, np.int32)
    block = block_of(solid)
    if block is None or not seeds:
        return parts
    inside = solid[block]
    depth = ndimage().distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1, 1:-1]
    own = np.zeros(inside.shape, np.int32)
    for number, voxels in enumerate(seeds, 1):
        places = voxels - [side.start for side in block]
        held = ((places >= 0) & (places < inside.shape)).all(1)
        own[tuple(places[held].T)] = number
    for level in np.linspace(float(depth.max()), 0.0, LEVELS):
        _flood(own, inside & (depth >= level))
    parts[block] = own
    return parts


def _flood(own: Array, region: Array) -> None:
    """Voxels of the region join the nearest part that has a voxel in their piece, in place."""
    numbers, _ = ndimage().label(region)
    owners = own[region & (own > 0)]
    held = numbers[region & (own > 0)]
    first = np.zeros(int(numbers.max()) + 1, np.int32)
    last = first.copy()
    first[held[::-1]] = owners[::-1]
    np.maximum.at(last, held, owners)
    np.minimum.at(first, held, owners)
    free = region & (own == 0) & (last[numbers] > 0)
    alone = free & (first == last)[numbers]
    own[alone] = last[numbers[alone]]
    shared = free & ~alone
    if shared.any():
        near = ndimage().distance_transform_edt(
            (own == 0) | ~region, return_distances=False, return_indices=True
        )
        own[shared] = own[tuple(near[:, shared])]
