"""Words -> masks: four ways to find candidates, one way to finish them."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Interval

from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.options import Confidence, Share, check
from wordmask.core.prompts import Text, spellings
from wordmask.core.protocols import Dense, Detector, Proposals, Segmenter
from wordmask.core.result import Result
from wordmask.errors import CapabilityError, PromptError
from wordmask.tasks.finding import grounded
from wordmask.tasks.finding.candidates import Candidates
from wordmask.tasks.finding.finish import Rules, finished
from wordmask.tasks.finding.grid import EverythingOptions, find_regions
from wordmask.tasks.finding.guided import guided
from wordmask.tasks.finding.pieces import Pieces, find
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.finding.wordmaps import WordMaps

How = Literal["auto", "unified", "guided", "everything", "grounded"]


@dataclass(frozen=True)
class SegmentOptions:
    """How words become masks."""

    how: How = "auto"
    """auto, unified (one network answers), guided (dense features say where to prompt), everything (segment all,
    then name) or grounded (detect, then cut)."""
    vocabulary: tuple[str, ...] = ()
    """Further words that compete for pixels but are not reported."""
    prompt: tuple[str, ...] = ()
    """Report only these of the words; the others compete."""
    min_confidence: Confidence = "auto"
    """Score from which a region is reported: in [0, 1], or auto (the engine's calibrated one, else Otsu)."""
    min_region_size: Annotated[int, Ge(0)] = 100
    """Smallest region, in pixels."""
    iou_threshold: Share = 0.8
    """Of two regions of one word that overlap more than this, the better one stays."""
    coarse_threshold: Share = 0.2
    """A pixel below this probability for every word is not looked at."""
    instances: bool = True
    """Part touching things of one word."""
    granularity: Literal["whole", "part", "tree"] = "whole"
    """Of nested regions of one word keep the whole, the part, or the tree of both."""
    panoptic: bool = False
    """Cover the whole picture; what no word names becomes "other"."""
    points_per_side: Annotated[int, Interval(ge=1, le=256)] = 32
    """With how=everything: points of the grid along the longer side."""
    adaptive: bool = True
    """With how=everything: coarse grids first, later points only outside regions that are sure already."""
    prompts_per_batch: Annotated[int, Interval(ge=1, le=4096)] = 32
    """Prompts decoded at once: memory against speed."""

    def __post_init__(self) -> None:
        check(self)


def with_how(options: SegmentOptions | None, how: How) -> SegmentOptions:
    """The options with this way to find candidates; auto leaves theirs."""
    options = options or SegmentOptions()
    return options if how == "auto" else replace(options, how=how)


@dataclass(frozen=True)
class _Job:
    """One picture, one list of words, one set of engines."""

    view: View
    words: Text
    options: SegmentOptions
    maps: WordMaps | None

    @property
    def models(self) -> Models:
        return self.view.models

    def pieces(self) -> Pieces:
        if self.maps is None:
            raise CapabilityError(
                f"how={self.view.trace.how} needs dense features, which {self.models.spec} has not; "
                f"use how=grounded, or add an engine that has them, as in {self.models.spec}+mini"
            )
        options = self.options
        return find(
            self.maps, threshold=options.coarse_threshold, min_region_size=options.min_region_size
        )


def segment(
    image: Image,
    text: Text,
    models: Models,
    options: SegmentOptions | None = None,
    trace: Trace | None = None,
) -> Result:
    """Regions of `image` that `text` names, best first; words that are not there are in `.absent`."""
    return segment_view(View(image, models, trace if trace is not None else Trace()), text, options)


def segment_view(view: View, text: Text, options: SegmentOptions | None = None) -> Result:
    """`segment` on a picture that may have been encoded already."""
    options = options or SegmentOptions()
    trace = view.trace
    trace.how = _way(options.how, view.models)
    asked, words = _vocabulary(text, options)
    maps = view.words(words.phrases)
    found = _WAYS[trace.how](_Job(view, words, options, maps))
    with trace.stage("merge"):
        rules = Rules(
            options.min_confidence, options.iou_threshold, options.granularity, options.panoptic
        )
        result, (trace.threshold, trace.threshold_by) = finished(
            found, words.names, asked, maps, rules
        )
    return result.replace(made_by=view.models.made_by)


def _way(how: str, models: Models) -> str:
    """The way that suits the engines, where none is asked for."""
    if how != "auto":
        return how
    if models.has(Dense):
        return "guided" if models.has(Segmenter) else "unified"
    return "grounded" if models.has(Segmenter) else "unified"


def _vocabulary(text: Text, options: SegmentOptions) -> tuple[tuple[str, ...], Text]:
    """The names to report, and all words that compete (the reported ones are among them)."""
    further = tuple(word for word in options.vocabulary if word not in text.phrases)
    words = Text(text.phrases + further)
    unknown = [word for word in options.prompt if word not in words.names]
    if unknown:
        raise PromptError(
            f"--prompt {unknown[0]!r} is not among the words: {', '.join(words.names)}"
        )
    return options.prompt or text.names, words


# ---- the four ways: each turns a job into candidates


def _unified(job: _Job) -> Candidates:
    """One network answers: its dense map as it is, or a detector's own masks."""
    if job.maps is not None:
        pieces = job.pieces()
        every = np.arange(len(pieces))
        unknown = np.full(len(pieces), np.nan, np.float32)
        return Candidates(
            pieces.at_full_size(every), ("dense",) * len(pieces), unknown, pieces.label_ids
        )
    found = _propose(job)
    if found.masks is None:
        raise CapabilityError(
            f"{job.models.spec} gives boxes, not masks; use how=grounded with a segmenter"
        )
    asked = tuple(grounded.told(box) for box in found.masks.boxes)
    unknown = np.full(len(asked), np.nan, np.float32)
    return Candidates(
        found.masks, asked, unknown, found.label_ids, found.scores, threshold=found.threshold
    )


def _guided(job: _Job) -> Candidates:
    pieces, view, options = job.pieces(), job.view, job.options
    if not len(pieces):
        return Candidates.nothing(view.image.size)
    batch = options.prompts_per_batch
    return guided(pieces, view.segmenter, view.encoding, batch=batch, instances=options.instances)


def _everything(job: _Job) -> Candidates:
    if job.maps is None:
        job.pieces()  # says what is missing
    options = EverythingOptions(
        points_per_side=job.options.points_per_side,
        adaptive=job.options.adaptive,
        min_region_size=job.options.min_region_size,
        prompts_per_batch=job.options.prompts_per_batch,
    )
    view = job.view
    return find_regions(view.image, view.segmenter, view.encoding, options)


def _grounded(job: _Job) -> Candidates:
    """Boxes of a detector, or of the dense pieces where there is none; each box is cut."""
    detects, view = job.models.has(Detector), job.view
    if detects:
        proposals = _propose(job)
    else:
        pieces = job.pieces()
        proposals = Proposals(pieces.boxes, np.ones(len(pieces), np.float32), pieces.label_ids)
    cut = grounded.grounded(
        proposals, view.segmenter, view.encoding, batch=job.options.prompts_per_batch
    )
    return cut if detects else cut.unscored()


def _propose(job: _Job) -> Proposals:
    spelled = [
        (word, index)
        for index, phrase in enumerate(job.words.phrases)
        for word in spellings(phrase)
    ]
    found = job.view.propose([word for word, _ in spelled])
    return replace(
        found, label_ids=np.array([index for _, index in spelled], np.int64)[found.label_ids]
    )


_WAYS = {"unified": _unified, "guided": _guided, "everything": _everything, "grounded": _grounded}
