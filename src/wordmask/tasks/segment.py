"""Words -> masks: four ways to find candidates, one way to finish them."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Interval

from wordmask.core.image import Array, Image
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.options import Confidence, Share, check
from wordmask.core.prompts import Text, spellings
from wordmask.core.protocols import Dense, Detector, Encoder, Proposals, Segmenter
from wordmask.core.result import Result
from wordmask.errors import CapabilityError, Mend, OptionError, PromptError
from wordmask.ops.cover import cover
from wordmask.ops.merge import Granularity
from wordmask.tasks.dense import DenseOptions, label_pixels
from wordmask.tasks.finding.candidates import Candidates, describe_box
from wordmask.tasks.finding.finish import QueryWords, Rules, finish
from wordmask.tasks.finding.grid import EverythingOptions
from wordmask.tasks.finding.grounded import cut_boxes
from wordmask.tasks.finding.guided import cut_pieces
from wordmask.tasks.finding.pieces import Pieces, dense_candidates, find_pieces
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.finding.wordmaps import WordMaps

How = Literal["auto", "unified", "guided", "everything", "grounded"]


@dataclass(frozen=True)
class SegmentOptions:
    """How words become masks."""

    how: How = "auto"
    """unified (one network answers), guided (dense features say where to prompt), everything
    (segment all, then name), grounded (detect, then cut), or auto: what suits the engines."""
    vocabulary: tuple[str, ...] = ()
    """Further words that compete for pixels but are not reported."""
    prompt: tuple[str, ...] = ()
    """Report only these of the words; the others compete."""
    min_confidence: Confidence = "auto"
    """Score from which a region is reported: 0 to 1, or auto (the engine's calibrated one, else
    Otsu's)."""
    min_region_size: Annotated[int, Ge(0)] = 100
    """Smallest region, in pixels."""
    iou_threshold: Share = 0.8
    """Of two regions of one word that overlap more than this, the better one stays."""
    coarse_threshold: Share = 0.2
    """Pixels below this probability for every word are left out before anything is cut."""
    instances: bool = True
    """Separate touching things of one word."""
    granularity: Granularity = "whole"
    """Of nested regions of one word keep the whole, the part, or the tree of both."""
    panoptic: bool = False
    """Cover the whole picture; what no word names becomes "other"."""
    every_pixel: bool = False
    """Cover the whole picture with the words alone: what no region covers gets the word that is
    most probable there, however improbable."""
    points_per_side: Annotated[int, Interval(ge=1, le=256)] = 32
    """With how=everything: points of the grid along the longer side."""
    adaptive: bool = True
    """With how=everything: coarse grids first, then points outside sure regions only."""
    prompts_per_batch: Annotated[int, Interval(ge=1, le=4096)] = 32
    """Prompts decoded at once: memory against speed."""

    def __post_init__(self) -> None:
        check(self)
        if self.every_pixel and self.panoptic:
            raise OptionError(
                "panoptic and every_pixel both say what becomes of the rest of the picture: "
                'choose panoptic ("other") or every_pixel (the most probable word)'
            )


def with_how(options: SegmentOptions | None, how: How) -> SegmentOptions:
    """The options with this way to find candidates; auto leaves theirs."""
    options = options or SegmentOptions()
    return options if how == "auto" else replace(options, how=how)


@dataclass(frozen=True)
class _Query:
    """One picture, the words that compete in it, and where each of them is probable."""

    view: View
    words: Text
    options: SegmentOptions
    maps: WordMaps | None

    def dense_maps(self) -> WordMaps:
        if self.maps is None:
            spec = self.view.models.spec
            raise CapabilityError(
                f"how={self.view.trace.how} needs dense features, which {spec} has not; "
                f"use how=grounded, or add an engine that has them, as in {spec}+mini"
            )
        return self.maps

    def pieces(self) -> Pieces:
        return find_pieces(
            self.dense_maps(),
            threshold=self.options.coarse_threshold,
            min_region_size=self.options.min_region_size,
        )


def segment(
    image: Image,
    text: Text,
    models: Models,
    options: SegmentOptions | None = None,
    trace: Trace | None = None,
) -> Result:
    """Regions of `image` that `text` names, best first; `.absent` lists the words without one."""
    return segment_view(View(image, models, trace if trace is not None else Trace()), text, options)


def segment_view(view: View, text: Text, options: SegmentOptions | None = None) -> Result:
    """`segment` on a picture that may have been encoded already."""
    options = options or SegmentOptions()
    trace = view.trace
    trace.how = _choose_way(options.how, view.models)
    words = _all_words(text, options)
    maps = view.words(words.phrases)
    query = _Query(view, words, options, maps)
    found = _WAYS[trace.how](query)
    rules = Rules(
        options.min_confidence, options.iou_threshold, options.granularity, options.panoptic
    )
    with trace.stage("merge"):
        names = QueryWords(words.names, reported=options.prompt or text.names)
        result, trace.threshold = finish(found, names, maps, rules)
    if options.every_pixel:
        with trace.stage("cover"):
            result = _cover(query, result)
    return result.replace(made_by=view.models.made_by)


def _cover(query: _Query, result: Result) -> Result:
    """Every pixel gets a word; one whose word is not reported stays without."""
    maps, words = query.maps, query.words.names
    if maps is None:
        raise CapabilityError(
            f"every_pixel needs dense features, which {query.view.models.spec} has not; "
            f"add an engine that has them, as in {query.view.models.spec}+mini"
        )
    reported = [
        result.vocabulary.index(word) if word in result.vocabulary else -1 for word in words
    ]
    best = label_pixels(query.view.image, maps, DenseOptions(none=False))

    def score(masks: Masks, label_ids: Array) -> Array:
        columns = [words.index(result.vocabulary[label]) for label in label_ids]
        shares = maps.under(masks)[np.arange(len(masks)), columns]
        return maps.calibrate(shares, masks.areas)

    labels = np.array([*reported, -1])[best]  # -1, no word, stays -1
    covered = cover(result, labels, score)
    there = set(covered.names)
    return covered.replace(absent=tuple(one for one in result.absent if one.phrase not in there))


def _choose_way(how: str, models: Models) -> str:
    """For `auto` the way that suits the engines."""
    if how != "auto":
        return how
    if models.has(Dense):
        return "guided" if models.has(Segmenter) else "unified"
    return "grounded" if models.has(Segmenter) and not _is_one(models) else "unified"


def _is_one(models: Models) -> bool:
    """Whether one network finds and cuts: then its own masks are asked for, not cut again."""
    if not models.has(Detector):
        return False
    finder: Encoder = models.get(Detector)
    cutter: Encoder = models.get(Segmenter)
    return finder is cutter


def _all_words(text: Text, options: SegmentOptions) -> Text:
    """All words that compete: the query and the further vocabulary."""
    further = tuple(word for word in options.vocabulary if word not in text.phrases)
    words = Text(text.phrases + further)
    for word in options.prompt:
        if word not in words.names:
            raise PromptError(
                f"prompt {word!r} is not among the words: {', '.join(words.names)}",
                mend=Mend("prompt", words.names[0]),
            )
    return words


# ---- the four ways: each turns a query into candidates


def _find_unified(query: _Query) -> Candidates:
    """One network answers: its dense answer as it is, or a detector's own masks."""
    if query.maps is not None:
        pieces = query.pieces()
        return dense_candidates(pieces, np.arange(len(pieces)))
    found = _detect(query)
    if found.masks is None:
        raise CapabilityError(
            f"{query.view.models.spec} gives boxes, not masks; use how=grounded with a segmenter"
        )
    return Candidates(
        found.masks,
        tuple(describe_box(box) for box in found.masks.boxes),
        np.full(len(found.masks), np.nan, np.float32),
        found.label_ids,
        found.scores,
        threshold=found.threshold,
    )


def _find_guided(query: _Query) -> Candidates:
    """Pieces of the dense answer, each cut again by the segmenter where it cuts better."""
    pieces, view, options = query.pieces(), query.view, query.options
    may_pass = _may_pass(query, pieces)
    if not may_pass.any():
        return dense_candidates(pieces, np.arange(len(pieces)))
    cut = cut_pieces(
        pieces[may_pass],
        view.segmenter,
        view.encoding,
        batch=options.prompts_per_batch,
        instances=options.instances,
    )
    return Candidates.join([cut, dense_candidates(pieces, np.flatnonzero(~may_pass))])


def _may_pass(query: _Query, pieces: Pieces) -> Array:
    """(N,) bool: pieces that would pass the threshold if they were all like their surest cell.

    The others are not cut: that would cost time for regions that nobody gets to see.
    """
    maps, threshold = query.dense_maps(), query.options.min_confidence
    if threshold == "auto":
        threshold = maps.features.threshold or 0.0  # without calibration it is known at the end
    passes: Array = maps.calibrate(pieces.peaks, pieces.areas) >= threshold
    return passes


def _find_everything(query: _Query) -> Candidates:
    """All regions of the picture, still to be named."""
    query.dense_maps()  # without them there are no names
    view, options = query.view, query.options
    grid = EverythingOptions(
        points_per_side=options.points_per_side,
        adaptive=options.adaptive,
        min_region_size=options.min_region_size,
        prompts_per_batch=options.prompts_per_batch,
    )
    return view.regions(grid)


def _find_grounded(query: _Query) -> Candidates:
    """The boxes of a detector, or else of the dense pieces, each cut by the segmenter."""
    view, batch = query.view, query.options.prompts_per_batch
    if view.models.has(Detector):
        return cut_boxes(_detect(query), view.segmenter, view.encoding, batch=batch)
    pieces = query.pieces()
    boxes = Proposals(pieces.boxes, np.ones(len(pieces), np.float32), pieces.label_ids)
    return cut_boxes(boxes, view.segmenter, view.encoding, batch=batch).without_scores()


def _detect(query: _Query) -> Proposals:
    """What the detector finds for every spelling, labelled with the words."""
    spelled: list[str] = []
    word_ids: list[int] = []
    for word_id, phrase in enumerate(query.words.phrases):
        for spelling in spellings(phrase):
            spelled.append(spelling)
            word_ids.append(word_id)
    found = query.view.propose(spelled)
    return replace(found, label_ids=np.array(word_ids, np.int64)[found.label_ids])


_WAYS = {
    "unified": _find_unified,
    "guided": _find_guided,
    "everything": _find_everything,
    "grounded": _find_grounded,
}
