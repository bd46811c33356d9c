"""Regions found again: vectors against words or examples -> how probable it is that each is meant.

Pure: what the index holds comes in as arrays, and rows of them go out. The numbers of `WORDS` and
`LIKENESS` were fitted to `mini` on pictures that it was not trained on (docs/search.md).
"""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from annotated_types import Ge

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.options import Confidence, check
from wordmask.core.protocols import Rivals
from wordmask.ops import merge
from wordmask.ops.boxes import iou
from wordmask.ops.odds import sigmoid


class Curve(NamedTuple):
    """Evidence -> the probability that a region is what is looked for, and from where it counts."""

    slope: float  # of the evidence
    share: float  # of the logarithm of the region's share of the picture
    quality: float  # of the segmenter's estimate of the mask's IoU
    offset: float
    cut: float


WORDS = Curve(0.874, 0.22, 4.8, -4.335, 0.4)  # evidence: log-odds against the rivals
LIKENESS = Curve(14.25, -0.18, 4.35, -16.02, 0.25)  # evidence: cosine
SAME_PICTURE = 0.985  # cosine of whole pictures from which they may be shots of one thing
SAME_PLACE = 0.75  # IoU of their regions, in shares of the picture, from which they are


@dataclass(frozen=True)
class SearchOptions:
    """What counts as found, and how much of it is wanted."""

    top: Annotated[int, Ge(1)] = 20
    """At most so many regions, for each word."""
    min_confidence: Confidence = "auto"
    """Score from which a region counts as found: 0 to 1, or auto."""
    together: bool = False
    """Only pictures in which all words are found."""
    group: bool = False
    """The best region of each picture only, for each word."""
    copies: bool = False
    """List near-duplicates too: shots that show the same thing in the same place."""

    def __post_init__(self) -> None:
        check(self)

    def cut(self, curve: Curve) -> float:
        return curve.cut if self.min_confidence == "auto" else float(self.min_confidence)


@dataclass(frozen=True, eq=False)
class IndexedRegions:
    """N regions of an index, as far as ranking needs them."""

    vectors: Array  # (N, D) unit rows
    shares: Array  # (N,) of their pictures
    quality: Array  # (N,)

    def __len__(self) -> int:
        return len(self.vectors)


def score_words(found: IndexedRegions, texts: Array, rivals: Array, scale: float) -> Array:
    """(N,): how probable it is that each region is the word, whose spellings are (S, D).

    The rivals (R, D) are what the region may be instead: common words, and those that are not
    wanted.
    """
    own = (scale * found.vectors @ texts.T).max(1)
    others = np.logaddexp.reduce(scale * found.vectors @ rivals.T, axis=1)
    return _calibrate(own - others, found, WORDS)


def score_likeness(found: IndexedRegions, examples: Array) -> Array:
    """(N,): how probable it is that each region shows the same kind of thing as an example."""
    return _calibrate((found.vectors @ examples.T).max(1), found, LIKENESS)


def rivals_of(rivals: Rivals, texts: Array, unwanted: Array | None = None) -> Array:
    """(R, D): the words that compete with the query, and those that it must not be."""
    competing = rivals.against(texts)
    return competing if unwanted is None else np.concatenate([competing, unwanted])


def everyday_rivals(vectors: Array, alike: float = 0.5) -> Rivals:
    """For an engine that has no rivals of its own: everyday words, each its own only kin."""
    return Rivals(vectors, vectors, np.arange(len(vectors)), alike)


def drop_parts(masks: Masks, scores: Array) -> Array:
    """Rows of one picture, best first: of a thing and its parts the best one stays."""
    return merge.nms(masks, scores, iou=0.5, containment=0.8)


def group_shots(pictures: Array, boxes: Array) -> list[int]:
    """For each of N found regions, best first, the row of the first one that shows the same.

    `pictures` (N, D) are the vectors of their whole pictures, `boxes` (N, 4) shares of them.
    """
    leaders: list[int] = []
    same = (pictures @ pictures.T >= SAME_PICTURE) & (iou(boxes, boxes) >= SAME_PLACE)
    for row in range(len(boxes)):
        earlier = (lead for lead in leaders if leaders[lead] == lead and same[row, lead])
        leaders.append(next(earlier, row))
    return leaders


def _calibrate(evidence: Array, found: IndexedRegions, curve: Curve) -> Array:
    sizes = np.log(np.maximum(found.shares, 1e-6))
    log_odds = curve.slope * evidence + curve.share * sizes + curve.quality * found.quality
    return sigmoid(log_odds + curve.offset)
