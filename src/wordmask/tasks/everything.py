"""Every region of a picture, unasked: a grid of points, filtered and thinned at low resolution.

Only what survives is brought to full size, straight into crops, so memory is bounded by the prompts of
one batch and the survivors' logits, not by points x height x width.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.options import check_range
from wordmask.core.protocols import Encoding, PromptBatch, Segmenter
from wordmask.core.result import Result, Why
from wordmask.ops import merge, regions
from wordmask.tasks.found import Found
from wordmask.tasks.trace import Trace
from wordmask.tasks.view import View

KEEP = 512  # survivors held between two rounds of thinning


@dataclass(frozen=True)
class EverythingOptions:
    """How a picture is taken apart."""

    points_per_side: int = 32
    """Points of the grid along the longer side."""
    adaptive: bool = True
    """Ask coarse grids first and skip later points inside regions that are sure already."""
    min_quality: float = 0.6
    """Regions below this estimate of their own IoU are dropped."""
    min_stability: float = 0.7
    """Regions that change more than this under a small shift of the threshold are dropped."""
    iou_threshold: float = 0.7
    """Of two regions that overlap more than this, the better one stays."""
    min_region_size: int = 100
    """Smallest region, in pixels."""
    crop_layers: int = 0
    """Also look at 2^k x 2^k overlapping parts of the picture for each layer k; finds small things, takes longer."""
    prompts_per_batch: int = 32
    """Prompts decoded at once: memory against speed."""

    def __post_init__(self) -> None:
        check_range("points_per_side", self.points_per_side, 1, 256)
        check_range("min_quality", self.min_quality, 0, 1)
        check_range("min_stability", self.min_stability, 0, 1)
        check_range("iou_threshold", self.iou_threshold, 0, 1)
        check_range("min_region_size", self.min_region_size, 0, 1e9)
        check_range("crop_layers", self.crop_layers, 0, 4)
        check_range("prompts_per_batch", self.prompts_per_batch, 1, 4096)


@dataclass(frozen=True, eq=False)
class _Survivors:
    """Cuts that passed the filters, at low resolution."""

    logits: Array  # (N, h, w) float16
    quality: Array  # (N,)
    xy: Array  # (N, 2) the points that asked for them

    def __getitem__(self, rows: Array) -> "_Survivors":
        return _Survivors(self.logits[rows], self.quality[rows], self.xy[rows])


def everything(image: Image, models: Models, options: EverythingOptions | None = None) -> Result:
    """Unnamed regions of `image`, best first; the score is the segmenter's estimate of the IoU."""
    return everything_result(View(image, models, Trace()), options or EverythingOptions())


def everything_result(view: View, options: EverythingOptions) -> Result:
    """`everything` on a picture that may have been encoded already."""
    found = everything_found(view, options)
    pairs = zip(found.prompts, found.quality.tolist(), strict=True)
    whys = tuple(Why(prompt, quality=quality) for prompt, quality in pairs)
    return Result.of(found.masks, scores=np.clip(found.quality, 0, 1), why=whys, made_by=view.models.made_by)


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
    return [(start, start + part) for start in np.linspace(0, side - part, count).astype(int).tolist()]


def _part(view: View, box: tuple[int, int, int, int], options: EverythingOptions) -> Found:
    """All regions of one part of the picture, in the picture's coordinates."""
    x0, y0, x1, y1 = box
    image, part = view.image, Image(view.image.pixels[y0:y1, x0:x1], view.image.name)
    encoding = view.encoding if part.size == image.size else view.segmenter.encode([part])[0]
    kept = _survivors(view.segmenter, encoding, options)
    masks = regions.masks_of_logits(kept.logits.astype(np.float32), part.size)
    prompts = tuple(f"point {x + x0:.0f},{y + y0:.0f}" for x, y in kept.xy)
    found = Found(masks.moved(image.size, (x0, y0)), prompts, kept.quality)
    return found[~_cut_by_view(masks, box, image.size)]


def _cut_by_view(masks: Masks, box: tuple[int, int, int, int], size: Size) -> Array:
    """Which masks touch a side of the view that is not a side of the picture: they go on beyond it."""
    x0, y0, x1, y1 = box
    height, width = masks.size
    inner = np.array([x0 > 0, y0 > 0, x1 < size[1], y1 < size[0]])
    touches = masks.boxes == np.array([0, 0, width, height])
    cut: Array = (touches & inner).any(1)
    return cut


def _survivors(segmenter: Segmenter, encoding: Encoding, options: EverythingOptions) -> _Survivors:
    kept: list[_Survivors] = []
    held = 0
    for points in _rounds(encoding.size, options):
        todo = points[~_covered(points, kept, encoding.size)] if options.adaptive else points
        for start in range(0, len(todo), options.prompts_per_batch):
            kept.append(_passing(segmenter, encoding, todo[start : start + options.prompts_per_batch], options))
            held += len(kept[-1].xy)
            if held > KEEP:
                kept = [_thinned(kept, encoding.size, options.iou_threshold)]
                held = len(kept[0].xy)
    return _thinned(kept, encoding.size, options.iou_threshold)


def _rounds(size: Size, options: EverythingOptions) -> Iterator[Array]:
    """Grids of points: one, or from coarse to fine."""
    if not options.adaptive:
        yield grid_points(size, options.points_per_side)
        return
    for shift in (2, 1, 0):
        yield grid_points(size, max(1, options.points_per_side >> shift))


def _covered(points: Array, kept: list[_Survivors], size: Size) -> Array:
    """Which points lie in a region that is sure (quality over 0.85) already."""
    covered = np.zeros(len(points), bool)
    for part in kept:
        sure = part.logits[part.quality > 0.85] > 0
        if len(sure):
            union = np.asarray(sure.any(0))
            cells = (points * (np.array(union.shape[::-1]) / np.array(size[::-1]))).astype(int)
            covered |= union[cells[:, 1], cells[:, 0]]
    return covered


def _passing(segmenter: Segmenter, encoding: Encoding, points: Array, options: EverythingOptions) -> _Survivors:
    """All candidates of a batch of points that are good and stable."""
    cuts = segmenter.cut(encoding, PromptBatch.points(points))
    _, candidates, height, width = cuts.logits.shape
    logits = cuts.logits.reshape(-1, height, width)
    quality = cuts.quality.reshape(-1)
    good = np.flatnonzero(quality >= options.min_quality)
    good = good[regions.stability(logits[good]) >= options.min_stability]
    return _Survivors(np.clip(logits[good], -100, 100).astype(np.float16), quality[good], points[good // candidates])


def _thinned(kept: list[_Survivors], size: Size, iou: float) -> _Survivors:
    """Without near copies, compared at the logits' resolution."""
    if not kept:
        return _Survivors(np.zeros((0, 1, 1), np.float16), np.zeros(0, np.float32), np.zeros((0, 2), np.float32))
    joined = _Survivors(
        *(np.concatenate([getattr(part, name) for part in kept]) for name in ("logits", "quality", "xy"))
    )
    return joined[merge.nms(Masks.from_dense(joined.logits > 0), joined.quality, iou=iou)]
