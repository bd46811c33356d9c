"""A picture for an index: its regions, each with a vector and the words that fit it best."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Annotated

import numpy as np
from annotated_types import Interval

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.options import check
from wordmask.core.prompts import Text
from wordmask.core.protocols import Embedder
from wordmask.core.result import Result
from wordmask.errors import CapabilityError
from wordmask.ops import merge, pool
from wordmask.tasks.everyday import EVERYDAY_WORDS
from wordmask.tasks.everything import EverythingOptions, everything_result
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import SegmentOptions, segment_view

NAMES = 5  # words that are kept with a region
FAINT = 0.1  # score from which a region that a word finds is kept
UNESTIMATED = 0.7  # quality of a mask that no segmenter has judged
ONE_REGION = 0.85  # IoU from which the regions of both ways are one


@dataclass(frozen=True)
class DescribeOptions:
    """Which regions of a picture are kept, and among which words they are named."""

    words: tuple[str, ...] = ()
    """Only regions of these words; default: every region, and what the vocabulary finds."""
    vocabulary: tuple[str, ...] = ()
    """Words that regions are named by and looked for with; default: words, or else 400 everyday
    ones."""
    points_per_side: Annotated[int, Interval(ge=1, le=256)] = 16
    """Points of the grid that finds regions, along the longer side."""
    min_share: Annotated[float, Interval(ge=0, le=1)] = 0.002
    """The smallest region, as a share of the picture."""

    def __post_init__(self) -> None:
        check(self)

    @property
    def names(self) -> tuple[str, ...]:
        """The words among which regions are named."""
        return self.vocabulary or self.words or EVERYDAY_WORDS


@dataclass(frozen=True, eq=False)
class Description:
    """What an index keeps of a picture."""

    result: Result  # with embeddings
    names: tuple[tuple[str, ...], ...]  # of each region, the best first
    name_scores: tuple[tuple[float, ...], ...]
    whole: Array  # (D,) unit vector of the picture
    scale: float  # softmax(scale * vectors @ words.T) is a distribution over words


def describe_view(view: View, options: DescribeOptions) -> Description:
    """The regions of a picture, their vectors and names."""
    result = _find_regions(view, options)
    features = view.features
    vectors = vectors_inside(view, result.masks)
    names, scores = _name_regions(view, result.masks, options.names)
    return Description(
        result.replace(embeddings=vectors), names, scores, whole_vector(view), features.scale
    )


def vectors_inside(view: View, masks: Masks) -> Array:
    """(N, D) unit rows: the mean feature under each mask."""
    vectors: Array = pool.unit(pool.mean_inside(masks, view.features.vectors))
    return vectors


def whole_vector(view: View) -> Array:
    """(D,) the picture as a whole: the engine's own vector, or the mean of its cells."""
    if view.models.has(Embedder):
        embedder = view.models.get(Embedder)
        own = embedder.embed(view.encoding_of(embedder))
        if len(own) == view.features.vectors.shape[2]:  # else it lies in another space
            return own
    mean: Array = pool.unit(view.features.vectors.mean((0, 1)))
    return mean


def _find_regions(view: View, options: DescribeOptions) -> Result:
    """Those of the words; or everything, and what the words of the vocabulary find beside it."""
    least = max(1, round(options.min_share * view.image.size[0] * view.image.size[1]))
    if options.words:
        words = SegmentOptions(min_region_size=least)
        return segment_view(view, Text(options.words), words)
    grid = EverythingOptions(points_per_side=options.points_per_side, min_region_size=least)
    found = everything_result(view, grid)
    # A coarse grid misses half of the small things; the words find many of them for little.
    words = SegmentOptions(min_confidence=FAINT, min_region_size=least)
    return _join(found, segment_view(view, Text(options.names), words))


def _join(found: Result, named: Result) -> Result:
    """Regions of both ways, unnamed, with the segmenter's estimate as their score."""
    masks = Masks.concatenate([found.masks, named.masks])
    scores = np.concatenate([found.scores, _quality(named)])
    rows = merge.nms(masks, scores, iou=ONE_REGION)
    return Result.of(masks[rows], scores=scores[rows], made_by=found.made_by)


def _quality(result: Result) -> Array:
    """(N,): the estimate of each mask's IoU, `UNESTIMATED` where it was cut out of a map."""
    own = [why.quality for why in result.why or ()] or [nan] * len(result)
    return np.nan_to_num(np.array(own, np.float32), nan=UNESTIMATED).clip(0, 1)


def _name_regions(
    view: View, masks: Masks, words: Sequence[str]
) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[float, ...], ...]]:
    """The words that fit each region best, and their calibrated scores."""
    maps = view.words(words)
    if maps is None:
        raise CapabilityError(f"{view.models.spec} has no dense features to keep in an index")
    shares = maps.of_regions(masks)[:, :-1]
    best = np.argsort(-shares, axis=1, kind="stable")[:, :NAMES]
    scores = np.take_along_axis(shares, best, 1)
    areas = np.repeat(masks.areas[:, None], scores.shape[1], 1)
    scores = maps.calibrate(scores, areas)
    first = [word.split("|")[0] for word in words]
    return (
        tuple(tuple(first[word] for word in row) for row in best.tolist()),
        tuple(tuple(round(score, 4) for score in row) for row in scores.tolist()),
    )
