"""Every region of a picture: a grid of points is cut, the cuts are filtered and duplicates dropped.

All of that works on the segmenter's low-resolution logits. Only the regions that survive are
brought to full size, straight into crops, so memory is bounded by the prompts of one batch and the
logits of the survivors, not by points x height x width.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import cv2
import numpy as np
from annotated_types import Ge, Interval

from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.options import Confidence, Share, check
from wordmask.core.protocols import CutThresholds, PromptBatch, Seen, Segmenter
from wordmask.ops import merge, regions
from wordmask.tasks.finding.candidates import Candidates

HELD = 512  # survivors that are held before duplicates among them are dropped for the first time
USUAL = CutThresholds(0.6, 0.7)  # for an engine that says none of its own
SURE = 0.85  # quality from which later points inside a region need no prompt
CONTRAST = 24  # of 255: an area with less contrast than this within a step of the grid is even
LOGIT_LIMIT = 100  # logits are clipped to this and held as float16


@dataclass(frozen=True)
class EverythingOptions:
    """How a picture is divided into regions."""

    points_per_side: Annotated[int, Interval(ge=1, le=256)] = 32
    """Points of the grid along the longer side."""
    adaptive: bool = True
    """Prompt every fourth point first, and skip later ones on an even surface of a sure region."""
    min_quality: Confidence = "auto"
    """Regions below this estimate of their own IoU are dropped: 0 to 1, or auto (the engine's)."""
    min_stability: Confidence = "auto"
    """Regions that change more than this under a small shift of the threshold are dropped: 0 to 1,
    or auto (the engine's)."""
    iou_threshold: Share = 0.7
    """Of two regions that overlap more than this, the better one stays."""
    min_region_size: Annotated[int, Ge(0)] = 100
    """Smallest region, in pixels."""
    crop_layers: Annotated[int, Interval(ge=0, le=4)] = 0
    """Also search 2^k x 2^k overlapping parts of the picture for each layer k; finds small things,
    takes longer."""
    prompts_per_batch: Annotated[int, Interval(ge=1, le=4096)] = 32
    """Prompts decoded at once: memory against speed."""

    def __post_init__(self) -> None:
        check(self)

    def thresholds(self, own: CutThresholds | None) -> CutThresholds:
        """What is asked for; where that is auto, the engine's `own`, or usual ones."""
        quality, stability = own or USUAL
        return CutThresholds(
            quality if self.min_quality == "auto" else float(self.min_quality),
            stability if self.min_stability == "auto" else float(self.min_stability),
        )


class Window(NamedTuple):
    """A part of the picture; x1 and y1 are exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, eq=False)
class _Survivors:
    """Cuts that passed the filters, at low resolution."""

    logits: Array  # (N, h, w) float16
    quality: Array  # (N,) float32
    xy: Array  # (N, 2) float32, the points that prompted them

    def __len__(self) -> int:
        return len(self.xy)

    def __getitem__(self, rows: Array) -> "_Survivors":
        return _Survivors(self.logits[rows], self.quality[rows], self.xy[rows])

    @classmethod
    def none(cls) -> "_Survivors":
        empty = np.zeros((0, 1, 1), np.float16)
        return cls(empty, np.zeros(0, np.float32), np.zeros((0, 2), np.float32))

    @classmethod
    def join(cls, parts: Sequence["_Survivors"]) -> "_Survivors":
        parts = [part for part in parts if len(part)]
        if not parts:
            return cls.none()
        return cls(
            np.concatenate([part.logits for part in parts]),
            np.concatenate([part.quality for part in parts]),
            np.concatenate([part.xy for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class _Round:
    """Points of the grid that become prompts together."""

    points: Array  # (P, 2) float32
    even: Array  # (P,) bool: on an even surface; needs no prompt inside a sure region


def find_regions(
    image: Image, segmenter: Segmenter, seen: Seen, options: EverythingOptions
) -> Candidates:
    """Unnamed candidates, best first; `seen` is what the segmenter made of the whole picture."""
    parts = []
    for window in _windows(image.size, options.crop_layers):
        part = Image(image.pixels[window.y0 : window.y1, window.x0 : window.x1], image.name)
        part_seen = seen if part.size == image.size else segmenter.encode([part])[0]
        survivors = _search(segmenter, part_seen, part, options)
        parts.append(_place(survivors, window, image.size))
    return drop_small_and_duplicate(Candidates.join(parts), options)


def drop_small_and_duplicate(found: Candidates, options: EverythingOptions) -> Candidates:
    """Regions that are large enough, best first, and no two of them alike."""
    found = found[found.masks.areas >= max(1, options.min_region_size)]
    return found[merge.nms(found.masks, found.quality, iou=options.iou_threshold)]


def grid_points(size: Size, per_side: int) -> Array:
    """(P, 2) float32 centres of square cells, `per_side` of them along the longer side."""
    cell = max(size) / per_side
    rows, columns = (max(1, round(side / cell)) for side in size)
    ys = (np.arange(rows) + 0.5) * size[0] / rows
    xs = (np.arange(columns) + 0.5) * size[1] / columns
    return np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2).astype(np.float32)


# ---- the parts of the picture that are searched


def _windows(size: Size, layers: int) -> Iterator[Window]:
    """The whole picture, then 2^k x 2^k parts that overlap by a quarter of their side."""
    yield Window(0, 0, size[1], size[0])
    for layer in range(1, layers + 1):
        rows, columns = (_spans(side, 2**layer) for side in size)
        for y0, y1 in rows:
            for x0, x1 in columns:
                yield Window(x0, y0, x1, y1)


def _spans(side: int, count: int) -> list[tuple[int, int]]:
    """Start and end of each part along one side."""
    length = min(side, int(np.ceil(side / (count - 0.25 * (count - 1)))))
    starts = np.linspace(0, side - length, count).astype(int).tolist()
    return [(start, start + length) for start in starts]


def _place(survivors: _Survivors, window: Window, size: Size) -> Candidates:
    """The survivors of one window at full size, in the picture's coordinates."""
    part_size = window.y1 - window.y0, window.x1 - window.x0
    masks = regions.masks_of_logits(survivors.logits, part_size)
    places = survivors.xy + np.array([window.x0, window.y0], np.float32)
    prompts = tuple(f"point {x:.0f},{y:.0f}" for x, y in places)
    found = Candidates(masks.move(size, (window.x0, window.y0)), prompts, survivors.quality)
    cell = max(part_size) / max(survivors.logits.shape[1:])
    return found[~_are_cut_off(found.masks, window, cell)]


def _are_cut_off(masks: Masks, window: Window, cell: float) -> Array:
    """(N,) bool: masks of the picture that come near a side of the window they were found in.

    Near is closer than a cell of the logits. They may go on beyond that side, unless it is the
    picture's own. (The published generator takes 20 px, whatever the size of the window.)
    """
    height, width = masks.size
    inner = np.array([window.x0 > 0, window.y0 > 0, window.x1 < width, window.y1 < height])
    touches = np.abs(masks.boxes - np.array(window)) < cell
    cut: Array = (touches & inner).any(1)
    return cut


# ---- prompting


def _search(
    segmenter: Segmenter, seen: Seen, part: Image, options: EverythingOptions
) -> _Survivors:
    """What survives of all points of the grid over one part."""
    kept: list[_Survivors] = []
    limit = HELD
    for turn in _rounds(part, options):
        # Duplicates go first: the better one of two may leave out a point that the other covers.
        best = _drop_duplicates(kept, options.iou_threshold)
        kept = [best]
        points = turn.points[~(turn.even & _are_inside(turn.points, best, part.size))]
        for start in range(0, len(points), options.prompts_per_batch):
            batch = points[start : start + options.prompts_per_batch]
            kept.append(_prompt(segmenter, seen, batch, options))
            if sum(map(len, kept)) > limit:
                best = _drop_duplicates(kept, options.iou_threshold)
                kept = [best]
                # Or a crowded picture would be searched for duplicates after every batch.
                limit = max(HELD, 2 * len(best))
    return _drop_duplicates(kept, options.iou_threshold)


def _rounds(part: Image, options: EverythingOptions) -> Iterator[_Round]:
    """The grid in one round; or every fourth row and column, then every second, then the rest.

    A point may be skipped where the picture is even for a step of the grid to all sides. So a thing
    that a line of the grid crosses gets at least one prompt: the first point in it is less than a
    step from its edge, where the picture is not even.
    """
    points = grid_points(part.size, options.points_per_side)
    if not options.adaptive:
        yield _Round(points, np.zeros(len(points), bool))
        return
    even = _are_even(part, points, max(part.size) / options.points_per_side)
    rows = np.unique(points[:, 1], return_inverse=True)[1]
    columns = np.unique(points[:, 0], return_inverse=True)[1]
    fourth = (rows % 4 == 2) & (columns % 4 == 2)
    second = (rows % 2 == 0) & (columns % 2 == 0)
    for chosen in (fourth, second & ~fourth, ~second):
        yield _Round(points[chosen], even[chosen])


def _are_even(part: Image, points: Array, step: float) -> Array:
    """(P,) bool: points with no contrast around them, `step` pixels to every side."""
    scale = min(1.0, 8 / step)
    height, width = (max(1, round(side * scale)) for side in part.size)
    small = cv2.resize(part.pixels, (width, height), interpolation=cv2.INTER_AREA)
    window = np.ones((2 * int(np.ceil(step * scale)) + 1,) * 2, np.uint8)
    contrast = cv2.dilate(small, window) - cv2.erode(small, window)
    contrast = contrast.reshape(height, width, -1).max(-1)
    even: Array = contrast[_cells(points, part.size, (height, width))] < CONTRAST
    return even


def _are_inside(points: Array, survivors: _Survivors, size: Size) -> Array:
    """(P,) bool: points of a picture of `size` that lie in a sure region."""
    union = np.asarray((survivors.logits[survivors.quality > SURE] > 0).any(0))
    inside: Array = union[_cells(points, size, (union.shape[0], union.shape[1]))]
    return inside


def _cells(points: Array, size: Size, grid: Size) -> tuple[Array, Array]:
    """(row, column) of the cells of `grid` that points of a picture of `size` lie in."""
    columns, rows = (points * (np.array(grid[::-1]) / np.array(size[::-1]))).astype(int).T
    return rows, columns


def _prompt(
    segmenter: Segmenter, seen: Seen, points: Array, options: EverythingOptions
) -> _Survivors:
    """All candidates of a batch of points that are good and stable."""
    cuts = segmenter.cut(seen, PromptBatch.points(points))
    _, candidates, height, width = cuts.logits.shape
    logits = cuts.logits.reshape(-1, height, width)
    quality = cuts.quality.reshape(-1)
    needed = options.thresholds(cuts.thresholds)
    good = np.flatnonzero(quality >= needed.quality)
    good = good[regions.stability(logits[good]) >= needed.stability]
    clipped = np.clip(logits[good], -LOGIT_LIMIT, LOGIT_LIMIT).astype(np.float16)
    return _Survivors(clipped, quality[good], points[good // candidates])


def _drop_duplicates(parts: Sequence[_Survivors], iou: float) -> _Survivors:
    """The better one of each pair that overlaps more than `iou`, at the logits' resolution.

    Masks are compared, not their boxes as in the published generator: the two bars of a cross have
    one box and are two things.
    """
    joined = _Survivors.join(parts)
    if not len(joined):
        return joined
    return joined[merge.nms(Masks.from_dense(joined.logits > 0), joined.quality, iou=iou)]
