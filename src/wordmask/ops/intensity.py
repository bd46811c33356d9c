"""A rough solid made exact by the values under it: what it holds is told apart from what is around.

Two histograms, of the solid's inside and of a shell around it, say how much more likely each value
is inside than outside. Voxels near the solid join or leave it by that, and the histograms are made
again, as in Chan and Vese (2001) without their curvature. Where the two overlap too much, the
values tell nothing, and the solid stays as it is.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array
from wordmask.core.volume import Volume
from wordmask.ops.solids import Block, block_of, keep_pieces, ndimage

BINS = 64
ROUNDS = 4
OVERLAP = 0.4  # of the histograms, from which values tell nothing
MOSTLY = 0.7  # of a solid that is like the clicks on it, from which it is what they mean
AGREES = 0.3  # IoU with the rough solid under which the values mean something else
REACH, LEAST_REACH = 0.25, 3  # of the radius of a ball as large, and voxels
PATCH = 1  # voxels around a click that count as clicked on
SMOOTH = 0.6  # voxels: sigma that quiets noise
SLAB = 32  # slices that are smoothed at once
SPREAD, TAILS = 3.0, 0.1  # widths of a tail between the two sides, and the share of the tails
FLOORS = (1e-4, 1e-3)  # how likely any level is inside and outside: what is nowhere is outside


class Seeds(NamedTuple):
    """Voxels that a person has said are of it, and are not: (N, 3) and (M, 3)."""

    inside: Array
    outside: Array


class Refined(NamedTuple):
    """The solid, and how far the values inside and outside it overlap (1: all the way)."""

    solid: Array
    overlap: float
    is_refined: bool


def refine_by_values(volume: Volume, rough: Array, seeds: Seeds) -> Refined:
    """The solid (I, J, K) that the rough one and the values near it agree on."""
    reach = max(LEAST_REACH, round(REACH * float(rough.sum() * 0.75 / np.pi) ** (1 / 3)))
    block = block_of(rough, 2 * reach)
    if block is None:
        return Refined(rough, 1.0, False)
    levels = _levels(volume, block)
    start = np.array([side.start for side in block])
    own = Seeds(seeds.inside - start, seeds.outside - start)
    within = rough[block]
    near = _grow(within, reach)
    inside, outside = _histograms(levels, within, own, reach)
    # Only the rough solid can tell: of a solid that values have made they are always apart.
    overlap = float(np.minimum(_blur(inside), _blur(outside)).sum())
    if overlap > OVERLAP:
        return Refined(rough, overlap, False)
    solid = within
    for number in range(ROUNDS):
        if number:
            inside, outside = _histograms(levels, solid, own, reach)
        found = _likelier_inside(levels, _ratio(inside, outside))
        found &= near
        found[_inside(own.outside, found)] = False
        solid = keep_pieces(_without_skin(found, within), own.inside)
    shared = float((solid & within).sum()) / max(1.0, float((solid | within).sum()))
    if shared < AGREES:
        return Refined(rough, overlap, False)
    whole = np.zeros_like(rough)
    whole[block] = solid
    return Refined(whole, overlap, True)


def _without_skin(solid: Array, rough: Array) -> Array:
    """Without layers of one voxel off the rough solid: often the edge of something brighter."""
    kept = ndimage().binary_opening(solid)
    kept |= _grow(rough, 1)
    kept &= solid
    return np.asarray(kept)


def grow_by_values(volume: Volume, seeds: Seeds) -> Array:
    """The solid (I, J, K) that holds the inner voxels, of values more like theirs than the others'.

    Both kinds of voxels are needed: what is not meant says how far the values may go.
    """
    everything = (slice(None), slice(None), slice(None))
    levels = _levels(volume, everything)
    inside, outside = (_patches(levels, places) for places in seeds)
    return keep_pieces(_likelier_inside(levels, _ratio(inside, outside)), seeds.inside)


def contradicts(volume: Volume, solid: Array, seeds: Seeds) -> bool:
    """Whether a solid is not what was clicked on.

    It holds voxels that it must not or lacks some that it must hold, or much of it is more like
    what was clicked on beside it.
    """
    if solid[_inside(seeds.outside, solid)].any() or not solid[_inside(seeds.inside, solid)].all():
        return True
    block = block_of(solid)
    if block is None:
        return True
    levels = _levels(volume, block)
    start = [side.start for side in block]
    inside, outside = (_patches(levels, places - start) for places in seeds)
    if float(np.minimum(_blur(inside), _blur(outside)).sum()) > OVERLAP:
        return False
    shares = _count(levels, solid[block])
    return float(shares[_ratio(inside, outside) > 0].sum()) < MOSTLY


def _ratio(inside: Array, outside: Array) -> Array:
    """(BINS,) logarithm of how much likelier each level is inside than outside.

    Both have wide tails, so that a level between the two belongs to the nearer one, and what is
    found in neither is outside.
    """
    apart = abs(_median(inside) - _median(outside))
    sides = []
    for shares, floor in zip((inside, outside), FLOORS, strict=True):
        wide = ndimage().gaussian_filter1d(shares, max(1.0, apart / SPREAD), mode="nearest")
        mixed = (1 - TAILS) * _blur(shares) + TAILS * wide + floor * TAILS
        sides.append(mixed / mixed.sum())
    found: Array = np.log(sides[0] / sides[1]).clip(-4, 4).astype(np.float32)
    return found


def _median(shares: Array) -> int:
    return int(np.searchsorted(shares.cumsum(), shares.sum() / 2))


def _levels(volume: Volume, block: Block) -> Array:
    """Values of the block as BINS steps."""
    stored = volume.stored[block]
    step = max(1, round((stored.size / (1 << 18)) ** (1 / 3)))
    low, high = np.percentile(volume.values(stored[::step, ::step, ::step]), (0.1, 99.9))
    width = max(float(high - low), 1e-6) / BINS
    levels = np.empty(stored.shape, np.uint8)
    for k in range(stored.shape[2]):
        values = (volume.values(stored[:, :, k]) - low) / width
        levels[:, :, k] = np.clip(values, 0, BINS - 1)
    return levels


def _histograms(levels: Array, solid: Array, seeds: Seeds, reach: int) -> tuple[Array, Array]:
    """How often each level is, well inside the solid and around it; each sums to 1."""
    core = ndimage().binary_erosion(solid)
    core = core if core.sum() > 0.2 * solid.sum() else solid
    around = _grow(solid, reach)
    around &= ~_grow(solid, 1)
    return _mix(levels, core, seeds.inside), _mix(levels, around, seeds.outside)


def _mix(levels: Array, where: Array, seeds: Array) -> Array:
    """The levels under a mask; those around a person's voxels count as much as all others."""
    found = _count(levels, where)
    return _share(found + _patches(levels, seeds)) if len(seeds) else found


def _count(levels: Array, where: Array) -> Array:
    """The share of each level under a mask, slab by slab: numpy counts in eight bytes a voxel."""
    counts = np.zeros(BINS, np.int64)
    for first in range(0, len(levels), SLAB):
        some = levels[first : first + SLAB][where[first : first + SLAB]]
        counts += np.bincount(some, minlength=BINS)
    return _share(counts)


def _patches(levels: Array, seeds: Array) -> Array:
    """How often each level is around voxels (N, 3)."""
    return _share(sum((_patch_counts(levels, voxel) for voxel in seeds.tolist()), np.zeros(BINS)))


def _patch_counts(levels: Array, voxel: Sequence[int]) -> Array:
    """How often each level is near a voxel, which may lie outside."""
    patch = tuple(slice(max(0, at - PATCH), max(0, at + PATCH + 1)) for at in voxel)
    return np.bincount(levels[patch].ravel(), minlength=BINS).astype(np.float64)


def _blur(shares: Array) -> Array:
    return np.asarray(ndimage().gaussian_filter1d(shares, 1.0, mode="nearest"))


def _share(counts: Array) -> Array:
    return np.asarray(counts / max(counts.sum(), 1e-9), np.float64)


def _likelier_inside(levels: Array, ratio: Array) -> Array:
    """Where the logarithm of the ratio, smoothed a little, is above 0."""
    found = np.empty(levels.shape, bool)
    for first in range(0, levels.shape[2], SLAB):
        before, after = min(2, first), first + SLAB + 2
        part = ratio[levels[:, :, first - before : after]]
        smooth = ndimage().gaussian_filter(part, SMOOTH, truncate=3)
        found[:, :, first : first + SLAB] = smooth[:, :, before : before + SLAB] > 0
    return found


def _grow(solid: Array, reach: int) -> Array:
    """All voxels at most `reach` from the solid along each axis."""
    found = solid.view(np.uint8)
    for axis in range(3):
        found = ndimage().maximum_filter1d(found, 2 * reach + 1, axis=axis)
    return np.asarray(found.view(bool))


def _inside(places: Array, solid: Array) -> tuple[Array, ...]:
    """An index of those voxels that lie in the block."""
    held = ((places >= 0) & (places < solid.shape)).all(1)
    return tuple(places[held].T)
