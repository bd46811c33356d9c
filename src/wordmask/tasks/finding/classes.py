"""Words that an engine's dense vectors never learned, judged by the classes of its classifier."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from wordmask.core.classes import ClassEvidence, ClassNames
from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.ops import pool, resample
from wordmask.ops.odds import log_odds, sigmoid

LEAST = 1e-4  # lower probabilities count as this one: they are noise
FAINT = 0.02  # a word whose highest probability is below this is nowhere
MOST = 0.98  # all words of a cell together leave something to "none of these"


class WordClasses(NamedTuple):
    """Words that have classes."""

    rows: Array  # (W,) which words
    members: Array  # (W, K) float32: 1 where a class is one of the word's


@dataclass(frozen=True, eq=False)
class Judges:
    """Which evidence speaks about each of C words."""

    by_class: WordClasses  # words that classes alone judge
    supported: WordClasses  # words that the vectors judge, with support by classes
    learned: Array  # (C,) bool: words that the vectors judge
    unknown: Array  # (C,) bool: words that neither the vectors nor the classes know


def choose_judges(names: ClassNames, texts: Array, starts: Array) -> Judges:
    """For words whose spellings are rows of `texts` (S, D), each word's first at `starts` (C,)."""
    meant = names.classes_of(texts)
    learned = np.logical_or.reduceat(names.are_learned(texts), starts)
    named = np.logical_or.reduceat(meant.any(1), starts)
    by_class, supported = np.flatnonzero(named & ~learned), np.flatnonzero(named & learned)
    return Judges(
        WordClasses(by_class, _members(meant, starts, by_class)),
        WordClasses(supported, _members(meant, starts, supported)),
        learned,
        ~named & ~learned,
    )


def _members(meant: Array, starts: Array, words: Array) -> Array:
    """(W, K) float32 of some words, from the classes (S, K) that each spelling means."""
    ends = np.append(starts[1:], len(meant))
    members = np.zeros((len(words), meant.shape[1]), np.float32)
    for row, word in zip(members, words, strict=True):
        row[meant[starts[word] : ends[word]].any(0)] = 1
    return members


def class_planes(evidence: ClassEvidence, members: Array, grid: Size) -> tuple[Array, Array]:
    """The rows (R,) of words that are anywhere, and their probabilities (R, h, w).

    In a cell they are at most `MOST` together.
    """
    least = (np.log(FAINT / (1 - FAINT)) - evidence.offset) / evidence.slope
    rows, odds = _word_evidence(evidence, members, grid, least)
    planes = sigmoid(evidence.slope * odds + evidence.offset)
    planes *= np.minimum(1, MOST / np.maximum(planes.sum(0), 1e-9))
    return rows, planes


def class_support(evidence: ClassEvidence, members: Array, grid: Size) -> tuple[Array, Array]:
    """What classes add to logits: rows (R,) that get anything, and (R, h, w) of them."""
    rows, odds = _word_evidence(evidence, members, grid, evidence.support_from)
    wanted = evidence.support * np.maximum(odds - evidence.support_from, 0)
    support: Array = np.minimum(wanted, evidence.support_most)
    return rows, support


def _word_evidence(
    evidence: ClassEvidence, members: Array, grid: Size, least: float
) -> tuple[Array, Array]:
    """The rows of (W, K) members that reach `least` anywhere, and their log-odds (R, h, w).

    Of a long list most words are nowhere: only the rest is brought to the grid.
    """
    maps = evidence.maps()
    whole = evidence.weight * log_odds(members @ maps.whole, LEAST)
    passes = [_word_log_odds(one, members) for one in maps.local]
    highest = np.mean([one.max((1, 2)) for one in passes], 0) + whole
    rows = np.flatnonzero(highest >= least)
    odds = np.zeros((len(rows), *grid), np.float32)
    for place, row in enumerate(rows):
        local = np.mean([resample.bilinear(one[row], grid) for one in passes], 0)
        odds[place] = local + whole[row]
    return rows, odds


def class_shares(evidence: ClassEvidence, members: Array, masks: Masks) -> Array:
    """(N, W): how probable each word is under each mask, if something nameable is there.

    The picture as a whole says nothing here: the region was chosen by other means.
    """
    passes = []
    for probabilities in evidence.maps().local:
        inside = pool.mean_inside(masks, np.moveaxis(probabilities, 0, -1))
        passes.append(log_odds(inside @ members.T, LEAST))
    shares = sigmoid(np.mean(passes, 0) + evidence.region_offset)
    fitted: Array = shares * np.minimum(1, MOST / np.maximum(shares.sum(1, keepdims=True), 1e-9))
    return fitted


def _word_log_odds(probabilities: Array, members: Array) -> Array:
    """(W, h, w) of the words, for (K, h, w) probabilities of classes."""
    count, height, width = probabilities.shape
    sums = members @ probabilities.reshape(count, -1)
    return log_odds(sums, LEAST).reshape(len(members), height, width)
