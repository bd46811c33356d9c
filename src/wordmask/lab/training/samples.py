"""One training sample: a picture cropped, turned and coloured, with labelled points, regions and prompts.

Labels are sampled at points, not kept as maps: pixels of many sets and teachers then go through one loss.
All coordinates are in pixels of the crop, x to the right, y down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from wordmask.lab.data.packs import IGNORE, SURE, Labels, Region, tight_box
from wordmask.model.mini.constants import BOTTOM_RIGHT, NEGATIVE, NOTHING, POSITIVE, TOP_LEFT

Floats = NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True)
class SampleOptions:
    """How large a sample is and how much is asked of it."""

    side: int = 288
    """Width and height of the crop."""
    scales: tuple[float, float] = (0.7, 1.8)
    """How far the packed picture is enlarged before cropping."""
    long_side: int = 384
    """Pictures packed smaller are first enlarged to this, so that scales mean the same."""
    points: int = 512
    """Labelled points per picture."""
    regions: int = 10
    """Named regions and sure boxes per picture."""
    inside: int = 20
    """Points sampled in each of them."""
    cuts: int = 2
    """Masks to be cut per picture."""
    clicks: int = 4
    """Most points of one prompt; a box takes two."""
    pad: int = 6
    """Length of a prompt's list of points."""


@dataclass(frozen=True)
class Sample:
    """Arrays of one crop; R regions, C cuts, P points (each may be 0)."""

    picture: NDArray[np.uint8]
    points: Floats
    point_rows: NDArray[np.int64]
    region_points: Floats
    """(R, inside, 2)"""
    region_rows: NDArray[np.int64]
    region_boxes: Floats
    """(R, 4) the box where the region is a teacher's, else zeros: the cutter may sharpen it."""
    cut_masks: Floats
    """(C, side/4, side/4) share of each cell that belongs to the mask."""
    cut_points: Floats
    """(C, pad, 2)"""
    cut_kinds: NDArray[np.int64]
    cut_before: Floats
    """(C, side/8, side/8) logits of a previous mask."""
    cut_rows: NDArray[np.int64]
    """(C,) row of each, -1 where it has no name."""
    depth: Floats
    """(side/8, side/8), 0 where unknown."""


def make_sample(labels: Labels, rng: Rng, options: SampleOptions) -> Sample:
    turn = _random_affine(labels.picture.shape[:2], rng, options)
    side = (options.side, options.side)
    picture = cv2.warpAffine(
        labels.picture, turn, side, flags=cv2.INTER_LINEAR, borderValue=(124, 116, 104)
    )
    maps = [
        cv2.warpAffine(m, turn, side, flags=cv2.INTER_NEAREST, borderValue=IGNORE)
        for m in labels.maps
    ]
    points, rows = _labelled_points(maps, rng, options.points)
    order = rng.permutation(len(labels.regions))[:24]
    regions = [_warp(labels.regions[k], turn, side) for k in order]
    regions = [r for r in regions if r.mask.sum() >= 64]
    where, region_rows, region_boxes = _named_regions(regions, labels, turn, rng, options)
    cuts = [_prompt(r.mask, rng, options) for r in regions[: options.cuts]]
    masks, xy, kinds, before = _stack_cuts(cuts, options)
    named = np.array([r.row for r in regions[: options.cuts]], np.int64)
    depth = _depth(labels.depth, turn, options)
    asked = (where, region_rows, region_boxes)
    return Sample(
        _colour(picture, rng), points, rows, *asked, masks, xy, kinds, before, named, depth
    )


def _stack_cuts(
    cuts: Sequence[tuple[Floats, Floats, NDArray[np.int64], Floats]], o: SampleOptions
) -> tuple[Floats, Floats, NDArray[np.int64], Floats]:
    quarter, eighth = o.side // 4, o.side // 8
    masks, xy, kinds, before = (
        np.zeros((len(cuts), *shape), np.float32)
        for shape in ((quarter,) * 2, (o.pad, 2), (o.pad,), (eighth,) * 2)
    )
    for k, cut in enumerate(cuts):
        masks[k], xy[k], kinds[k], before[k] = cut
    return masks, xy, kinds.astype(np.int64), before


def _random_affine(size: tuple[int, int], rng: Rng, o: SampleOptions) -> Floats:
    """Scale (a little differently in x and y), mirror, and put a random place into the crop."""
    h, w = size
    scale = np.exp(rng.uniform(*np.log(o.scales))) * o.long_side / max(h, w)
    stretch = np.exp(rng.normal(0, 0.08))
    sx, sy = scale * stretch, scale / stretch
    sign = -1.0 if rng.random() < 0.5 else 1.0
    room = np.array([o.side - w * sx, o.side - h * sy])
    x, y = rng.random(2) * room
    shift = x if sign > 0 else x + w * sx
    return np.array([[sx * sign, 0, shift], [0, sy, y]], np.float32)


def _colour(picture: NDArray[np.uint8], rng: Rng) -> NDArray[np.uint8]:
    """Brightness, contrast, warmth; now and then grey or blurred."""
    table = np.arange(256, dtype=np.float32) / 255
    table = np.clip(
        (table ** np.exp(rng.normal(0, 0.2)) - 0.5) * rng.uniform(0.7, 1.3)
        + 0.5
        + rng.normal(0, 0.06),
        0,
        1,
    )
    gains = np.exp(rng.normal(0, 0.06, 3))
    out = cv2.LUT(picture, np.clip(table[:, None] * gains * 255, 0, 255).astype(np.uint8)[None])
    if rng.random() < 0.06:
        out = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < 0.12:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.4))
    return np.asarray(out, np.uint8)


def _warp(region: Region, turn: Floats, side: tuple[int, int]) -> Region:
    mask = cv2.warpAffine(region.mask.astype(np.uint8), turn, side, flags=cv2.INTER_NEAREST)
    return Region(mask.astype(bool), region.row)


def _labelled_points(
    maps: list[NDArray[np.int16]], rng: Rng, count: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Half of the points anywhere, half spread evenly over the labels that appear."""
    if not maps:
        return np.zeros((0, 2), np.float32), np.zeros(0, np.int64)
    stack = np.stack(maps)
    flat = stack.ravel()
    known = np.flatnonzero(flat != IGNORE)
    if not len(known):
        return np.zeros((0, 2), np.float32), np.zeros(0, np.int64)
    anywhere = rng.choice(known, count // 2)
    pool = rng.choice(known, min(len(known), 20000))
    _, inverse, counts = np.unique(flat[pool], return_inverse=True, return_counts=True)
    even = 1.0 / counts[inverse]
    chosen = np.concatenate([anywhere, rng.choice(pool, count - count // 2, p=even / even.sum())])
    _, ys, xs = np.unravel_index(chosen, stack.shape)
    return np.stack([xs, ys], 1).astype(np.float32) + 0.5, flat[chosen].astype(np.int64)


def _named_regions(
    regions: list[Region], labels: Labels, turn: Floats, rng: Rng, o: SampleOptions
) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Points in labelled regions and in the middle 70 % of sure boxes, with the row of each."""
    found = [
        (_inside(r.mask, rng, o.inside), r.row, np.zeros(4, np.float32))
        for r in regions
        if r.row != IGNORE
    ]
    found = found[: o.regions // 2] if len(labels.boxes.rows) else found[: o.regions]
    corners = labels.boxes.xyxy.reshape(-1, 2, 2) * np.array([turn[0, 0], turn[1, 1]]) + turn[:, 2]
    whole = np.concatenate([corners.min(1), corners.max(1)], 1)
    seen = whole.clip(0, o.side)
    area = (whole[:, 2:] - whole[:, :2]).prod(1)
    part = (seen[:, 2:] - seen[:, :2]).prod(1)
    good = np.flatnonzero((labels.boxes.scores >= SURE) & (part > 0.6 * area) & (part >= 144))
    for k in rng.permutation(good)[: o.regions - len(found)]:
        middle, half = (seen[k, :2] + seen[k, 2:]) / 2, (seen[k, 2:] - seen[k, :2]) * 0.35
        points = middle + rng.uniform(-1, 1, (o.inside, 2)) * half
        found.append(
            (points.astype(np.float32), int(labels.boxes.rows[k]), seen[k].astype(np.float32))
        )
    if not found:
        return (
            np.zeros((0, o.inside, 2), np.float32),
            np.zeros(0, np.int64),
            np.zeros((0, 4), np.float32),
        )
    return (
        np.stack([f[0] for f in found]),
        np.array([f[1] for f in found], np.int64),
        np.stack([f[2] for f in found]),
    )


def _inside(mask: NDArray[np.bool_], rng: Rng, count: int) -> Floats:
    ys, xs = np.nonzero(mask)
    k = rng.integers(0, len(ys), count)
    return np.stack([xs[k], ys[k]], 1).astype(np.float32) + 0.5


def deepest_point(mask: NDArray[np.bool_]) -> Floats:
    """xy of the place farthest from the mask's edge."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    return np.array([x + 0.5, y + 0.5], np.float32)


def _prompt(
    mask: NDArray[np.bool_], rng: Rng, o: SampleOptions
) -> tuple[Floats, Floats, NDArray[np.int64], Floats]:
    """A mask and a prompt for it: its box (a little off), or clicks, or clicks that correct an earlier mask."""
    xy, kind = np.zeros((o.pad, 2), np.float32), np.full(o.pad, NOTHING, np.int64)
    before = np.zeros((o.side // 8, o.side // 8), np.float32)
    style = rng.random()
    if style < 0.45:
        box = tight_box(mask)
        size = np.tile(box[2:] - box[:2], 2)
        off = np.clip(rng.normal(0, 0.04, 4), -0.12, 0.12) * size * (rng.random() < 0.7)
        box = (box + off).astype(np.float32)
        xy[:2], kind[:2] = box.reshape(2, 2), (TOP_LEFT, BOTTOM_RIGHT)
    if style > 0.38:
        first = deepest_point(mask) if rng.random() < 0.6 else _inside(mask, rng, 1)[0]
        xy[2], kind[2] = first, POSITIVE
        extra = int(rng.integers(0, o.clicks)) if rng.random() < 0.4 else 0
        for k in range(extra):
            near = _near_outside(mask, rng) if rng.random() < 0.5 else None
            xy[3 + k] = near if near is not None else _inside(mask, rng, 1)[0]
            kind[3 + k] = NEGATIVE if near is not None else POSITIVE
    if style > 0.8:
        before = _earlier_mask(mask, rng, o.side // 8)
    quarter = cv2.resize(
        mask.astype(np.float32), (o.side // 4, o.side // 4), interpolation=cv2.INTER_AREA
    )
    return quarter, xy, kind, before


def _near_outside(mask: NDArray[np.bool_], rng: Rng) -> Floats | None:
    """A point outside the mask, within about half its size of it."""
    x0, y0, x1, y1 = tight_box(mask)
    low, high = np.array([x0, y0]), np.array([x1, y1])
    margin = (high - low) * 0.3 + 6
    for xy in rng.uniform(low - margin, high + margin, (8, 2)):
        x, y = int(xy[0]), int(xy[1])
        if 0 <= x < mask.shape[1] and 0 <= y < mask.shape[0] and not mask[y, x]:
            return np.array([x + 0.5, y + 0.5], np.float32)
    return None


def _earlier_mask(mask: NDArray[np.bool_], rng: Rng, side: int) -> Floats:
    """The mask with mistakes: moved, grown or shrunk, a piece missing or added; as logits at stride 8."""
    size = max(3, int(np.sqrt(mask.sum()) * rng.uniform(0.02, 0.2)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    wrong = cv2.morphologyEx(
        mask.astype(np.uint8), rng.choice([cv2.MORPH_DILATE, cv2.MORPH_ERODE]), kernel
    )
    shift = np.array([[1, 0, rng.normal(0, size / 2)], [0, 1, rng.normal(0, size / 2)]], np.float32)
    wrong = cv2.warpAffine(wrong, shift, mask.shape[::-1], flags=cv2.INTER_NEAREST)
    if rng.random() < 0.6:
        centre = _inside(mask, rng, 1)[0].astype(int)
        cv2.circle(wrong, (int(centre[0]), int(centre[1])), size * 2, int(rng.random() < 0.5), -1)
    soft = cv2.resize(wrong.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray((soft - 0.5) * rng.uniform(6, 14), np.float32)


def _depth(depth: NDArray[np.uint8] | None, turn: Floats, o: SampleOptions) -> Floats:
    eighth = o.side // 8
    if depth is None:
        return np.zeros((eighth, eighth), np.float32)
    turned = cv2.warpAffine(depth, turn, (o.side, o.side), flags=cv2.INTER_NEAREST, borderValue=0)
    return np.asarray(
        cv2.resize(turned, (eighth, eighth), interpolation=cv2.INTER_NEAREST), np.float32
    )
