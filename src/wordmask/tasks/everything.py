"""Every region of a picture, unasked: a grid of points, filtered and thinned at low resolution.

Only what survives is brought to full size, straight into crops, so memory is bounded by the prompts of
one batch and the survivors' logits, not by points x height x width.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
from annotated_types import Ge, Interval

from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.options import Share, check
from wordmask.core.protocols import Encoding, PromptBatch, Segmenter
from wordmask.core.result import Result, Why
from wordmask.ops import merge, regions
from wordmask.tasks.finding.candidates import Found
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View

KEEP = 512  # survivors held before they are thinned for the first time
SURE = 0.85  # quality from which a region answers for the points in it
CONTRAST = 24  # of 255: what differs by less within a step of the grid is one even surface


@dataclass(frozen=True)
class EverythingOptions:
    """How a picture is taken apart."""

    points_per_side: Annotated[int, Interval(ge=1, le=256)] = 32
    """Points of the grid along the longer side."""
    adaptive: bool = True
    """Ask every fourth point first and skip those of the rest that lie on an even surface of a region that is sure."""
    min_quality: Share = 0.6
    """Regions below this estimate of their own IoU are dropped."""
    min_stability: Share = 0.7
    """Regions that change more than this under a small shift of the threshold are dropped."""
    iou_threshold: Share = 0.7
    """Of two regions that overlap more than this, the better one stays."""
    min_region_size: Annotated[int, Ge(0)] = 100
    """Smallest region, in pixels."""
    crop_layers: Annotated[int, Interval(ge=0, le=4)] = 0
    """Also look at 2^k x 2^k overlapping parts of the picture for each layer k; finds small things, takes longer."""
    prompts_per_batch: Annotated[int, Interval(ge=1, le=4096)] = 32
    """Prompts decoded at once: memory against speed."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class _Survivors:
    """Cuts that passed the filters, at low resolution."""

    logits: Array  # (N, h, w) float16
    quality: Array  # (N,)
    xy: Array  # (N, 2) the points that asked for them

    def __getitem__(self, rows: Array) -> "_Survivors":
        return _Survivors(self.logits[rows], self.quality[rows], self.xy[rows])


def everything(
    image: Image,
    models: Models,
    options: EverythingOptions | None = None,
    trace: Trace | None = None,
) -> Result:
    """Unnamed regions of `image`, best first; the score is the segmenter's estimate of the IoU."""
    view = View(image, models, trace if trace is not None else Trace())
    view.trace.how = "everything"
    return everything_result(view, options or EverythingOptions())


def everything_result(view: View, options: EverythingOptions) -> Result:
    """`everything` on a picture that may have been encoded already."""
    found = everything_found(view, options)
    pairs = zip(found.prompts, found.quality.tolist(), strict=True)
    whys = tuple(Why(prompt, quality=quality) for prompt, quality in pairs)
    return Result.of(
        found.masks, scores=np.clip(found.quality, 0, 1), why=whys, made_by=view.models.made_by
    )


def everything_found(view: View, options: EverythingOptions) -> Found:
    """The same as candidates that can still be named; the view's own encoding is used for the whole picture."""
    parts = [_part(view, box, options) for box in _parts(view.image.size, options.crop_layers)]
    found = Found.join(parts)
    found = found[found.masks.areas >= max(1, options.min_region_size)]
    return found[merge.nms(found.masks, found.quality, iou=options.iou_threshold)]


def grid_points(size: Size, per_side: int) -> Array:
    """(P, 2) float32 centres of square cells, `per_side` of them along the longer side."""
    cell = max(size) / per_side
    rows, columns = (max(1, round(side / cell)) for side in size)
    ys = (np.arange(rows) + 0.5) * size[0] / rows
    xs = (np.arange(columns) + 0.5) * size[1] / columns
    return np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2).astype(np.float32)


def _parts(size: Size, layers: int) -> Iterator[tuple[int, int, int, int]]:
    """The whole picture, then 2^k x 2^k parts that overlap by a quarter of their side."""
    yield 0, 0, size[1], size[0]
    for layer in range(1, layers + 1):
        tops, lefts = (_starts(side, 2**layer) for side in size)
        for y0, y1 in tops:
            for x0, x1 in lefts:
                yield x0, y0, x1, y1


def _starts(side: int, count: int) -> list[tuple[int, int]]:
    part = min(side, int(np.ceil(side / (count - 0.25 * (count - 1)))))
    return [
        (start, start + part) for start in np.linspace(0, side - part, count).astype(int).tolist()
    ]


def _part(view: View, box: tuple[int, int, int, int], options: EverythingOptions) -> Found:
    """All regions of one part of the picture, in the picture's coordinates."""
    x0, y0, x1, y1 = box
    image, part = view.image, Image(view.image.pixels[y0:y1, x0:x1], view.image.name)
    encoding = view.encoding if part.size == image.size else view.segmenter.encode([part])[0]
    kept = _survivors(view.segmenter, encoding, part, options)
    masks = regions.masks_of_logits(kept.logits, part.size)
    prompts = tuple(f"point {x + x0:.0f},{y + y0:.0f}" for x, y in kept.xy)
    found = Found(masks.move(image.size, (x0, y0)), prompts, kept.quality)
    cell = max(part.size) / max(kept.logits.shape[1:])
    return found[~_cut_by_view(masks, box, image.size, cell)]


def _cut_by_view(masks: Masks, box: tuple[int, int, int, int], size: Size, cell: float) -> Array:
    """Which masks come within a cell of the logits of a side of the view that is not one of the picture's.

    They go on beyond it. (The published generator takes 20 px, whatever the size of the view.)
    """
    x0, y0, x1, y1 = box
    height, width = masks.size
    inner = np.array([x0 > 0, y0 > 0, x1 < size[1], y1 < size[0]])
    touches = np.abs(masks.boxes - np.array([0, 0, width, height])) < cell
    cut: Array = (touches & inner).any(1)
    return cut


def _survivors(
    segmenter: Segmenter, encoding: Encoding, part: Image, options: EverythingOptions
) -> _Survivors:
    kept: list[_Survivors] = []
    limit = KEEP
    for points, later in _rounds(part, options):
        # Only what outlives its near copies answers for a point: a better copy may leave the point out.
        kept = [_thinned(kept, options.iou_threshold)]
        todo = points[~(later & _covered(points, kept[0], part.size))]
        for start in range(0, len(todo), options.prompts_per_batch):
            kept.append(
                _passing(
                    segmenter, encoding, todo[start : start + options.prompts_per_batch], options
                )
            )
            if sum(len(some.xy) for some in kept) > limit:
                kept = [_thinned(kept, options.iou_threshold)]
                limit = max(
                    KEEP, 2 * len(kept[0].xy)
                )  # or a crowded picture is thinned at every batch
    return _thinned(kept, options.iou_threshold)


def _rounds(part: Image, options: EverythingOptions) -> Iterator[tuple[Array, Array]]:
    """The grid in one round, or every fourth row and column, every second, the rest: points, and which may be skipped.

    A point may be skipped where the picture is even for a step of the grid to all sides. So a thing that a line
    of the grid crosses is asked for at least once: the first point in it is less than a step from its edge.
    """
    points = grid_points(part.size, options.points_per_side)
    if not options.adaptive:
        yield points, np.zeros(len(points), bool)
        return
    even = _even(part, points, max(part.size) / options.points_per_side)
    rows, columns = (np.unique(points[:, axis], return_inverse=True)[1] for axis in (1, 0))
    fourth = (rows % 4 == 2) & (columns % 4 == 2)
    second = (rows % 2 == 0) & (columns % 2 == 0)
    for chosen in (fourth, second & ~fourth, ~second):
        yield points[chosen], even[chosen]


def _even(part: Image, points: Array, step: float) -> Array:
    """Which points have no contrast around them, `step` pixels to every side."""
    scale = min(1.0, 8 / step)
    height, width = (max(1, round(side * scale)) for side in part.size)
    small = cv2.resize(part.pixels, (width, height), interpolation=cv2.INTER_AREA)
    window = np.ones((2 * int(np.ceil(step * scale)) + 1,) * 2, np.uint8)
    contrast = (
        (cv2.dilate(small, window) - cv2.erode(small, window)).reshape(height, width, -1).max(-1)
    )
    even: Array = contrast[_cells(points, part.size, (height, width))] < CONTRAST
    return even


def _covered(points: Array, kept: _Survivors, size: Size) -> Array:
    """Which points lie in a region that is sure already."""
    sure = kept.logits[kept.quality > SURE] > 0
    union = np.asarray(sure.any(0))
    covered: Array = union[_cells(points, size, (union.shape[0], union.shape[1]))]
    return covered


def _cells(points: Array, size: Size, cells: Size) -> tuple[Array, Array]:
    """(row, column) of the cells that points of a picture of `size` lie in."""
    columns, rows = (points * (np.array(cells[::-1]) / np.array(size[::-1]))).astype(int).T
    return rows, columns


def _passing(
    segmenter: Segmenter, encoding: Encoding, points: Array, options: EverythingOptions
) -> _Survivors:
    """All candidates of a batch of points that are good and stable."""
    cuts = segmenter.cut(encoding, PromptBatch.points(points))
    _, candidates, height, width = cuts.logits.shape
    logits = cuts.logits.reshape(-1, height, width)
    quality = cuts.quality.reshape(-1)
    good = np.flatnonzero(quality >= options.min_quality)
    good = good[regions.stability(logits[good]) >= options.min_stability]
    return _Survivors(
        np.clip(logits[good], -100, 100).astype(np.float16),
        quality[good],
        points[good // candidates],
    )


def _thinned(kept: list[_Survivors], iou: float) -> _Survivors:
    """Without near copies, compared at the logits' resolution.

    Masks are compared, not their boxes as in the published generator: a cross is not one thing.
    """
    kept = [some for some in kept if len(some.xy)]
    if not kept:
        return _Survivors(
            np.zeros((0, 1, 1), np.float16), np.zeros(0, np.float32), np.zeros((0, 2), np.float32)
        )
    joined = _Survivors(
        *(
            np.concatenate([getattr(part, name) for part in kept])
            for name in ("logits", "quality", "xy")
        )
    )
    return joined[merge.nms(Masks.from_dense(joined.logits > 0), joined.quality, iou=iou)]
