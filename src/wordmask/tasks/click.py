"""Clicks, a box or an earlier mask -> one thing, as candidates best first; with words each is also named."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Interval

from wordmask.core.image import Array, Image
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.options import Share, check
from wordmask.core.prompts import Boxes, Points, Text
from wordmask.core.protocols import Cuts, PromptBatch
from wordmask.core.result import Result, Why
from wordmask.errors import CapabilityError, PromptError
from wordmask.ops import merge, regions
from wordmask.tasks.finding.candidates import Candidates
from wordmask.tasks.finding.grounded import told
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
    """Smaller candidates are dropped, and specks of fewer pixels."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Click:
    """One thing pointed at: points, a box, or both; `logits` of an earlier cut say what it was so far."""

    points: Points | None = None
    box: Boxes | None = None
    logits: Array | None = None  # (h, w)

    def __post_init__(self) -> None:
        if self.points is None and self.box is None:
            raise PromptError("a click needs points or a box")
        if self.box is not None and len(self.box.xyxy) != 1:
            raise PromptError(f"a click takes one box, got {len(self.box.xyxy)}")
        if self.box is None and self.points is not None and not self.points.keep.any():
            raise PromptError('all points say "not this"; give one that says "this", or a box')

    def batch(self) -> PromptBatch:
        xy = np.zeros((0, 2), np.float32) if self.points is None else self.points.xy
        keep = np.zeros(0, bool) if self.points is None else self.points.keep
        return PromptBatch.click(
            xy, keep, None if self.box is None else self.box.xyxy[0], self.logits
        )

    def told(self) -> str:
        """The click as `Why.prompt` writes it."""
        parts = [] if self.box is None else [told(self.box.xyxy[0])]
        if self.points is not None:
            rows = zip(self.points.xy, self.points.keep, strict=True)
            parts += [f"{'point' if keep else 'not'} {x:.0f},{y:.0f}" for (x, y), keep in rows]
        return " ".join(parts)

    def checked(self, image: Image) -> "Click":
        """Raise where a point or the box lies outside the picture."""
        height, width = image.size
        if self.points is not None:
            outside = (self.points.xy < 0).any(1) | (self.points.xy > (width, height)).any(1)
            if outside.any():
                x, y = self.points.xy[outside][0]
                raise PromptError(
                    f"the point ({x:g}, {y:g}) is outside the picture of {width} x {height}"
                )
        if self.box is not None:
            x0, y0, x1, y1 = self.box.xyxy[0]
            if x0 >= width or y0 >= height or x1 <= 0 or y1 <= 0:
                raise PromptError(
                    f"the {told(self.box.xyxy[0])} is outside the picture of {width} x {height}"
                )
        return self


def click(
    image: Image,
    asked: Click,
    models: Models,
    words: Text | None = None,
    options: ClickOptions | None = None,
) -> Result:
    """Candidates for what was clicked, best first; the score is the segmenter's estimate of the IoU."""
    result, _ = click_view(View(image, models, Trace()), asked, words, options or ClickOptions())
    return result


def click_view(
    view: View, asked: Click, words: Text | None, options: ClickOptions
) -> tuple[Result, Array]:
    """The candidates, and the best one's logits (h, w), with which the next click can go on."""
    cuts = view.segmenter.cut(view.encoding, asked.checked(view.image).batch())
    order = np.argsort(-cuts.quality[0], kind="stable")
    logits, quality = cuts.logits[0, order], np.clip(cuts.quality[0, order], 0, 1)
    masks = regions.masks_of_logits(logits, view.image.size)
    found = Candidates(masks, (asked.told(),) * len(masks), quality)
    rows = np.flatnonzero(masks.areas >= options.min_region_size)
    rows = rows[merge.nms(masks[rows], quality[rows], iou=options.iou_threshold)][
        : options.candidates
    ]
    return _named(found[rows], view, words, _vectors(cuts, order[rows])), logits[0]


def _vectors(cuts: Cuts, rows: Array) -> Array | None:
    return None if cuts.vectors is None else cuts.vectors[0, rows]


def _named(found: Candidates, view: View, words: Text | None, vectors: Array | None) -> Result:
    """Candidates with a name each, where words are given; their order stays the segmenter's."""
    if words is None:
        whys = tuple(
            Why(prompt, quality=quality)
            for prompt, quality in zip(found.prompts, found.quality, strict=True)
        )
        return Result.of(
            found.masks,
            scores=found.quality,
            why=whys,
            embeddings=vectors,
            made_by=view.models.made_by,
        )
    label_ids, shares = name(view, found.masks, words.phrases, vectors)
    return Result.of(
        found.masks,
        words.names,
        scores=found.quality,
        label_ids=label_ids,
        embeddings=vectors,
        why=found.whys(*runners_up(shares, label_ids, words.names)),
        made_by=view.models.made_by,
    )


def name(
    view: View, masks: Masks, phrases: tuple[str, ...], vectors: Array | None = None
) -> tuple[Array, Array]:
    """(N,) word ids, and (N, C + 1) probabilities of all words, the last "none": dense features under each mask.

    Where the segmenter gave a vector for each cut, the two opinions are joined by their geometric mean, as in OVSAM.
    """
    maps = view.words(phrases)
    if maps is None:
        raise CapabilityError(
            f"{view.models.spec} cannot name what it cuts; add an engine with words, as in ...+mini"
        )
    shares = maps.under(masks)
    if vectors is not None:
        shares[:, :-1] = np.sqrt(shares[:, :-1] * maps.of_vectors(vectors))
        shares /= np.maximum(shares.sum(1, keepdims=True), 1e-12)
    return shares[:, :-1].argmax(1), shares
