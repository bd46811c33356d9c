"""Fill a hole with patches of the rest: PatchMatch over a pyramid, in whole arrays, deterministic.

Wexler, Shechtman, Irani (2007): every patch that touches the hole should look like a patch of the
known part. Two steps take turns on each level of the pyramid. First each such patch looks for its
most similar known one (Barnes et al. 2009: random tries, and what the neighbours found). Then all
patches that cover a pixel vote for its colour. Patches are compared through their first principal
components, which is ten times cheaper than comparing all their pixels.
"""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import cv2
import numpy as np
from annotated_types import Ge, Interval

from wordmask.core.image import Array, Size
from wordmask.core.options import check
from wordmask.errors import MaskError
from wordmask.ops.regions import Box, box_around

COMPONENTS = 16  # of 3 * side^2: holds over 95 % of a photograph's patch variance
SAMPLES = 3000  # patches from which the components are learned
SMALLEST = 24  # pixels: the shorter side of the coarsest level
MOST_ROUNDS = 10  # on one level


@dataclass(frozen=True)
class PatchOptions:
    """How hard to search. The defaults fill a hole of 10 % of 1 MP in seconds."""

    side: Annotated[int, Interval(ge=3, le=31)] = 7
    """Pixels along a patch, odd."""
    rounds: Annotated[int, Ge(1)] = 4
    """Search-and-vote rounds on the finest level; each coarser level gets one more, up to 10."""
    sweeps: Annotated[int, Ge(1)] = 2
    """Propagations through the neighbours within a round."""
    seed: Annotated[int, Ge(0)] = 0
    """Of the random tries."""

    def __post_init__(self) -> None:
        check(self)


class Level(NamedTuple):
    """One step of the pyramid."""

    pixels: Array  # (h, w, 3) float32
    hole: Array  # (h, w) bool


class Patches(NamedTuple):
    """The patches of a level, of which the known ones can be chosen."""

    vectors: Array  # (h * w, K) float32, descriptors
    known: Array  # (h * w,) bool
    size: Size


class Matches(NamedTuple):
    """For each target patch the known patch that it looks most like."""

    targets: Array  # (T,) flat pixel index of the patch centres that touch the hole
    sources: Array  # (T,) flat pixel index
    costs: Array  # (T,) float32, squared distance of the descriptors


class Trials(NamedTuple):
    """A known patch that each target tries next."""

    y: Array  # (T,)
    x: Array  # (T,)
    allowed: Array  # (T,) bool, or one bool for all


def patch_fill(pixels: Array, hole: Array, options: PatchOptions | None = None) -> Array:
    """(H, W, 3) uint8 with the pixels where `hole` (H, W) is True made from patches of the others.

    Pixels outside the hole are returned as they are. A hole that leaves no whole patch is filled
    smoothly.
    """
    options = options or PatchOptions()
    if hole.shape != pixels.shape[:2]:
        raise MaskError(f"the hole is {hole.shape}, the picture {pixels.shape[:2]} (height, width)")
    if not hole.any():
        return pixels.copy()
    levels = pyramid(pixels, hole, options.side)
    if not levels:
        filled = np.rint(smooth(pixels.astype(np.float32), hole))
        return np.where(hole[..., None], filled, pixels).astype(np.uint8)
    random = np.random.default_rng(options.seed)
    current = smooth(*levels[-1])
    matches: Matches | None = None
    for depth in range(len(levels) - 1, -1, -1):
        level = levels[depth]
        start = _random_matches(level, options.side, random)
        if matches is not None:
            start = _double(matches, levels[depth + 1], level, start, options.side)
            # The doubled matches vote; a doubled picture would be blurred and ask for blurred
            # patches.
            current = _vote(level, start, options.side, sharp=False)
        rounds = min(MOST_ROUNDS, options.rounds + depth)
        search = _Search(level, options, random)
        current, matches = search.run(current, start, rounds)
    return np.where(hole[..., None], np.rint(current), pixels).clip(0, 255).astype(np.uint8)


def smooth(pixels: Array, hole: Array) -> Array:
    """(H, W, 3) float32: the hole filled from ever coarser averages of the rest (push-pull)."""
    known = (~hole).astype(np.float32)
    sums = pixels.astype(np.float32) * known[..., None]
    if min(hole.shape) <= 2 or not hole.any():
        mean = sums.sum((0, 1)) / max(float(known.sum()), 1.0)
        return np.where(hole[..., None], mean, sums).astype(np.float32)
    half_wh = (max(1, hole.shape[1] // 2), max(1, hole.shape[0] // 2))
    weight = cv2.resize(known, half_wh, interpolation=cv2.INTER_AREA)
    means = cv2.resize(sums, half_wh, interpolation=cv2.INTER_AREA)
    means = means / np.maximum(weight, 1e-6)[..., None]
    coarse = smooth(means, weight <= 1e-6)
    below = cv2.resize(coarse, hole.shape[::-1], interpolation=cv2.INTER_LINEAR)
    filled: Array = np.where(hole[..., None], below, sums).astype(np.float32)
    return filled


# ---- the pyramid


def pyramid(pixels: Array, hole: Array, side: int) -> list[Level]:
    """Finest first, halved until a patch spans the hole; empty where no whole patch is known."""
    levels = [Level(pixels.astype(np.float32), hole)]
    if not _known_patches(hole, side).any():
        return []
    while True:
        last = levels[-1]
        depth = cv2.distanceTransform(np.pad(last.hole, 1).astype(np.uint8), cv2.DIST_L2, 3).max()
        if depth <= side / 2 or min(last.hole.shape) < 2 * SMALLEST:
            return levels
        smaller = _halve(last)
        # With few patches to choose from the coarse picture would be poor, and all others follow
        # it.
        if _known_patches(smaller.hole, side).sum() < 4 * side * side:
            return levels
        levels.append(smaller)


def _halve(level: Level) -> Level:
    """Half the size; a pixel is known where at least half of what lies under it is."""
    size_wh = (level.hole.shape[1] // 2, level.hole.shape[0] // 2)
    known = (~level.hole).astype(np.float32)
    weight = cv2.resize(known, size_wh, interpolation=cv2.INTER_AREA)
    sums = cv2.resize(level.pixels * known[..., None], size_wh, interpolation=cv2.INTER_AREA)
    return Level(sums / np.maximum(weight, 1e-6)[..., None], weight < 0.5)


def _known_patches(hole: Array, side: int) -> Array:
    """(h, w) bool: centres of patches that are known throughout and inside the picture."""
    reach = side // 2
    inside = np.zeros(hole.shape, bool)
    inside[reach : hole.shape[0] - reach, reach : hole.shape[1] - reach] = True
    centres: Array = inside & ~_touching(hole, side)
    return centres


def _touching(hole: Array, side: int) -> Array:
    """(h, w) bool: centres of patches that touch the hole."""
    touching: Array = cv2.dilate(hole.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    return touching


# ---- the first guess on a level


def _random_matches(level: Level, side: int, random: np.random.Generator) -> Matches:
    choices = np.flatnonzero(_known_patches(level.hole, side))
    targets = np.flatnonzero(_touching(level.hole, side))
    sources = random.choice(choices, len(targets))
    return Matches(targets, sources, np.zeros(len(targets), np.float32))


def _double(matches: Matches, below: Level, level: Level, start: Matches, side: int) -> Matches:
    """The matches of the coarser level `below` at twice the size, `start`'s where that has none."""
    height, width = level.hole.shape
    low_height, low_width = below.hole.shape
    coarse = np.full(low_height * low_width, -1, np.int64)
    coarse[matches.targets] = matches.sources
    y, x = np.divmod(start.targets, width)
    low_y, low_x = np.minimum(y // 2, low_height - 1), np.minimum(x // 2, low_width - 1)
    found = coarse[low_y * low_width + low_x]
    guess_y = np.clip(2 * (found // low_width) + y % 2, 0, height - 1)
    guess_x = np.clip(2 * (found % low_width) + x % 2, 0, width - 1)
    guess = guess_y * width + guess_x
    usable = (found >= 0) & _known_patches(level.hole, side).ravel()[guess]
    return start._replace(sources=np.where(usable, guess, start.sources))


# ---- descriptors


def _basis(level: Level, side: int, random: np.random.Generator) -> Array:
    """(K, side, side, 3): the directions in which known patches differ most."""
    reach = side // 2
    centres = np.flatnonzero(_known_patches(level.hole, side))
    chosen = random.choice(centres, min(SAMPLES, len(centres)), replace=False)
    y, x = np.divmod(chosen, level.hole.shape[1])
    windows = np.lib.stride_tricks.sliding_window_view(level.pixels, (side, side), (0, 1))
    rows = windows[y - reach, x - reach].transpose(0, 2, 3, 1).reshape(len(y), -1)
    # A single patch has no variance to divide by one less than its count; any basis describes it.
    covariance = np.cov(rows.T.astype(np.float64), ddof=min(1, len(rows) - 1))
    _, vectors = np.linalg.eigh(covariance + np.eye(rows.shape[1]) * 1e-9)
    strongest = vectors[:, ::-1][:, :COMPONENTS].T.reshape(-1, side, side, 3)
    return np.ascontiguousarray(strongest, np.float32)


def _describe(pixels: Array, basis: Array) -> Array:
    """(h * w, K) float32: each pixel's patch in the basis, the picture mirrored over its edge."""
    vectors = np.empty((*pixels.shape[:2], len(basis)), np.float32)
    planes = cv2.split(pixels)
    for k, kernel in enumerate(basis):
        vectors[..., k] = sum(
            cv2.filter2D(plane, cv2.CV_32F, kernel[..., c], borderType=cv2.BORDER_REFLECT)
            for c, plane in enumerate(planes)
        )
    return vectors.reshape(-1, len(basis))


def _describe_targets(current: Array, basis: Array, targets: Array, box: Box) -> Array:
    """(T, K) descriptors of the target patches, all inside `box`, in the current picture."""
    x0, y0, x1, y1 = box
    y, x = np.divmod(targets, current.shape[1])
    vectors = _describe(np.ascontiguousarray(current[y0:y1, x0:x1]), basis)
    rows: Array = vectors[(y - y0) * (x1 - x0) + (x - x0)]
    return rows


# ---- search and vote

# (dy, dx); far ones first, so that a good match spreads quickly although all targets move at once.
NEIGHBOURS = tuple(
    (dy * step, dx * step) for step in (4, 1) for dy, dx in ((0, -1), (0, 1), (-1, 0), (1, 0))
)


class _Search:
    """Search and vote in turns on one level."""

    def __init__(self, level: Level, options: PatchOptions, random: np.random.Generator) -> None:
        self._level, self._options, self._random = level, options, random
        self._basis = _basis(level, options.side, random)
        known = _known_patches(level.hole, options.side).ravel()
        height, width = level.hole.shape
        vectors = _describe(level.pixels, self._basis)
        self._patches = Patches(vectors, known, (height, width))

    def run(self, current: Array, matches: Matches, rounds: int) -> tuple[Array, Matches]:
        """The picture (h, w, 3) float32 and its matches after so many rounds."""
        side = self._options.side
        box = box_around(self._level.hole, 2 * side)
        for turn in range(rounds):
            queries = _describe_targets(current, self._basis, matches.targets, box)
            matches = self._improve(matches, queries)
            current = _vote(self._level, matches, side, sharp=turn == rounds - 1)
        return current, matches

    def _improve(self, matches: Matches, queries: Array) -> Matches:
        """Try the neighbours' sources, shifted, then random ones ever nearer to the best."""
        height, width = self._patches.size
        costs = _distances(queries, self._patches.vectors, matches.sources)
        matches = matches._replace(costs=costs)
        row_of = np.full(height * width, -1, np.int64)
        row_of[matches.targets] = np.arange(len(matches.targets))
        for _ in range(self._options.sweeps):
            for dy, dx in NEIGHBOURS:
                trials = _trials_of_neighbour(matches, row_of, (dy, dx), self._patches.size)
                matches = _take_better(matches, trials, queries, self._patches)
            radius = max(height, width)
            while radius >= 1:
                y, x = np.divmod(matches.sources, width)
                jump = self._random.integers(-radius, radius + 1, (2, len(y)))
                trials = Trials(y + jump[0], x + jump[1], np.array(True))
                matches = _take_better(matches, trials, queries, self._patches)
                radius //= 4
        return matches


def _trials_of_neighbour(
    matches: Matches, row_of: Array, step: tuple[int, int], size: Size
) -> Trials:
    """What the target at a step (dy, dx) has found, shifted back by that step."""
    (dy, dx), (height, width) = step, size
    y, x = np.divmod(matches.targets, width)
    inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
    neighbours = np.where(inside, matches.targets + dy * width + dx, matches.targets)
    rows = row_of[neighbours]
    source_y, source_x = np.divmod(matches.sources[rows], width)
    return Trials(source_y - dy, source_x - dx, inside & (rows >= 0))


def _take_better(matches: Matches, trials: Trials, queries: Array, patches: Patches) -> Matches:
    """The better of each target's source and its trial."""
    height, width = patches.size
    inside = (trials.y >= 0) & (trials.y < height) & (trials.x >= 0) & (trials.x < width)
    possible = trials.allowed & inside
    flat = np.where(possible, trials.y * width + trials.x, 0)
    rows = np.flatnonzero(possible & patches.known[flat] & (flat != matches.sources))
    new_costs = _distances(queries[rows], patches.vectors, flat[rows])
    better = new_costs < matches.costs[rows]
    sources, costs = matches.sources.copy(), matches.costs.copy()
    sources[rows[better]], costs[rows[better]] = flat[rows[better]], new_costs[better]
    return matches._replace(sources=sources, costs=costs)


def _distances(queries: Array, vectors: Array, sources: Array) -> Array:
    """(T,) squared distance of each query from the patch at its source."""
    difference = vectors[sources]
    difference -= queries
    distances: Array = np.einsum("tk,tk->t", difference, difference)
    return distances


def _vote(level: Level, matches: Matches, side: int, *, sharp: bool) -> Array:
    """Each hole pixel as the weighted mean of what the patches over it have there."""
    height, width = level.hole.shape
    reach = side // 2
    weights = _weights(level.hole, matches, sharp=sharp)
    y, x = np.divmod(matches.targets, width)
    flat = level.pixels.reshape(-1, 3)
    total = np.zeros((height * width, 4), np.float32)
    hole = level.hole.ravel()
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
            to = np.where(inside, matches.targets + dy * width + dx, 0)
            rows = np.flatnonzero(inside & hole[to])
            share = weights[rows, None]
            # Each target has another `to`, so plain indexing adds every vote exactly once.
            total[to[rows], :3] += share * flat[matches.sources[rows] + dy * width + dx]
            total[to[rows], 3:] += share
    colours = (total[:, :3] / np.maximum(total[:, 3:], 1e-12)).reshape(height, width, 3)
    filled: Array = np.where(level.hole[..., None], colours, level.pixels).astype(np.float32)
    return filled


def _weights(hole: Array, matches: Matches, *, sharp: bool) -> Array:
    """Similar patches count more, and so do those near the known part, which are surer."""
    spread = max(float(np.quantile(matches.costs, 0.5 if sharp else 0.75)), 1e-3)
    similar = np.exp(-matches.costs / (2 * spread))
    bordered = np.pad(hole, 1).astype(np.uint8)
    depth = cv2.distanceTransform(bordered, cv2.DIST_L2, 3)[1:-1, 1:-1].ravel()
    sure = 1.3 ** -np.minimum(depth[matches.targets], 60.0)
    weights: Array = (similar * sure + 1e-12).astype(np.float32)
    return weights
