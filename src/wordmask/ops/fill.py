"""Fill a hole with patches of the rest: PatchMatch over a pyramid, in whole arrays, deterministic.

Wexler, Shechtman, Irani (2007): every patch that touches the hole should look like some patch of the known part.
Two steps take turns on each level of the pyramid: find for each such patch its most similar known one (Barnes et al.
2009: random tries, and what the neighbours found), then let all patches that cover a pixel vote for its colour.
Patches are compared through their first principal components, which is ten times cheaper than all their pixels.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.errors import MaskError

COMPONENTS = 16  # of 3 * side^2: holds over 95 % of a photograph's patch variance
SAMPLES = 3000  # patches from which the components are learned
SMALLEST = 24  # pixels: the shorter side of the coarsest level


@dataclass(frozen=True)
class PatchOptions:
    """How hard to search. The defaults fill a hole of 10 % of 1 MP in seconds."""

    side: int = 7
    """Pixels along a patch, odd."""
    rounds: int = 4
    """Search-and-vote rounds on the finest level; each coarser level gets one more, up to 10."""
    sweeps: int = 2
    """Propagations through the neighbours within a round."""
    seed: int = 0
    """Of the random tries."""


class Level(NamedTuple):
    """One step of the pyramid."""

    pixels: Array  # (h, w, 3) float32
    hole: Array  # (h, w) bool


class Ground(NamedTuple):
    """The patches of a level that can be chosen."""

    described: Array  # (h * w, K) float32
    known: Array  # (h * w,) bool
    shape: tuple[int, ...]  # h, w


class Field(NamedTuple):
    """For each target patch the known patch that it looks most like."""

    targets: Array  # (T,) flat pixel index of the patch centres that touch the hole
    sources: Array  # (T,) flat pixel index
    costs: Array  # (T,) float32, squared distance of the descriptors


def patch_fill(pixels: Array, hole: Array, options: PatchOptions | None = None) -> Array:
    """(H, W, 3) uint8 with the pixels where `hole` (H, W) is True made from patches of the others.

    Pixels outside the hole are returned as they are. A hole that leaves no whole patch is filled smoothly.
    """
    options = options or PatchOptions()
    if hole.shape != pixels.shape[:2]:
        raise MaskError(f"the hole is {hole.shape}, the picture {pixels.shape[:2]} (height, width)")
    if not hole.any():
        return pixels.copy()
    levels = pyramid(pixels, hole, options.side)
    if not levels:
        return np.where(
            hole[..., None], np.rint(smooth(pixels.astype(np.float32), hole)), pixels
        ).astype(np.uint8)
    random = np.random.default_rng(options.seed)
    current, field = smooth(*levels[-1]), None
    for depth in range(len(levels) - 1, -1, -1):
        level = levels[depth]
        start = _carried(
            level, field, levels[depth + 1].hole.shape if field else None, options.side, random
        )
        if field is not None:
            # Voting with the doubled field, not doubling the picture: a blurred guess would call for blurred patches.
            current = _vote(level, start, options.side, sharp=False)
        current, field = _settle(
            level, current, start, min(10, options.rounds + depth), options, random
        )
    return np.where(hole[..., None], np.rint(current), pixels).clip(0, 255).astype(np.uint8)


def smooth(pixels: Array, hole: Array) -> Array:
    """The hole filled from ever coarser averages of what is known (push-pull): (H, W, 3) float32."""
    known = (~hole).astype(np.float32)
    sums = pixels.astype(np.float32) * known[..., None]
    if min(hole.shape) <= 2 or not hole.any():
        mean = sums.sum((0, 1)) / max(float(known.sum()), 1.0)
        return np.where(hole[..., None], mean, sums).astype(np.float32)
    half = (max(1, hole.shape[1] // 2), max(1, hole.shape[0] // 2))
    weight = cv2.resize(known, half, interpolation=cv2.INTER_AREA)
    coarse = (
        cv2.resize(sums, half, interpolation=cv2.INTER_AREA) / np.maximum(weight, 1e-6)[..., None]
    )
    below = cv2.resize(
        smooth(coarse, weight <= 1e-6), hole.shape[::-1], interpolation=cv2.INTER_LINEAR
    )
    filled: Array = np.where(hole[..., None], below, sums).astype(np.float32)
    return filled


def pyramid(pixels: Array, hole: Array, side: int) -> list[Level]:
    """Finest first, halved until a patch spans the hole; empty where not one whole patch is known."""
    levels = [Level(pixels.astype(np.float32), hole)]
    if not _known_patches(hole, side).any():
        return []
    while True:
        last = levels[-1]
        depth = cv2.distanceTransform(np.pad(last.hole, 1).astype(np.uint8), cv2.DIST_L2, 3).max()
        if depth <= side / 2 or min(last.hole.shape) < 2 * SMALLEST:
            return levels
        smaller = _halved(last)
        # Too few patches to choose from would make the coarse picture, which all others follow, a poor one.
        if _known_patches(smaller.hole, side).sum() < 4 * side * side:
            return levels
        levels.append(smaller)


def _halved(level: Level) -> Level:
    """Half the size; a pixel is known where at least half of what lies under it is."""
    size_wh = (level.hole.shape[1] // 2, level.hole.shape[0] // 2)
    known = (~level.hole).astype(np.float32)
    weight = cv2.resize(known, size_wh, interpolation=cv2.INTER_AREA)
    sums = cv2.resize(level.pixels * known[..., None], size_wh, interpolation=cv2.INTER_AREA)
    return Level(sums / np.maximum(weight, 1e-6)[..., None], weight < 0.5)


def _known_patches(hole: Array, side: int) -> Array:
    """(h, w) bool: centres of patches that are known throughout and inside the picture."""
    reach = side // 2
    near = cv2.dilate(hole.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    inside = np.zeros(hole.shape, bool)
    inside[reach : hole.shape[0] - reach, reach : hole.shape[1] - reach] = True
    centres: Array = inside & ~near
    return centres


def _carried(
    level: Level,
    field: Field | None,
    below: tuple[int, ...] | None,
    side: int,
    random: np.random.Generator,
) -> Field:
    """The first guess on a level: the coarser level's field doubled, at random where that has none."""
    height, width = level.hole.shape
    known = _known_patches(level.hole, side)
    choices = np.flatnonzero(known)
    touch = cv2.dilate(level.hole.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    targets = np.flatnonzero(touch)
    sources = random.choice(choices, len(targets))
    if field is not None and below is not None:
        coarse = np.full(below[0] * below[1], -1, np.int64)
        coarse[field.targets] = field.sources
        y, x = np.divmod(targets, width)
        found = coarse[
            np.minimum(y // 2, below[0] - 1) * below[1] + np.minimum(x // 2, below[1] - 1)
        ]
        guess_y = np.clip(2 * (found // below[1]) + y % 2, 0, height - 1)
        guess_x = np.clip(2 * (found % below[1]) + x % 2, 0, width - 1)
        guess = guess_y * width + guess_x
        good = (found >= 0) & known.ravel()[guess]
        sources = np.where(good, guess, sources)
    return Field(targets, sources, np.zeros(len(targets), np.float32))


def _settle(
    level: Level,
    current: Array,
    field: Field,
    rounds: int,
    options: PatchOptions,
    random: np.random.Generator,
) -> tuple[Array, Field]:
    """Search and vote in turns."""
    basis = _basis(level, options.side, random)
    known = _known_patches(level.hole, options.side).ravel()
    ground = Ground(_describe(level.pixels, basis), known, level.hole.shape)
    box = _bounds(level.hole, 2 * options.side)
    for turn in range(rounds):
        wanted = _wanted(current, basis, field.targets, box)
        field = _search(field, wanted, ground, options.sweeps, random)
        current = _vote(level, field, options.side, sharp=turn == rounds - 1)
    return current, field


def _basis(level: Level, side: int, random: np.random.Generator) -> Array:
    """(K, side, side, 3): the directions in which known patches differ most."""
    reach = side // 2
    centres = np.flatnonzero(_known_patches(level.hole, side))
    y, x = np.divmod(
        random.choice(centres, min(SAMPLES, len(centres)), replace=False), level.hole.shape[1]
    )
    windows = np.lib.stride_tricks.sliding_window_view(level.pixels, (side, side), (0, 1))
    rows = windows[y - reach, x - reach].transpose(0, 2, 3, 1).reshape(len(y), -1)
    # A single patch has no variance to divide by one less than its count; any basis describes it.
    covariance = np.cov(rows.T.astype(np.float64), ddof=min(1, len(rows) - 1))
    _, vectors = np.linalg.eigh(covariance + np.eye(rows.shape[1]) * 1e-9)
    basis: Array = np.ascontiguousarray(
        vectors[:, ::-1][:, :COMPONENTS].T.reshape(-1, side, side, 3), np.float32
    )
    return basis


def _describe(pixels: Array, basis: Array) -> Array:
    """(h * w, K) float32: each pixel's patch in the basis; patches over the edge see the picture mirrored."""
    out = np.empty((*pixels.shape[:2], len(basis)), np.float32)
    planes = cv2.split(pixels)
    for k, kernel in enumerate(basis):
        out[..., k] = sum(
            cv2.filter2D(plane, cv2.CV_32F, kernel[..., c], borderType=cv2.BORDER_REFLECT)
            for c, plane in enumerate(planes)
        )
    return out.reshape(-1, len(basis))


def _bounds(hole: Array, margin: int) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    return (
        max(0, int(columns[0]) - margin),
        max(0, int(rows[0]) - margin),
        min(hole.shape[1], int(columns[-1]) + 1 + margin),
        min(hole.shape[0], int(rows[-1]) + 1 + margin),
    )


def _wanted(current: Array, basis: Array, targets: Array, box: tuple[int, int, int, int]) -> Array:
    """(T, K) descriptors of the target patches as the picture stands now."""
    x0, y0, x1, y1 = box
    y, x = np.divmod(targets, current.shape[1])
    described = _describe(np.ascontiguousarray(current[y0:y1, x0:x1]), basis)
    wanted: Array = described[(y - y0) * (x1 - x0) + (x - x0)]
    return wanted


def _search(
    field: Field, wanted: Array, ground: Ground, sweeps: int, random: np.random.Generator
) -> Field:
    """Better sources: what the neighbours found, shifted; then tries around the best so far, ever nearer."""
    height, width = ground.shape
    field = field._replace(costs=_distance(wanted, ground.described, field.sources))
    place = np.full(height * width, -1, np.int64)
    place[field.targets] = np.arange(len(field.targets))
    y, x = np.divmod(field.targets, width)
    for _ in range(sweeps):
        for dy, dx in _NEIGHBOURS:
            inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
            other = place[np.where(inside, field.targets + dy * width + dx, field.targets)]
            sy, sx = np.divmod(field.sources[other], width)
            field = _improved(field, (sy - dy, sx - dx, inside & (other >= 0)), wanted, ground)
        radius = max(height, width)
        while radius >= 1:
            sy, sx = np.divmod(field.sources, width)
            jump = random.integers(-radius, radius + 1, (2, len(y)))
            field = _improved(field, (sy + jump[0], sx + jump[1], np.True_), wanted, ground)
            radius //= 4
    return field


# (dy, dx); far ones first, so that a good find spreads quickly although all targets move at once.
_NEIGHBOURS = tuple(
    (dy * step, dx * step) for step in (4, 1) for dy, dx in ((0, -1), (0, 1), (-1, 0), (1, 0))
)


def _improved(
    field: Field, tried: tuple[Array, Array, Any], wanted: Array, ground: Ground
) -> Field:
    """The better of what is best and what is tried (y, x, allowed), target by target."""
    y, x, allowed = tried
    height, width = ground.shape
    ok = allowed & (y >= 0) & (y < height) & (x >= 0) & (x < width)
    flat = np.where(ok, y * width + x, 0)
    rows = np.flatnonzero(ok & ground.known[flat] & (flat != field.sources))
    costs_here = _distance(wanted[rows], ground.described, flat[rows])
    won = costs_here < field.costs[rows]
    sources, costs = field.sources.copy(), field.costs.copy()
    sources[rows[won]], costs[rows[won]] = flat[rows[won]], costs_here[won]
    return field._replace(sources=sources, costs=costs)


def _distance(wanted: Array, described: Array, sources: Array) -> Array:
    apart = described[sources]
    apart -= wanted
    distances: Array = np.einsum("tk,tk->t", apart, apart)
    return distances


def _vote(level: Level, field: Field, side: int, *, sharp: bool) -> Array:
    """Each hole pixel as the weighted mean of what the patches over it have there."""
    height, width = level.hole.shape
    reach = side // 2
    weights = _weights(level.hole, field, sharp=sharp)
    y, x = np.divmod(field.targets, width)
    flat = level.pixels.reshape(-1, 3)
    total = np.zeros((height * width, 4), np.float32)
    hole = level.hole.ravel()
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
            to = np.where(inside, field.targets + dy * width + dx, 0)
            rows = np.flatnonzero(inside & hole[to])
            share = weights[rows, None]
            # Each target has another `to`, so plain indexing adds every vote exactly once.
            total[to[rows], :3] += share * flat[field.sources[rows] + dy * width + dx]
            total[to[rows], 3:] += share
    colours = (total[:, :3] / np.maximum(total[:, 3:], 1e-12)).reshape(height, width, 3)
    filled: Array = np.where(level.hole[..., None], colours, level.pixels).astype(np.float32)
    return filled


def _weights(hole: Array, field: Field, *, sharp: bool) -> Array:
    """Similar patches count more, and so do those near the known part, which are surer."""
    spread = max(float(np.quantile(field.costs, 0.5 if sharp else 0.75)), 1e-3)
    similar = np.exp(-field.costs / (2 * spread))
    depth = cv2.distanceTransform(np.pad(hole, 1).astype(np.uint8), cv2.DIST_L2, 3)[
        1:-1, 1:-1
    ].ravel()
    sure = 1.3 ** -np.minimum(depth[field.targets], 60.0)
    weights: Array = (similar * sure + 1e-12).astype(np.float32)
    return weights
