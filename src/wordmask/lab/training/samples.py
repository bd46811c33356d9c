"""One training sample: a cropped, mirrored, recoloured picture with labelled points and prompts.

Labels are sampled at points instead of being kept as maps, so pixels of many sets and of teachers
go through one loss. All coordinates are in pixels of the crop, x to the right, y down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import cv2
import numpy as np
from annotated_types import Gt, Interval
from numpy.typing import NDArray

from wordmask.core.image import Size
from wordmask.core.masks import Masks
from wordmask.core.options import check
from wordmask.errors import Mend, OptionError
from wordmask.lab.data.packs import SURE
from wordmask.lab.training.labels import IGNORE, LabelledMasks, Labels, TeacherBoxes
from wordmask.model.mini.constants import (
    BOTTOM_RIGHT,
    FINE,
    NEGATIVE,
    NOTHING,
    POSITIVE,
    STRIDE,
    TOP_LEFT,
)
from wordmask.ops.regions import deepest_point

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Rng = np.random.Generator

OUTSIDE = (124, 116, 104)  # ImageNet's mean colour, around a picture that does not fill the crop
MIN_REGION = 64  # pixels of the crop; smaller regions are dropped
MOST_REGIONS = 24  # regions of a picture that are looked at
MIN_BOX = 144  # pixels that a teacher's box must have in the crop
IN_VIEW = 0.6  # share of a teacher's box that must lie in the crop
MIDDLE = 0.35  # points of a box lie in its middle: so far from the centre, in sides of the box
POOL = 20_000  # labelled pixels among which points are drawn evenly by label


@dataclass(frozen=True)
class SampleOptions:
    """How large a sample is and how much is asked about it."""

    side: Annotated[int, Interval(ge=32)] = 288
    """Width and height of the crop."""
    scales: tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)]] = (0.7, 1.8)
    """Least and most that the picture is enlarged before cropping."""
    long_side: Annotated[int, Interval(ge=1)] = 384
    """Pictures are first brought to this long side, so that scales mean the same for all."""
    points: Annotated[int, Interval(ge=1)] = 512
    """Labelled points per picture."""
    regions: Annotated[int, Interval(ge=1)] = 10
    """Named regions and sure boxes per picture."""
    inside: Annotated[int, Interval(ge=1)] = 20
    """Points sampled in each of them."""
    cuts: Annotated[int, Interval(ge=0)] = 2
    """Prompted masks per picture."""
    clicks: Annotated[int, Interval(ge=1)] = 4
    """Most clicks of one prompt."""
    pad: Annotated[int, Interval(ge=2)] = 6
    """Length of a prompt's list of points, the two corners of a box included."""

    def __post_init__(self) -> None:
        check(self)
        if self.pad < self.clicks + 2:
            raise OptionError(
                f"a prompt of {self.clicks} clicks and a box does not fit into {self.pad} points",
                mend=Mend("pad", str(self.clicks + 2)),
            )


@dataclass(frozen=True, eq=False)
class NamedPoints:
    """Points in R regions, with the row of each region."""

    xy: Floats
    """(R, inside, 2)"""
    rows: Ints
    """(R,)"""
    boxes: Floats
    """(R, 4): the teacher's box, which the decoder may sharpen, or zeros where there is none."""


@dataclass(frozen=True, eq=False)
class PromptedMasks:
    """C masks of a crop, each with a prompt that should give it."""

    masks: Floats
    """(C, side/4, side/4) share of each cell that belongs to the mask."""
    xy: Floats
    """(C, pad, 2)"""
    kinds: Ints
    """(C, pad)"""
    before: Floats
    """(C, side/8, side/8) logits of an earlier mask, all 0 where there is none."""


@dataclass(frozen=True, eq=False)
class TrainingSample:
    """One crop and everything that is asked about it."""

    picture: NDArray[np.uint8]
    """(side, side, 3) RGB"""
    points: Floats
    """(P, 2)"""
    point_rows: Ints
    """(P,)"""
    regions: NamedPoints
    cuts: PromptedMasks
    depth: Floats
    """(side/8, side/8), 0 where unknown."""


class CroppedRegion(NamedTuple):
    """A region of the crop."""

    mask: Mask
    row: int


class Prompt(NamedTuple):
    """The prompt for one mask: points with their kinds, and an earlier mask."""

    xy: Floats
    kinds: Ints
    before: Floats


def make_sample(labels: Labels, rng: Rng, options: SampleOptions) -> TrainingSample:
    """A random crop of the picture; the same state of `rng` gives the same crop."""
    height, width = labels.picture.shape[:2]
    turn = _random_affine((height, width), rng, options)
    side = (options.side, options.side)
    picture = cv2.warpAffine(
        labels.picture, turn, side, flags=cv2.INTER_LINEAR, borderValue=OUTSIDE
    )
    maps = [
        cv2.warpAffine(one, turn, side, flags=cv2.INTER_NEAREST, borderValue=IGNORE)
        for one in labels.maps
    ]
    points, rows = _labelled_points(maps, rng, options.points)
    regions = _crop_regions(labels.regions, turn, rng, options)
    named = _named_points(regions, labels.boxes, turn, rng, options)
    cuts = _prompted_masks(regions[: options.cuts], rng, options)
    depth = _crop_depth(labels.depth, turn, options)
    return TrainingSample(_recolour(picture, rng), points, rows, named, cuts, depth)


# ---- the crop


def _random_affine(size: Size, rng: Rng, o: SampleOptions) -> Floats:
    """(2, 3): enlarge, not quite alike in x and y; mirror; put a random place into the crop."""
    h, w = size
    scale = np.exp(rng.uniform(*np.log(o.scales))) * o.long_side / max(h, w)
    stretch = np.exp(rng.normal(0, 0.08))
    sx, sy = scale * stretch, scale / stretch
    sign = -1.0 if rng.random() < 0.5 else 1.0
    room = np.array([o.side - w * sx, o.side - h * sy])
    x, y = rng.random(2) * room
    shift = x if sign > 0 else x + w * sx
    return np.array([[sx * sign, 0, shift], [0, sy, y]], np.float32)


def _recolour(picture: NDArray[np.uint8], rng: Rng) -> NDArray[np.uint8]:
    """Change brightness, contrast and warmth; now and then make it grey or blur it."""
    table = np.arange(256, dtype=np.float32) / 255
    table = table ** np.exp(rng.normal(0, 0.2)) - 0.5
    table = np.clip(table * rng.uniform(0.7, 1.3) + 0.5 + rng.normal(0, 0.06), 0, 1)
    gains = np.exp(rng.normal(0, 0.06, 3))
    out = cv2.LUT(picture, np.clip(table[:, None] * gains * 255, 0, 255).astype(np.uint8)[None])
    if rng.random() < 0.06:
        out = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < 0.12:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.4))
    return np.asarray(out, np.uint8)


def _crop_regions(
    regions: LabelledMasks, turn: Floats, rng: Rng, o: SampleOptions
) -> list[CroppedRegion]:
    """Some regions of the picture as they lie in the crop, in random order."""
    found = []
    for k in rng.permutation(len(regions.rows))[:MOST_REGIONS].tolist():
        whole = regions.masks.one(k).astype(np.uint8)
        mask = cv2.warpAffine(whole, turn, (o.side, o.side), flags=cv2.INTER_NEAREST).astype(bool)
        if mask.sum() >= MIN_REGION:
            found.append(CroppedRegion(mask, int(regions.rows[k])))
    return found


def _crop_depth(depth: NDArray[np.uint8] | None, turn: Floats, o: SampleOptions) -> Floats:
    eighth = o.side // STRIDE
    if depth is None:
        return np.zeros((eighth, eighth), np.float32)
    turned = cv2.warpAffine(depth, turn, (o.side, o.side), flags=cv2.INTER_NEAREST, borderValue=0)
    small = cv2.resize(turned, (eighth, eighth), interpolation=cv2.INTER_NEAREST)
    return np.asarray(small, np.float32)


# ---- what words mean


def _labelled_points(maps: list[NDArray[np.int16]], rng: Rng, count: int) -> tuple[Floats, Ints]:
    """Half of the points anywhere, half spread evenly over the labels that appear."""
    flat = np.stack(maps).ravel() if maps else np.zeros(0, np.int16)
    known = np.flatnonzero(flat != IGNORE)
    if not len(known):
        return np.zeros((0, 2), np.float32), np.zeros(0, np.int64)
    anywhere = rng.choice(known, count // 2)
    pool = rng.choice(known, min(len(known), POOL))
    _, label, counts = np.unique(flat[pool], return_inverse=True, return_counts=True)
    even = 1.0 / counts[label]
    chosen = np.concatenate([anywhere, rng.choice(pool, count - count // 2, p=even / even.sum())])
    _, ys, xs = np.unravel_index(chosen, (len(maps), *maps[0].shape))
    return np.stack([xs, ys], 1).astype(np.float32) + 0.5, flat[chosen].astype(np.int64)


def _named_points(
    regions: list[CroppedRegion], boxes: TeacherBoxes, turn: Floats, rng: Rng, o: SampleOptions
) -> NamedPoints:
    """Points in labelled regions and in the middles of sure boxes."""
    named = [region for region in regions if region.row != IGNORE]
    xy = [_points_inside(region.mask, rng, o.inside) for region in named]
    most = o.regions // 2 if len(boxes.rows) else o.regions
    xy, named = xy[:most], named[:most]
    rows = [region.row for region in named]
    corners = [np.zeros(4, np.float32)] * len(named)
    seen = _crop_boxes(boxes.xyxy, turn).clip(0, o.side)
    good = np.flatnonzero((boxes.scores >= SURE) & _are_in_view(boxes.xyxy, turn, o.side))
    for k in rng.permutation(good)[: o.regions - len(rows)].tolist():
        middle, half = (seen[k, :2] + seen[k, 2:]) / 2, (seen[k, 2:] - seen[k, :2]) * MIDDLE
        points = middle + rng.uniform(-1, 1, (o.inside, 2)) * half
        xy.append(points.astype(np.float32))
        rows.append(int(boxes.rows[k]))
        corners.append(seen[k].astype(np.float32))
    return NamedPoints(
        np.array(xy, np.float32).reshape(-1, o.inside, 2),
        np.array(rows, np.int64),
        np.array(corners, np.float32).reshape(-1, 4),
    )


def _crop_boxes(xyxy: Floats, turn: Floats) -> NDArray[np.float64]:
    """(N, 4) boxes as they lie in the crop; mirrored ones have their corners in order again."""
    scale = np.array([turn[0, 0], turn[1, 1]])
    corners = xyxy.reshape(-1, 2, 2) * scale + turn[:, 2]
    return np.concatenate([corners.min(1), corners.max(1)], 1)


def _are_in_view(xyxy: Floats, turn: Floats, side: int) -> Mask:
    whole = _crop_boxes(xyxy, turn)
    seen = whole.clip(0, side)
    area = (whole[:, 2:] - whole[:, :2]).prod(1)
    part = (seen[:, 2:] - seen[:, :2]).prod(1)
    in_view: Mask = (part > IN_VIEW * area) & (part >= MIN_BOX)
    return in_view


def _points_inside(mask: Mask, rng: Rng, count: int) -> Floats:
    """(count, 2) random pixels of the mask."""
    ys, xs = np.nonzero(mask)
    k = rng.integers(0, len(ys), count)
    return np.stack([xs[k], ys[k]], 1).astype(np.float32) + 0.5


# ---- prompts


def _prompted_masks(regions: Sequence[CroppedRegion], rng: Rng, o: SampleOptions) -> PromptedMasks:
    quarter, eighth, count = o.side // FINE, o.side // STRIDE, len(regions)
    masks = np.zeros((count, quarter, quarter), np.float32)
    xy = np.zeros((count, o.pad, 2), np.float32)
    kinds = np.zeros((count, o.pad), np.int64)
    before = np.zeros((count, eighth, eighth), np.float32)
    for k, region in enumerate(regions):
        xy[k], kinds[k], before[k] = _make_prompt(region.mask, rng, o)
        whole = region.mask.astype(np.float32)
        masks[k] = cv2.resize(whole, (quarter, quarter), interpolation=cv2.INTER_AREA)
    return PromptedMasks(masks, xy, kinds, before)


def _make_prompt(mask: Mask, rng: Rng, o: SampleOptions) -> Prompt:
    """A box that is a little off, or clicks, or both, or clicks that correct an earlier mask."""
    xy, kinds = np.zeros((o.pad, 2), np.float32), np.full(o.pad, NOTHING, np.int64)
    before = np.zeros((o.side // STRIDE, o.side // STRIDE), np.float32)
    style = rng.random()
    if style < 0.45:
        xy[:2] = _jittered_box(mask, rng).reshape(2, 2)
        kinds[:2] = TOP_LEFT, BOTTOM_RIGHT
    if style > 0.38:
        xy[2] = deepest_point(mask) if rng.random() < 0.6 else _points_inside(mask, rng, 1)[0]
        kinds[2] = POSITIVE
        extra = int(rng.integers(0, o.clicks)) if rng.random() < 0.4 else 0
        for k in range(3, 3 + extra):
            near = _point_near(mask, rng) if rng.random() < 0.5 else None
            xy[k] = _points_inside(mask, rng, 1)[0] if near is None else near
            kinds[k] = POSITIVE if near is None else NEGATIVE
    if style > 0.8:
        before = _earlier_mask(mask, rng, o.side // STRIDE)
    return Prompt(xy, kinds, before)


def _tight_box(mask: Mask) -> Floats:
    """(4,) x0 y0 x1 y1 of a mask that is not empty."""
    box: Floats = Masks.from_dense(mask).boxes[0].astype(np.float32)
    return box


def _jittered_box(mask: Mask, rng: Rng) -> Floats:
    """The mask's box with each side moved by up to 12 % of the box; exact in 3 of 10 cases."""
    box = _tight_box(mask)
    size = np.tile(box[2:] - box[:2], 2)
    off = np.clip(rng.normal(0, 0.04, 4), -0.12, 0.12) * size * (rng.random() < 0.7)
    return (box + off).astype(np.float32)


def _point_near(mask: Mask, rng: Rng) -> Floats | None:
    """A point outside the mask, within about a third of its size; None if eight tries find none."""
    box = _tight_box(mask)
    low, high = box[:2], box[2:]
    margin = (high - low) * 0.3 + 6
    for xy in rng.uniform(low - margin, high + margin, (8, 2)):
        x, y = int(xy[0]), int(xy[1])
        if 0 <= x < mask.shape[1] and 0 <= y < mask.shape[0] and not mask[y, x]:
            return np.array([x + 0.5, y + 0.5], np.float32)
    return None


def _earlier_mask(mask: Mask, rng: Rng, side: int) -> Floats:
    """(side, side) logits of the mask with mistakes: moved, grown or shrunk, or with a spot."""
    size = max(3, int(np.sqrt(mask.sum()) * rng.uniform(0.02, 0.2)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    change = rng.choice([cv2.MORPH_DILATE, cv2.MORPH_ERODE])
    wrong = cv2.morphologyEx(mask.astype(np.uint8), change, kernel)
    shift = np.array([[1, 0, rng.normal(0, size / 2)], [0, 1, rng.normal(0, size / 2)]], np.float32)
    wrong = cv2.warpAffine(wrong, shift, mask.shape[::-1], flags=cv2.INTER_NEAREST)
    if rng.random() < 0.6:
        x, y = _points_inside(mask, rng, 1)[0].astype(int).tolist()
        cv2.circle(wrong, (x, y), size * 2, int(rng.random() < 0.5), -1)
    soft = cv2.resize(wrong.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray((soft - 0.5) * rng.uniform(6, 14), np.float32)
