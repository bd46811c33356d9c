"""Dense features say where to prompt a segmenter, so a few prompts do instead of a grid of points.

Each piece of the dense answer becomes a prompt: a point, its box and its probability. Where the cut
agrees with the piece and is good by its own estimate, it replaces the piece; elsewhere the dense
answer stays. (After the refinement in Trident: Shi et al. 2024, "Harnessing Vision Foundation
Models for High-Performance, Training-Free Open Vocabulary Segmentation".)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.core.protocols import PromptBatch, Seen, Segmenter
from wordmask.ops import merge, regions, resample
from wordmask.ops.odds import sigmoid
from wordmask.tasks.finding.candidates import Candidates, describe_point
from wordmask.tasks.finding.pieces import Pieces, dense_candidates

MIN_QUALITY = 0.5  # a cut below this by its own estimate is not used
MIN_AGREEMENT = 0.5  # IoU that a cut must have with the piece that prompted it
RIVAL_POINTS = 2  # points of other words that a prompt says "not this" to
# A piece is connected, so a fragment of its cut that is less than this share of the cut is noise.
SPECK = 0.05
# Instances in one piece: how many are looked for, the share of each that must lie in the piece, the
# share of the piece that one may cover, and the share that all must cover together.
PEAKS = 6
MIN_INSIDE = 0.7
MAX_COVER = 0.8
MIN_TOGETHER = 0.6


@dataclass(frozen=True, eq=False)
class _BestCuts:
    """For each prompt the candidate that fits its piece best."""

    logits: Array  # (P, h, w)
    quality: Array  # (P,)
    agreement: Array  # (P,) IoU with the piece

    @property
    def grid(self) -> Size:
        return self.logits.shape[1], self.logits.shape[2]


def cut_pieces(
    pieces: Pieces, segmenter: Segmenter, seen: Seen, *, batch: int, instances: bool
) -> Candidates:
    """Pieces, one at least, cut along real edges; with `instances`, touching things of one word are
    separated.
    """
    prompts = piece_prompts(pieces)
    cuts = _cut(prompts, pieces, np.arange(len(pieces)), segmenter, seen, batch)
    usable = (cuts.quality >= MIN_QUALITY) & (cuts.agreement >= MIN_AGREEMENT)
    is_split = np.zeros(len(pieces), bool)
    parts = []
    if instances:
        separate, owners = _separate_instances(pieces, segmenter, seen, batch)
        is_split[np.unique(owners)] = True
        parts.append(separate)
    rows = np.flatnonzero(usable & ~is_split)
    names = [f"{describe_point(xy)} + box" for xy in prompts.xy[rows, 0]]
    parts.append(_candidates_of(cuts, rows, pieces, rows, names))
    parts.append(_uncut(pieces, np.flatnonzero(~usable & ~is_split)))
    return Candidates.join(parts)


# ---- prompts


def piece_prompts(pieces: Pieces) -> PromptBatch:
    """One prompt for each piece: its point, its box, and as "not this" points of other words."""
    points, boxes = pieces.points(), pieces.boxes
    rivals = [
        _rivals_in_box(index, points, boxes[index], pieces.label_ids)
        for index in range(len(pieces))
    ]
    width = 1 + max(map(len, rivals))
    xy = np.zeros((len(pieces), width, 2), np.float32)
    keep = np.full((len(pieces), width), -1, np.int8)
    xy[:, 0], keep[:, 0] = points, 1
    for index, rows in enumerate(rivals):
        xy[index, 1 : 1 + len(rows)] = points[rows]
        keep[index, 1 : 1 + len(rows)] = 0
    return PromptBatch(xy, keep, boxes)


def _rivals_in_box(index: int, points: Array, box: Array, label_ids: Array) -> Array:
    """At most `RIVAL_POINTS` pieces of other words whose points lie in the box."""
    inside = ((points >= box[:2]) & (points < box[2:])).all(1)
    return np.flatnonzero(inside & (label_ids != label_ids[index]))[:RIVAL_POINTS]


def _peak_prompts(pieces: Pieces) -> tuple[PromptBatch, Array]:
    """Prompts at the peaks of depth of pieces that have several; and (P,) the piece of each prompt.

    Each peak is once "this", while the others are "not this".
    """
    turns: list[Array] = []
    owners: list[int] = []
    for index, (crop, corner) in enumerate(
        zip(pieces.masks.crops, pieces.masks.corners, strict=True)
    ):
        peaks = regions.deep_points(crop, count=PEAKS)
        if len(peaks) < 2:
            continue
        places = (peaks + corner) * pieces.to_picture
        turns += [np.roll(places, -turn, axis=0) for turn in range(len(peaks))]
        owners += [index] * len(peaks)
    width = max(map(len, turns), default=0)
    xy = np.zeros((len(turns), width, 2), np.float32)
    keep = np.full((len(turns), width), -1, np.int8)
    for row, places in enumerate(turns):
        xy[row, : len(places)], keep[row, : len(places)] = places, 0
    keep[:, :1] = 1
    no_boxes = np.full((len(turns), 4), np.nan, np.float32)
    return PromptBatch(xy, keep, no_boxes), np.array(owners, np.int64)


# ---- cutting


def _cut(
    prompts: PromptBatch,
    pieces: Pieces,
    owners: Array,
    segmenter: Segmenter,
    seen: Seen,
    batch: int,
) -> _BestCuts:
    """The best cut of each prompt by quality x agreement with the piece that it belongs to."""
    parts = []
    for start in range(0, len(prompts), batch):
        part, own = prompts[start : start + batch], owners[start : start + batch]
        if not np.isnan(part.boxes).all():  # prompts for whole pieces, not for instances in them
            part = replace(part, logits=pieces.priors(own))
        parts.append(_best_cuts(segmenter, seen, part, pieces.masks[own]))
    return _BestCuts(
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.quality for part in parts]),
        np.concatenate([part.agreement for part in parts]),
    )


def _best_cuts(segmenter: Segmenter, seen: Seen, prompts: PromptBatch, targets: Masks) -> _BestCuts:
    cuts = segmenter.cut(seen, prompts)
    wanted = targets.resize((cuts.logits.shape[2], cuts.logits.shape[3])).dense()
    agreement = regions.overlaps(cuts.logits > 0, wanted[:, None])
    best = (cuts.quality * agreement).argmax(1)
    rows = np.arange(len(best))
    return _BestCuts(cuts.logits[rows, best], cuts.quality[rows, best], agreement[rows, best])


# ---- instances


def _separate_instances(
    pieces: Pieces, segmenter: Segmenter, seen: Seen, batch: int
) -> tuple[Candidates, Array]:
    """Cuts around the peaks of a piece, if they separate it well; and (N,) the piece of each."""
    prompts, owners = _peak_prompts(pieces)
    if not len(owners):
        return Candidates.none(pieces.size), owners
    cuts = _cut(prompts, pieces, owners, segmenter, seen, batch)
    masks = Masks.from_dense(cuts.logits > 0)
    homes = pieces.masks.resize(cuts.grid)
    good = (cuts.quality >= MIN_QUALITY) & (masks.areas > 0)
    rows = np.zeros(0, np.int64)
    for home in np.unique(owners):
        mine = np.flatnonzero((owners == home) & good)
        rows = np.append(rows, _instances_of(homes[[home]], masks, cuts.quality, mine))
    names = [describe_point(xy) for xy in prompts.xy[rows, 0]]
    return _candidates_of(cuts, rows, pieces, owners[rows], names), owners[rows]


def _instances_of(home: Masks, masks: Masks, quality: Array, rows: Array) -> Array:
    """Of these rows the cuts that together make up the one piece `home`; none if they do not."""
    nothing = rows[:0]
    if len(rows) < 2:
        return nothing
    shared = masks[rows].intersections(home)[:, 0]
    inside = shared >= MIN_INSIDE * masks.areas[rows]
    partial = shared <= MAX_COVER * home.areas[0]
    rows = rows[inside & partial]
    rows = rows[merge.nms(masks[rows], quality[rows], iou=0.3, containment=0.6)]
    if len(rows) < 2:
        return nothing
    together = masks[rows].union() & home.one(0)
    return rows if together.sum() >= MIN_TOGETHER * home.areas[0] else nothing


# ---- at full size


def _candidates_of(
    cuts: _BestCuts, rows: Array, pieces: Pieces, owners: Array, prompts: Sequence[str]
) -> Candidates:
    """These cuts at full size, each of one of the pieces.

    Of cuts that overlap, the one has a pixel whose mask and whose word are more probable there.
    """
    masks = Masks.empty(pieces.size)
    if len(rows):
        masks = _drop_specks(regions.masks_of_logits(cuts.logits[rows], pieces.size))
    weights = []
    for row, owner, box in zip(rows, owners, masks.boxes, strict=True):
        logits = np.clip(cuts.logits[row], -20, 20)
        of_mask = sigmoid(resample.over_box(logits, box, pieces.size))
        weights.append(of_mask * pieces.probability_over(owner, box))
    return Candidates(
        masks, tuple(prompts), cuts.quality[rows], pieces.label_ids[owners], weights=tuple(weights)
    )


def _uncut(pieces: Pieces, rows: Array) -> Candidates:
    """These pieces as they are."""
    found = dense_candidates(pieces, rows)
    weights = map(pieces.probability_over, rows, found.masks.boxes)
    return replace(found, weights=tuple(weights))


def _drop_specks(masks: Masks) -> Masks:
    """Each mask without the fragments that are far smaller than the rest of it."""
    crops = []
    for crop, area in zip(masks.crops, masks.areas, strict=True):
        crops.append(regions.drop_specks(crop, min_area=int(np.ceil(SPECK * area))))
    return Masks.from_crops(masks.size, masks.corners, crops)
