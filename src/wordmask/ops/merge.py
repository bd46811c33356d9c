"""Many masks into few: duplicates, wholes and parts, one owner per pixel, a complete map.

Nothing here depends on the order in which masks come: ties are broken by the masks themselves.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.result import Result, Why
from wordmask.errors import MaskError, OptionError
from wordmask.ops import regions

Granularity = Literal["whole", "part", "tree"]
COARSE_PIXELS = 256 * 256  # larger pictures are compared at this resolution
COARSE_AREA = (
    1024  # masks smaller than this there are compared at full size: sampling would lose them
)
INSIDE = 0.85  # share of a mask's area from which on it counts as inside another


def nms(
    masks: Masks,
    scores: Array,
    iou: float = 0.8,
    containment: float | None = None,
    groups: Array | None = None,
) -> Array:
    """(K,) indices that stay, best first: a mask goes if a better one overlaps it by more than `iou`.

    With `containment` also if the shared part is more than that share of the smaller of the two.
    With `groups` (N,) only masks of one group compete (label ids: duplicates within a class).
    """
    if len(scores) != len(masks):
        raise MaskError(f"{len(masks)} masks but {len(scores)} scores")
    if not len(masks):
        return np.zeros(0, np.int64)
    rivals = _rivals(masks, iou, containment)
    if groups is not None:
        rivals &= np.asarray(groups)[:, None] == np.asarray(groups)[None]
    alive = np.ones(len(masks), bool)
    kept = []
    for index in best_first(masks, scores).tolist():
        if alive[index]:
            kept.append(index)
            alive &= ~rivals[index]
    return np.array(kept, np.int64)


def best_first(masks: Masks, scores: Array) -> Array:
    """(N,) indices by score, then area, then corner, then the pixels themselves: never by the order of the input."""
    keys = np.stack(
        [-np.asarray(scores, np.float64), -masks.areas, masks.corners[:, 1], masks.corners[:, 0]], 1
    )
    _, ranks, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    ranks = ranks.reshape(-1)

    def key(index: int) -> tuple[int, tuple[int, ...], bytes]:
        crop = masks.crops[index]
        return int(ranks[index]), crop.shape, crop.tobytes() if counts[ranks[index]] > 1 else b""

    return np.array(sorted(range(len(masks)), key=key), np.int64)


def granularity(result: Result, keep: Granularity, *, inside: float = INSIDE) -> Result:
    """Nested regions of one name: `whole` keeps the outermost, `part` the innermost, `tree` all (see `parents`).

    A whole stays among the parts where the parts inside it cover less than half of it.
    """
    if keep not in ("whole", "part", "tree"):
        raise OptionError(f"granularity is whole, part or tree, got {keep!r}")
    if keep == "tree" or not len(result):
        return result
    within = _within(result.masks, result.label_ids, inside)
    stays = (
        _outermost(result.masks, within) if keep == "whole" else _innermost(result.masks, within)
    )
    return result[stays]


def parents(result: Result, *, inside: float = INSIDE) -> Array:
    """(N,) index of the smallest region of the same name that each region lies in, -1 at the top of the tree."""
    within = _within(result.masks, result.label_ids, inside)
    rank = np.empty(len(result), np.int64)
    rank[_large_first(result.masks)] = np.arange(len(result))
    found = np.full(len(result), -1, np.int64)
    for child in range(len(result)):
        around = np.flatnonzero(within[child])
        if len(around):
            found[child] = around[rank[around].argmax()]
    return found


def disjoint(
    result: Result,
    pixel_scores: Sequence[Array] | None = None,
    *,
    min_area: int = 100,
    min_share: float = 0.05,
) -> Result:
    """Every pixel to the region with the best score there; what is left of a region keeps its name and score.

    `pixel_scores` holds for each region an array of its crop's shape that weighs its score pixel by pixel.
    Without it a region's score holds everywhere, and of equal scores the smaller region wins. A cut region loses
    fragments below `min_area` pixels or `min_share` of what it was, unless the fragment is most of it.
    """
    owners = _owners(result, pixel_scores)
    crops = [
        _left(result.masks, index, owners, min_area, min_share) for index in range(len(result))
    ]
    masks = Masks.from_crops(result.size, result.masks.corners, crops)
    cut = result.replace(masks=masks)
    return cut[cut.masks.areas > 0]


def panoptic(result: Result, rest: str = "other") -> Result:
    """`disjoint`, and every pixel named: what no region covers becomes one region `rest` with score 0.

    Unnamed regions stay regions of their own and get the name `rest` too.
    """
    if not rest.strip():
        raise OptionError("the rest of the picture needs a name, got an empty one")
    cut = disjoint(result)
    vocabulary = cut.vocabulary if rest in cut.vocabulary else (*cut.vocabulary, rest)
    label = vocabulary.index(rest)
    label_ids = np.where(cut.label_ids < 0, label, cut.label_ids)
    named = cut.replace(vocabulary=vocabulary, label_ids=label_ids)
    bare = ~cut.masks.union()
    return _with_row(named, Masks.from_dense(bare), label) if bare.any() else named


# ---- how masks lie to each other


def overlaps(masks: Masks) -> tuple[Array, Array]:
    """(N, N) pixels that each pair shares, and (N, N) area of the FIRST of each pair, in the same unit.

    Pictures above 256 x 256 are compared there (METHODS: a pair's IoU is as good, and N^2 pairs are cheap);
    masks that are small there are compared at full size.
    """
    coarse = _coarse(masks)
    shared = coarse.intersections(coarse)
    own = np.repeat(coarse.areas[:, None], len(masks), 1)
    if coarse is not masks:
        small = np.flatnonzero(coarse.areas < COARSE_AREA)
        exact = masks[small].intersections(masks)
        shared[small], shared[:, small] = exact, exact.T
        own[small], own[:, small] = masks.areas[small, None], masks.areas[:, None]
    return shared, own


def _coarse(masks: Masks) -> Masks:
    height, width = masks.size
    scale = (COARSE_PIXELS / (height * width)) ** 0.5
    if scale >= 1:
        return masks
    return masks.resize((max(1, round(height * scale)), max(1, round(width * scale))))


def _rivals(masks: Masks, iou: float, containment: float | None) -> Array:
    """(N, N) bool: which pairs are one thing."""
    shared, own = overlaps(masks)
    rivals = shared > iou * (own + own.T - shared)
    if containment is not None:
        rivals |= shared > containment * np.minimum(own, own.T)
    return np.asarray(rivals)


def _within(masks: Masks, label_ids: Array, inside: float) -> Array:
    """(N, N) bool: i lies in j, j is larger, and both have one name."""
    shared, own = overlaps(masks)
    rank = np.empty(len(masks), np.int64)
    rank[_large_first(masks)] = np.arange(len(masks))
    larger = rank[None] < rank[:, None]
    return np.asarray(
        (shared >= inside * own) & (own > 0) & larger & (label_ids[:, None] == label_ids[None])
    )


def _large_first(masks: Masks) -> Array:
    return best_first(masks, np.zeros(len(masks)))


def _outermost(masks: Masks, within: Array) -> Array:
    stays = np.ones(len(masks), bool)
    for index in _large_first(masks).tolist():
        stays[index] = not (within[index] & stays).any()
    return stays


def _innermost(masks: Masks, within: Array) -> Array:
    """From the smallest up: a region goes once parts that stay cover half of it."""
    stays = np.ones(len(masks), bool)
    seen = np.zeros(len(masks), bool)
    for index in _large_first(masks)[::-1].tolist():
        parts = masks[within[:, index] & stays & seen]
        seen[index] = True
        if len(parts):
            crop, (x0, y0) = masks.crops[index], masks.corners[index].tolist()
            covered = parts.move(crop.shape, (-x0, -y0)).union() & crop
            stays[index] = 2 * np.count_nonzero(covered) < crop.sum()
    return stays


# ---- one owner per pixel


def _owners(result: Result, pixel_scores: Sequence[Array] | None) -> Array:
    """(H, W) int32: the row that has the best score at each pixel, -1 where none."""
    masks = result.masks
    if pixel_scores is not None and [part.shape for part in pixel_scores] != [
        crop.shape for crop in masks.crops
    ]:
        raise MaskError("pixel scores must be one array per region, each of its crop's shape")
    owners = np.full(result.size, -1, np.int32)
    if pixel_scores is None:
        # Constant scores: the best painted last is the argmax; at equal scores the smallest is painted last.
        for index in best_first(masks, -result.scores).tolist():
            masks.paint(owners, index, index)
        return owners
    best = np.full(result.size, -np.inf, np.float32)
    # At equal scores the first to come stays: the smallest, or a large region would swallow what lies in it.
    for index in _large_first(masks)[::-1].tolist():
        x0, y0, x1, y1 = masks.boxes[index].tolist()
        weight = np.asarray(pixel_scores[index], np.float32)
        score = np.where(masks.crops[index], weight * result.scores[index], -np.inf)
        wins = score > best[y0:y1, x0:x1]
        best[y0:y1, x0:x1][wins] = score[wins]
        owners[y0:y1, x0:x1][wins] = index
    return owners


def _left(masks: Masks, index: int, owners: Array, min_area: int, min_share: float) -> Array:
    """What a region keeps of its crop."""
    x0, y0, x1, y1 = masks.boxes[index].tolist()
    own: Array = owners[y0:y1, x0:x1] == index
    area = int(masks.areas[index])
    if np.count_nonzero(own) in (0, area):
        return own
    return regions.drop_specks(
        own, min_area=min(max(min_area, int(np.ceil(min_share * area))), area // 2 + 1)
    )


def _with_row(result: Result, mask: Masks, label: int) -> Result:
    """The result and one more region of score 0."""
    columns = {
        "scores": np.append(result.scores, np.float32(0)),
        "label_ids": np.append(result.label_ids, label),
        "why": None if result.why is None else (*result.why, Why(made_by="rest")),
    }
    if result.track_ids is not None:
        columns["track_ids"] = np.append(result.track_ids, -1)
    if result.embeddings is not None:
        # A zero row is near no word and near no other region.
        columns["embeddings"] = np.pad(result.embeddings, ((0, 1), (0, 0)))
    return result.replace(masks=Masks.concatenate([result.masks, mask]), **columns)
