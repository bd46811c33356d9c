"""Candidates -> a `Result`.

They are named, scored and held to a threshold; duplicates and nested regions go; no two words keep
one pixel; the words without a region are listed as absent.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.options import Confidence
from wordmask.core.result import Absent, Result
from wordmask.errors import CapabilityError
from wordmask.ops import merge
from wordmask.ops.merge import Granularity
from wordmask.tasks.finding.candidates import Candidates
from wordmask.tasks.finding.trace import Threshold
from wordmask.tasks.finding.wordmaps import WordMaps, runners_up

DETECTOR_THRESHOLD = 0.3  # where a detector says none of its own
REST = "other"  # the name of what no word names in a panoptic result


@dataclass(frozen=True)
class Rules:
    """What stays of the candidates; the fields are those of `SegmentOptions`."""

    min_confidence: Confidence = "auto"
    iou_threshold: float = 0.8
    granularity: Granularity = "whole"
    panoptic: bool = False


@dataclass(frozen=True)
class QueryWords:
    """The names of all words that compete, and of those that are reported."""

    names: tuple[str, ...]
    reported: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Naming:
    """A word, a score and a rival for each of N candidates."""

    label_ids: Array  # (N,)
    scores: Array  # (N,)
    rivals: tuple[str, ...]  # the word that came second
    rival_scores: Array  # (N,)


class Finished(NamedTuple):
    """The result, and the threshold that its regions were held to."""

    result: Result
    threshold: Threshold


def finish(found: Candidates, words: QueryWords, maps: WordMaps | None, rules: Rules) -> Finished:
    """The result with the reported words as its vocabulary; `maps` are those of all words."""
    found = found[found.masks.areas > 0]
    naming = _name(found, words.names, maps)
    threshold = _choose_threshold(found, naming, maps, rules)
    rows = np.flatnonzero(
        (naming.scores >= threshold.score) & (naming.label_ids < len(words.names))
    )
    kept = merge.nms(
        found.masks[rows],
        naming.scores[rows],
        iou=rules.iou_threshold,
        groups=naming.label_ids[rows],
    )
    result = _separate(found, naming, rows[kept], words.names, rules)
    shown = words.reported
    if rules.panoptic and REST in result.vocabulary and REST not in shown:
        shown = (*shown, REST)
    result = _report(result, shown)
    absent = _find_absent(result, found, naming, threshold.score, words.names, maps)
    return Finished(result.replace(absent=absent), threshold)


# ---- names, scores, threshold


def _name(found: Candidates, names: tuple[str, ...], maps: WordMaps | None) -> _Naming:
    """The word that each candidate was found for, or its most probable one.

    The score is the engine's own, or the calibrated mean probability of the word.
    """
    if maps is None:
        if found.label_ids is None or found.scores is None:
            raise CapabilityError(
                "regions without words need an engine with dense features to name them, "
                "as in ...+mini"
            )
        no_scores = np.full(len(found), np.nan)
        return _Naming(found.label_ids, found.scores, ("",) * len(found), no_scores)
    shares = maps.under(found.masks)
    labels = found.label_ids
    if labels is None:
        labels = shares[:, : len(names)].argmax(1)
    rivals, rival_scores = runners_up(shares, labels, names)
    scores = found.scores
    if scores is None:
        own = shares[np.arange(len(found)), labels]
        scores = maps.calibrate(own, found.masks.areas)
    return _Naming(labels, scores, rivals, rival_scores)


def _choose_threshold(
    found: Candidates, naming: _Naming, maps: WordMaps | None, rules: Rules
) -> Threshold:
    """What the user says; else what the engine that scored says; else Otsu's."""
    if rules.min_confidence != "auto":
        return Threshold(float(rules.min_confidence), "as asked")
    if found.scores is not None or maps is None:
        own = DETECTOR_THRESHOLD if found.threshold is None else found.threshold
        return Threshold(own, "the detector's")
    if maps.features.threshold is None:
        return Threshold(otsu(naming.scores), "Otsu's: this engine is not calibrated")
    return Threshold(maps.features.threshold, "calibrated")


def otsu(values: Array) -> float:
    """The threshold that divides the values best in two; below them all where they are alike."""
    if len(values) < 2 or float(np.ptp(values)) < 1e-6:
        return 0.0
    ordered = np.sort(values).astype(np.float64)
    low_counts = np.arange(1, len(ordered))
    high_counts = len(ordered) - low_counts
    sums = np.cumsum(ordered)
    low, high = sums[:-1] / low_counts, (sums[-1] - sums[:-1]) / high_counts
    cut = int((low_counts * high_counts * (low - high) ** 2).argmax())
    return float((ordered[cut] + ordered[cut + 1]) / 2)


# ---- which pixels


def _separate(
    found: Candidates, naming: _Naming, rows: Array, names: tuple[str, ...], rules: Rules
) -> Result:
    """Of these rows the wholes or the parts, with one word at most (or exactly) for each pixel."""
    rows = rows[merge.unnest(found.masks[rows], naming.label_ids[rows], rules.granularity)]
    masks, scores = found.masks[rows], np.clip(naming.scores[rows], 0, 1)
    if rules.granularity != "tree":
        weights = [found.weights[row] for row in rows] if found.weights else None
        masks = merge.disjoint(masks, scores, weights)
    whys = found.whys(naming.rivals, naming.rival_scores)
    result = Result.of(
        masks,
        names,
        scores=scores,
        label_ids=naming.label_ids[rows],
        why=tuple(whys[row] for row in rows),
    )
    if rules.granularity == "tree":
        result = _separate_words(result)
    result = result[result.masks.areas > 0]
    return merge.panoptic(result, REST) if rules.panoptic else result


def _separate_words(result: Result) -> Result:
    """Nested regions of one word may share pixels, regions of different words not."""
    if not len(result):
        return result
    labels = result.label_map()
    crops = []
    for index, (x0, y0, x1, y1) in enumerate(result.masks.boxes.tolist()):
        own = labels[y0:y1, x0:x1] == result.label_ids[index]
        crops.append(result.masks.crops[index] & own)
    return result.replace(masks=Masks.from_crops(result.size, result.masks.corners, crops))


# ---- what is reported


def _report(result: Result, words: tuple[str, ...]) -> Result:
    """The regions of these words only."""
    rows = np.array([name in words for name in result.names], bool)
    result = result[rows]
    label_ids = [words.index(name) for name in result.names]
    return result.replace(vocabulary=words, label_ids=label_ids)


def _find_absent(
    result: Result,
    found: Candidates,
    naming: _Naming,
    threshold: float,
    names: tuple[str, ...],
    maps: WordMaps | None,
) -> tuple[Absent, ...]:
    """Every word without a region."""
    there = set(result.names)
    rows = {name: row for row, name in enumerate(names)}
    missing = [word for word in result.vocabulary if word in rows and word not in there]
    word_ids = np.array([rows[word] for word in missing], np.int64)
    highest = np.full(len(names), -1.0)
    known = naming.label_ids < len(names)
    np.maximum.at(highest, naming.label_ids[known], naming.scores[known])
    best, needed = highest[word_ids], np.full(len(missing), threshold)
    for k in np.flatnonzero(best >= threshold):  # other words have all of its pixels
        rows_of_word = np.flatnonzero(naming.label_ids == word_ids[k])
        row = rows_of_word[naming.scores[rows_of_word].argmax()]
        needed[k] = max(threshold, _score_over(found.masks.one(row), result))
    unknown = np.zeros(len(missing), bool)
    if maps is not None:
        unknown = maps.unknown[word_ids]
        without = best < 0  # no candidate of this word: a cell says how near it came
        best[without], to_beat = _nearest_cells(word_ids[without], maps)
        needed[without] = np.where(best[without] < threshold, threshold, to_beat)
    columns = (missing, np.maximum(best, 0).tolist(), needed.tolist(), unknown.tolist())
    return tuple(Absent(*row) for row in zip(*columns, strict=True))


def _score_over(mask: Array, result: Result) -> float:
    """The score of the region that has most of the mask's pixels; 0 where none has any."""
    shared = [int((mask & region.mask).sum()) for region in result]
    if not any(shared):
        return 0.0
    return float(result.scores[int(np.argmax(shared))])


def _nearest_cells(word_ids: Array, maps: WordMaps) -> tuple[Array, Array]:
    """Calibrated scores of each word in its most probable cell, and of the word that wins there."""
    own, winners = maps.best_cells(word_ids)
    cell_area = np.full(len(own), maps.cell_area)
    return maps.calibrate(own, cell_area), maps.calibrate(winners, cell_area)
