"""Many masks into few: duplicates, wholes and parts, one owner per pixel, a complete map.

What drops masks returns the rows that stay, so that the caller can take the same rows of every
column. Nothing here depends on the order in which masks come: ties are broken by the masks
themselves.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.result import Result, Why
from wordmask.errors import MaskError, OptionError
from wordmask.ops import regions

Granularity = Literal["whole", "part", "tree"]
COARSE_PIXELS = 256 * 256  # larger pictures are compared at this resolution
# Masks that are smaller than this at the coarse resolution are compared at full size.
COARSE_AREA = 1024
INSIDE = 0.85  # share of a mask's area from which on it counts as inside another


def nms(
    masks: Masks,
    scores: Array,
    iou: float = 0.8,
    containment: float | None = None,
    groups: Array | None = None,
) -> Array:
    """(K,) rows that stay, best first: a mask goes if a better one overlaps it by more than `iou`.

    With `containment` also if the shared part is more than that share of the smaller of the two.
    With `groups` (N,) only masks of one group compete (label ids: duplicates within a class).
    """
    if len(scores) != len(masks):
        raise MaskError(f"{len(masks)} masks but {len(scores)} scores")
    if not len(masks):
        return np.zeros(0, np.int64)
    duplicates = _duplicates(masks, iou, containment)
    if groups is not None:
        duplicates &= np.asarray(groups)[:, None] == np.asarray(groups)[None]
    alive = np.ones(len(masks), bool)
    kept = []
    for row in best_first(masks, scores).tolist():
        if alive[row]:
            kept.append(row)
            alive &= ~duplicates[row]
    return np.array(kept, np.int64)


def best_first(masks: Masks, scores: Array) -> Array:
    """(N,) rows by score, then area, corner and the pixels themselves, never by their order."""
    keys = np.stack(
        [-np.asarray(scores, np.float64), -masks.areas, masks.corners[:, 1], masks.corners[:, 0]], 1
    )
    _, ranks, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    ranks = ranks.reshape(-1)

    def sort_key(row: int) -> tuple[int, tuple[int, ...], bytes]:
        crop = masks.crops[row]
        tied = counts[ranks[row]] > 1
        return int(ranks[row]), crop.shape, crop.tobytes() if tied else b""

    return np.array(sorted(range(len(masks)), key=sort_key), np.int64)


# ---- wholes and parts


def unnest(masks: Masks, label_ids: Array, keep: Granularity, *, inside: float = INSIDE) -> Array:
    """(K,) rows that stay of masks that lie in each other, ascending.

    Only masks of one name count as whole and part. `whole` keeps the outermost, `part` the
    innermost, `tree` all. A whole stays among the parts where the parts inside it cover less than
    half of it.
    """
    if keep not in ("whole", "part", "tree"):
        raise OptionError(f"granularity is whole, part or tree, got {keep!r}")
    if keep == "tree" or not len(masks):
        return np.arange(len(masks))
    within = _within(masks, np.asarray(label_ids), inside)
    stays = _outermost(masks, within) if keep == "whole" else _innermost(masks, within)
    return np.flatnonzero(stays)


def _within(masks: Masks, label_ids: Array, inside: float) -> Array:
    """(N, N) bool: i lies in j, j is larger, and both have one name."""
    shared, own = overlaps(masks)
    rank = np.empty(len(masks), np.int64)
    rank[_large_first(masks)] = np.arange(len(masks))
    larger = rank[None] < rank[:, None]
    same_name = label_ids[:, None] == label_ids[None]
    return np.asarray((shared >= inside * own) & (own > 0) & larger & same_name)


def _large_first(masks: Masks) -> Array:
    return best_first(masks, np.zeros(len(masks)))


def _outermost(masks: Masks, within: Array) -> Array:
    stays = np.ones(len(masks), bool)
    for row in _large_first(masks).tolist():
        stays[row] = not (within[row] & stays).any()
    return stays


def _innermost(masks: Masks, within: Array) -> Array:
    """From the smallest up: a mask goes once parts that stay cover half of it."""
    stays = np.ones(len(masks), bool)
    seen = np.zeros(len(masks), bool)
    for row in _large_first(masks)[::-1].tolist():
        parts = masks[within[:, row] & stays & seen]
        seen[row] = True
        if len(parts):
            crop, (x0, y0) = masks.crops[row], masks.corners[row].tolist()
            covered = parts.move(crop.shape, (-x0, -y0)).union() & crop
            stays[row] = 2 * np.count_nonzero(covered) < crop.sum()
    return stays


# ---- how masks overlap


def overlaps(masks: Masks) -> tuple[Array, Array]:
    """(N, N) pixels that each pair shares, and (N, N) area of the FIRST of each pair.

    Pictures above 256 x 256 are compared at that resolution: a pair's IoU hardly changes, and N^2
    pairs become cheap. Masks that are small there are compared at full size.
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


def _duplicates(masks: Masks, iou: float, containment: float | None) -> Array:
    """(N, N) bool: which pairs show one thing."""
    shared, own = overlaps(masks)
    same = shared > iou * (own + own.T - shared)
    if containment is not None:
        same |= shared > containment * np.minimum(own, own.T)
    return np.asarray(same)


# ---- one owner per pixel


def disjoint(
    masks: Masks,
    scores: Array,
    pixel_scores: Sequence[Array] | None = None,
    *,
    min_area: int = 100,
    min_share: float = 0.05,
) -> Masks:
    """The N masks with every pixel in the one that has the best score there; some may become empty.

    `pixel_scores` holds for each mask an array of its crop's shape that weighs its score pixel by
    pixel. Without it a mask's score holds everywhere, and of equal scores the smaller mask wins.
    A mask that loses pixels also loses fragments below `min_area` pixels or `min_share` of its
    former area, unless the fragment is most of it.
    """
    scores = np.asarray(scores, np.float32)
    if pixel_scores is None:
        owners = owners_of(masks, scores)
    else:
        owners = _owners_by_pixel(masks, scores, pixel_scores)
    crops = [_rest(masks, row, owners, min_area, min_share) for row in range(len(masks))]
    return Masks.from_crops(masks.size, masks.corners, crops)


def panoptic(result: Result, rest: str = "other") -> Result:
    """Regions without overlap that name every pixel: what none covers becomes one region, `rest`.

    The rest has score 0. Unnamed regions stay regions of their own and get the name `rest` too.
    """
    if not rest.strip():
        raise OptionError("the rest of the picture needs a name, got an empty one")
    cut = result.replace(masks=disjoint(result.masks, result.scores))
    cut = cut[cut.masks.areas > 0]
    vocabulary = cut.vocabulary if rest in cut.vocabulary else (*cut.vocabulary, rest)
    label = vocabulary.index(rest)
    label_ids = np.where(cut.label_ids < 0, label, cut.label_ids)
    named = cut.replace(vocabulary=vocabulary, label_ids=label_ids)
    uncovered = ~cut.masks.union()
    if not uncovered.any():
        return named
    return add_rows(named, Masks.from_dense(uncovered), [label], np.zeros(1), Why(made_by="rest"))


def owners_of(masks: Masks, scores: Array) -> Array:
    """(H, W) int32: the row that has the best score at each pixel, -1 where none."""
    owners = np.full(masks.size, -1, np.int32)
    # The best is painted last, and of equal scores the smallest.
    for row in best_first(masks, -scores).tolist():
        masks.paint(owners, row, row)
    return owners


def _owners_by_pixel(masks: Masks, scores: Array, pixel_scores: Sequence[Array]) -> Array:
    """`owners_of` where the scores differ from pixel to pixel."""
    if [part.shape for part in pixel_scores] != [crop.shape for crop in masks.crops]:
        raise MaskError("pixel scores must be one array per region, each of its crop's shape")
    owners = np.full(masks.size, -1, np.int32)
    best = np.full(masks.size, -np.inf, np.float32)
    # At equal scores the first stays: the smallest, or a large mask would swallow what lies in it.
    for row in _large_first(masks)[::-1].tolist():
        x0, y0, x1, y1 = masks.boxes[row].tolist()
        weight = np.asarray(pixel_scores[row], np.float32)
        score = np.where(masks.crops[row], weight * scores[row], -np.inf)
        wins = score > best[y0:y1, x0:x1]
        best[y0:y1, x0:x1][wins] = score[wins]
        owners[y0:y1, x0:x1][wins] = row
    return owners


def _rest(masks: Masks, row: int, owners: Array, min_area: int, min_share: float) -> Array:
    """What a mask keeps of its crop."""
    x0, y0, x1, y1 = masks.boxes[row].tolist()
    own: Array = owners[y0:y1, x0:x1] == row
    area = int(masks.areas[row])
    if np.count_nonzero(own) in (0, area):
        return own
    least = max(min_area, int(np.ceil(min_share * area)))
    return regions.drop_specks(own, min_area=min(least, area // 2 + 1))


def add_rows(
    result: Result, masks: Masks, label_ids: Sequence[int], scores: Array, why: Why
) -> Result:
    """The result and further regions."""
    new = len(masks)
    columns: dict[str, Any] = {
        "scores": np.append(result.scores, np.asarray(scores, np.float32)),
        "label_ids": np.append(result.label_ids, np.asarray(label_ids, np.int64)),
        "why": None if result.why is None else (*result.why, *(why for _ in range(new))),
    }
    if result.track_ids is not None:
        columns["track_ids"] = np.append(result.track_ids, np.full(new, -1))
    if result.embeddings is not None:
        # A zero row is near no word and near no other region.
        columns["embeddings"] = np.pad(result.embeddings, ((0, new), (0, 0)))
    return result.replace(masks=Masks.concatenate([result.masks, masks]), **columns)
