"""Clicks, a box, an earlier mask -> one thing, as candidates best first, each perhaps named."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Interval

from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.options import Share, check
from wordmask.core.prompts import Boxes, Points, Text
from wordmask.core.protocols import Cuts, PromptBatch
from wordmask.core.result import Result
from wordmask.errors import CapabilityError, PromptError
from wordmask.ops import merge, regions
from wordmask.tasks.finding.candidates import Candidates, describe_box, describe_point
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.finding.wordmaps import runners_up


@dataclass(frozen=True)
class ClickOptions:
    """What comes of a click."""

    candidates: Annotated[int, Interval(ge=1, le=16)] = 3
    """At most so many candidates: a click can mean a button, a shirt or a person."""
    iou_threshold: Share = 0.95
    """Of two candidates that overlap more than this, the better one stays."""
    min_region_size: Annotated[int, Ge(1)] = 1
    """Candidates of fewer pixels are dropped."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Click:
    """One thing pointed at: points, a box, or both.

    `logits` (h, w) of an earlier cut say what it was so far.
    """

    points: Points | None = None
    box: Boxes | None = None
    logits: Array | None = None

    def __post_init__(self) -> None:
        if self.points is None and self.box is None:
            raise PromptError("a click needs points or a box")
        if self.box is not None and len(self.box.xyxy) != 1:
            raise PromptError(f"a click takes one box, got {len(self.box.xyxy)}")
        if self.box is None and self.points is not None and not self.points.keep.any():
            raise PromptError('all points say "not this"; give one that says "this", or a box')

    def to_batch(self) -> PromptBatch:
        """The click as one prompt for a segmenter."""
        xy, keep = np.zeros((0, 2), np.float32), np.zeros(0, bool)
        if self.points is not None:
            xy, keep = self.points.xy, self.points.keep
        box = None if self.box is None else self.box.xyxy[0]
        return PromptBatch.click(xy, keep, box, self.logits)

    def describe(self) -> str:
        """The click as `Why.prompt` says it."""
        parts = [] if self.box is None else [describe_box(self.box.xyxy[0])]
        if self.points is not None:
            for xy, keep in zip(self.points.xy, self.points.keep, strict=True):
                parts.append(describe_point(xy, "point" if keep else "not"))
        return " ".join(parts)

    def check_inside(self, size: Size) -> None:
        """Raise where a point lies outside a picture of `size`, or the whole box does."""
        height, width = size
        if self.points is not None:
            outside = (self.points.xy < 0).any(1) | (self.points.xy > (width, height)).any(1)
            if outside.any():
                x, y = self.points.xy[outside][0]
                raise PromptError(
                    f"the point ({x:g}, {y:g}) is outside the picture of {width} x {height}"
                )
        if self.box is not None:
            x0, y0, x1, y1 = box = self.box.xyxy[0]
            if x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0:
                raise PromptError(
                    f"the {describe_box(box)} is outside the picture of {width} x {height}"
                )


def click(
    image: Image,
    prompt: Click,
    models: Models,
    words: Text | None = None,
    options: ClickOptions | None = None,
) -> Result:
    """Candidates for what was clicked, best first; the score estimates the mask's IoU."""
    result, _ = click_view(View(image, models, Trace()), prompt, words, options or ClickOptions())
    return result


def click_view(
    view: View, prompt: Click, words: Text | None, options: ClickOptions
) -> tuple[Result, Array]:
    """The candidates, and the best one's logits (h, w), with which the next click can go on."""
    cuts = _cut(view, prompt)
    order = np.argsort(-cuts.quality[0], kind="stable")
    logits, quality = cuts.logits[0, order], np.clip(cuts.quality[0, order], 0, 1)
    masks = regions.masks_of_logits(logits, view.image.size)
    rows = np.flatnonzero(masks.areas >= options.min_region_size)
    rows = rows[merge.nms(masks[rows], quality[rows], iou=options.iou_threshold)]
    rows = rows[: options.candidates]
    prompts = (prompt.describe(),) * len(rows)
    found = Candidates(masks[rows], prompts, quality[rows])
    vectors = None if cuts.vectors is None else cuts.vectors[0, order[rows]]
    return _make_result(found, view, words, vectors), logits[0]


def click_logits(view: View, prompt: Click) -> tuple[Array, float]:
    """Logits (h, w) of the best candidate, edge to edge, and its estimated IoU: a quick preview."""
    cuts = _cut(view, prompt)
    best = int(cuts.quality[0].argmax())
    return cuts.logits[0, best], float(np.clip(cuts.quality[0, best], 0, 1))


def _cut(view: View, prompt: Click) -> Cuts:
    prompt.check_inside(view.image.size)
    return view.segmenter.cut(view.encoding, prompt.to_batch())


def _make_result(
    found: Candidates, view: View, words: Text | None, vectors: Array | None
) -> Result:
    """The candidates in the segmenter's order; where words are given, each with a name."""
    columns: dict[str, Any] = {"scores": found.quality, "embeddings": vectors}
    columns["made_by"] = view.models.made_by
    if words is None:
        no_rivals = ("",) * len(found)
        whys = found.whys(no_rivals, np.full(len(found), np.nan))
        return Result.of(found.masks, why=whys, **columns)
    label_ids, shares = name_masks(view, found.masks, words.phrases, vectors)
    whys = found.whys(*runners_up(shares, label_ids, words.names))
    return Result.of(found.masks, words.names, label_ids=label_ids, why=whys, **columns)


def name_masks(
    view: View, masks: Masks, phrases: tuple[str, ...], vectors: Array | None = None
) -> tuple[Array, Array]:
    """(N,) word ids, and (N, C + 1) probabilities of all words, the last "none", under each mask.

    `vectors` (N, D): the segmenter's own of each cut.
    """
    maps = view.words(phrases)
    if maps is None:
        spec = view.models.spec
        raise CapabilityError(
            f"{spec} cannot name what it cuts; add an engine with words, as in {spec}+mini"
        )
    shares = maps.of_regions(masks, vectors)
    return shares[:, :-1].argmax(1), shares
