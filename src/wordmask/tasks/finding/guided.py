"""Dense features say where to prompt a segmenter: a piece, a point in it, its box; a few prompts instead of a grid.

Where the segmenter's cut agrees with the piece and is good by its own estimate, it replaces the piece;
elsewhere the dense answer stays. (METHODS: Trident's refinement is the reference.)
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.core.protocols import Encoding, PromptBatch, Segmenter
from wordmask.ops import merge, regions
from wordmask.tasks.finding.candidates import Candidates
from wordmask.tasks.finding.pieces import Pieces

MIN_QUALITY = 0.5  # a cut below this by its own estimate is not taken
MIN_AGREEMENT = 0.5  # IoU of a cut with the piece that prompted it
PEAKS = 6  # instances looked for in one piece
SPLIT_COVER = 0.6  # share of a piece that its instances must cover together
SPECK = (
    0.05  # a fragment of a cut that is less than this share of it is noise: a piece is in one piece
)


@dataclass(frozen=True, eq=False)
class Chosen:
    """One candidate per prompt."""

    logits: Array  # (P, h, w)
    quality: Array  # (P,)
    agreement: Array  # (P,) IoU with the piece, or share of the cut inside it


def guided(
    pieces: Pieces, segmenter: Segmenter, encoding: Encoding, *, batch: int, instances: bool
) -> Candidates:
    """Pieces cut along real edges; touching things of one word parted where `instances`."""
    if not len(pieces):
        return Candidates.nothing(pieces.size)
    prompts, points = piece_prompts(pieces)
    whole = _choose(prompts, pieces, np.arange(len(pieces)), segmenter, encoding, batch)
    taken = (whole.quality >= MIN_QUALITY) & (whole.agreement >= MIN_AGREEMENT)
    parts = []
    split = np.zeros(len(pieces), bool)
    if instances:
        separate, owners = _instances(pieces, segmenter, encoding, batch)
        split[np.unique(owners)] = True
        parts.append(separate)
    cut, kept = np.flatnonzero(taken & ~split), np.flatnonzero(~taken & ~split)
    parts.append(
        _cut(
            whole,
            cut,
            pieces.label_ids[cut],
            pieces.size,
            [f"point {x:.0f},{y:.0f} + box" for x, y in points[cut]],
        )
    )
    dense = pieces.at_full_size(kept)
    unknown = np.full(len(kept), np.nan, np.float32)
    parts.append(Candidates(dense, ("dense",) * len(kept), unknown, pieces.label_ids[kept]))
    return Candidates.join(parts)


def piece_prompts(pieces: Pieces) -> tuple[PromptBatch, Array]:
    """One prompt per piece: its point, its box, and the points of rival pieces inside the box as "not this"."""
    points, boxes = pieces.points(), pieces.boxes
    rivals = [
        _rivals(index, points, boxes[index], pieces.label_ids) for index in range(len(pieces))
    ]
    width = 1 + max(len(row) for row in rivals)
    xy = np.zeros((len(pieces), width, 2), np.float32)
    keep = np.full((len(pieces), width), -1, np.int8)
    xy[:, 0], keep[:, 0] = points, 1
    for index, row in enumerate(rivals):
        xy[index, 1 : 1 + len(row)], keep[index, 1 : 1 + len(row)] = points[row], 0
    return PromptBatch(xy, keep, boxes), points


def _rivals(index: int, points: Array, box: Array, label_ids: Array) -> Array:
    """At most two pieces of other words whose points lie in the box."""
    inside = ((points >= box[:2]) & (points < box[2:])).all(1) & (label_ids != label_ids[index])
    return np.flatnonzero(inside)[:2]


def _choose(
    prompts: PromptBatch,
    pieces: Pieces,
    owners: Array,
    segmenter: Segmenter,
    encoding: Encoding,
    batch: int,
) -> Chosen:
    """Cut in batches; of each prompt's candidates the one with the best quality x agreement with its piece."""
    chosen = []
    for start in range(0, len(prompts), batch):
        part = slice(start, start + batch)
        asked = (
            replace(prompts[part], logits=pieces.priors(owners[part]))
            if not np.isnan(prompts.boxes[part]).all()
            else prompts[part]
        )
        cuts = segmenter.cut(encoding, asked)
        grid = (cuts.logits.shape[2], cuts.logits.shape[3])
        targets = pieces.masks[owners[part]].resize(grid).dense()
        agreement = _ious(cuts.logits > 0, targets[:, None])
        best = (cuts.quality * agreement).argmax(1)
        rows = np.arange(len(best))
        chosen.append(
            Chosen(cuts.logits[rows, best], cuts.quality[rows, best], agreement[rows, best])
        )
    return Chosen(
        *(
            np.concatenate([getattr(part, name) for part in chosen])
            for name in ("logits", "quality", "agreement")
        )
    )


def _instances(
    pieces: Pieces, segmenter: Segmenter, encoding: Encoding, batch: int
) -> tuple[Candidates, Array]:
    """Cuts around the separate depths of a piece, where they part it well; and the piece each belongs to."""
    prompts, owners = _peak_prompts(pieces)
    if not len(owners):
        return Candidates.nothing(pieces.size), owners
    cuts = _choose(prompts, pieces, owners, segmenter, encoding, batch)
    grid = (cuts.logits.shape[1], cuts.logits.shape[2])
    coarse = Masks.from_dense(cuts.logits > 0)
    homes = pieces.masks.resize(grid)
    rows = [
        row for home in np.unique(owners) for row in _parts_of(home, owners, cuts, coarse, homes)
    ]
    index = np.array(rows, np.int64)
    asked = [f"point {x:.0f},{y:.0f}" for x, y in prompts.xy[index, 0]]
    return _cut(cuts, index, pieces.label_ids[owners[index]], pieces.size, asked), owners[index]


def _peak_prompts(pieces: Pieces) -> tuple[PromptBatch, Array]:
    """For pieces with several depths: each depth once as "this", the others as "not this"."""
    xy, owners = [], []
    for index, (crop, corner) in enumerate(
        zip(pieces.masks.crops, pieces.masks.corners, strict=True)
    ):
        peaks = regions.deep_points(crop, count=PEAKS)
        for turn in range(len(peaks) if len(peaks) > 1 else 0):
            xy.append((np.roll(peaks, -turn, axis=0) + corner) * pieces.to_picture)
            owners.append(index)
    width = max((len(row) for row in xy), default=0)
    points = np.zeros((len(xy), width, 2), np.float32)
    keep = np.full((len(xy), width), -1, np.int8)
    for row, values in enumerate(xy):
        points[row, : len(values)], keep[row, : len(values)] = values, 0
    keep[:, :1] = 1
    return PromptBatch(points, keep, np.full((len(xy), 4), np.nan, np.float32)), np.array(
        owners, np.int64
    )


def _parts_of(home: int, owners: Array, cuts: Chosen, coarse: Masks, homes: Masks) -> list[int]:
    """The cuts that part piece `home`: good ones, mostly inside it, none a copy; [] where they do not cover it."""
    mine = np.flatnonzero((owners == home) & (cuts.quality >= MIN_QUALITY) & (coarse.areas > 0))
    if len(mine) < 2:
        return []
    shared = coarse[mine].intersections(homes[[home]])[:, 0]
    inside = (shared >= 0.7 * coarse.areas[mine]) & (shared <= 0.8 * homes.areas[home])
    mine = mine[inside]
    mine = mine[merge.nms(coarse[mine], cuts.quality[mine], iou=0.3, containment=0.6)]
    if len(mine) < 2:
        return []
    covered = coarse[mine].union() & homes.one(home)
    return mine.tolist() if covered.sum() >= SPLIT_COVER * homes.areas[home] else []


def _cut(
    chosen: Chosen, rows: Array, label_ids: Array, size: Size, prompts: list[str]
) -> Candidates:
    """The chosen logits at full size, with their probability over each crop."""
    masks = (
        _without_specks(regions.masks_of_logits(chosen.logits[rows], size))
        if len(rows)
        else Masks.empty(size)
    )
    weights = tuple(
        _probability(chosen.logits[row], masks.boxes[k], size) for k, row in enumerate(rows)
    )
    return Candidates(masks, tuple(prompts), chosen.quality[rows], label_ids, None, weights)


def _without_specks(masks: Masks) -> Masks:
    """Each mask without the fragments that are far smaller than the rest of it."""
    sizes = [int(np.ceil(SPECK * area)) for area in masks.areas]
    crops = [
        regions.drop_specks(crop, min_area=size)
        for crop, size in zip(masks.crops, sizes, strict=True)
    ]
    return Masks.from_crops(masks.size, masks.corners, crops)


def _probability(logits: Array, box: Array, size: Size) -> Array:
    """(h, w) probability of a low-resolution mask over a box of the picture."""
    x0, y0, x1, y1 = (int(side) for side in box)
    if x0 == x1:
        return np.zeros((0, 0), np.float32)
    scale_x, scale_y = logits.shape[1] / size[1], logits.shape[0] / size[0]
    back = np.array(
        [[scale_x, 0, (x0 + 0.5) * scale_x - 0.5], [0, scale_y, (y0 + 0.5) * scale_y - 0.5]]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    spread = cv2.warpAffine(
        np.clip(logits, -20, 20),
        back,
        (x1 - x0, y1 - y0),
        flags=flags,
        borderMode=cv2.BORDER_REPLICATE,
    )
    probability: Array = 1 / (1 + np.exp(-spread))
    return probability


def _ious(cut: Array, target: Array) -> Array:
    """IoU over the last two axes, broadcast; 0 where both are empty."""
    shared = (cut & target).sum((-2, -1))
    either = (cut | target).sum((-2, -1))
    share: Array = np.divide(shared, either, out=np.zeros(shared.shape), where=either > 0)
    return share
