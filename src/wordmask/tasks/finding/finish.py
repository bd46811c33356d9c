"""Candidates -> a `Result`: named, scored, thresholded, thinned, no two words on one pixel, absences told."""

from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.result import Absent, Result
from wordmask.errors import CapabilityError
from wordmask.ops import merge
from wordmask.tasks.finding.candidates import Candidates
from wordmask.tasks.finding.wordmaps import WordMaps, otsu, runners_up

DETECTOR_THRESHOLD = 0.3  # where a detector does not say its own


@dataclass(frozen=True)
class Rules:
    """What stays."""

    min_confidence: float | str = "auto"
    iou_threshold: float = 0.8
    granularity: merge.Granularity = "whole"
    panoptic: bool = False


@dataclass(frozen=True, eq=False)
class _Named:
    """A score, a word and a rival for each of N candidates."""

    label_ids: Array
    scores: Array
    rivals: tuple[str, ...]
    rival_scores: Array


def finished(
    found: Candidates,
    phrases: tuple[str, ...],
    asked: tuple[str, ...],
    maps: WordMaps | None,
    rules: Rules,
) -> tuple[Result, tuple[float, str]]:
    """The result with `asked` as its vocabulary; and the threshold that was used, with who said so."""
    found = found[found.masks.areas > 0]
    named = _named(found, phrases, maps)
    threshold, by = _threshold(found, named, maps, rules)
    rows = np.flatnonzero((named.scores >= threshold) & (named.label_ids < len(phrases)))
    rows = rows[
        merge.nms(
            found.masks[rows],
            named.scores[rows],
            iou=rules.iou_threshold,
            groups=named.label_ids[rows],
        )
    ]
    result = _resolve(found, named, rows, phrases, rules)
    reported = _only(result, asked)
    absent = _absent(reported, named, threshold, phrases, maps)
    return reported.replace(absent=absent), (threshold, by)


def _named(found: Candidates, phrases: tuple[str, ...], maps: WordMaps | None) -> _Named:
    """The word each candidate was looked for with, or the likeliest; the engine's score, or the mean probability."""
    if maps is None:
        if found.label_ids is None or found.scores is None:
            raise CapabilityError(
                "regions without words need an engine with dense features to name them, as in ...+mini"
            )
        return _Named(
            found.label_ids, found.scores, ("",) * len(found), np.full(len(found), np.nan)
        )
    shares = maps.under(found.masks)
    words = shares[:, : len(phrases)]
    labels = found.label_ids if found.label_ids is not None else words.argmax(1)
    rivals, rival_scores = runners_up(shares, labels, phrases)
    scores = (
        found.scores
        if found.scores is not None
        else maps.calibrated(shares[np.arange(len(found)), labels], found.masks.areas)
    )
    return _Named(labels, scores, rivals, rival_scores)


def _threshold(
    found: Candidates, named: _Named, maps: WordMaps | None, rules: Rules
) -> tuple[float, str]:
    """What the user says; else what the engine that scored says; else Otsu's for words held against features."""
    if rules.min_confidence != "auto":
        return float(rules.min_confidence), "as asked"
    if found.scores is not None or maps is None:
        return DETECTOR_THRESHOLD if found.threshold is None else found.threshold, "the detector's"
    if maps.features.threshold is None:
        return otsu(named.scores), "Otsu's: this engine is not calibrated"
    return maps.features.threshold, "calibrated"


def _resolve(
    found: Candidates, named: _Named, rows: Array, phrases: tuple[str, ...], rules: Rules
) -> Result:
    """Granularity, then one word per pixel, then perhaps full cover."""
    rows = rows[merge.nested(found.masks[rows], named.label_ids[rows], rules.granularity)]
    masks, scores = found.masks[rows], np.clip(named.scores[rows], 0, 1)
    if rules.granularity != "tree":
        weights = [found.weights[row] for row in rows] if found.weights else None
        masks = merge.disjoint(masks, scores, weights)
    whys = found.whys(named.rivals, named.rival_scores)
    result = Result.of(
        masks,
        phrases,
        scores=scores,
        label_ids=named.label_ids[rows],
        why=tuple(whys[row] for row in rows),
    )
    if rules.granularity == "tree":
        result = _classes_disjoint(result)
    result = result[result.masks.areas > 0]
    return merge.panoptic(result) if rules.panoptic else result


def _classes_disjoint(result: Result) -> Result:
    """Nested regions of one word may share pixels, regions of different words not."""
    if not len(result):
        return result
    labels = result.label_map()
    crops = []
    for index, (x0, y0, x1, y1) in enumerate(result.masks.boxes.tolist()):
        crops.append(result.masks.crops[index] & (labels[y0:y1, x0:x1] == result.label_ids[index]))
    return result.replace(masks=Masks.from_crops(result.size, result.masks.corners, crops))


def _only(result: Result, asked: tuple[str, ...]) -> Result:
    """The regions of the words that are reported ("other" of a full cover stays)."""
    vocabulary = asked + tuple(
        word for word in result.vocabulary[-1:] if word == "other" and word not in asked
    )
    place = {word: index for index, word in enumerate(vocabulary)}
    ids = np.array([place.get(name, -1) for name in result.names], np.int64)
    kept = (
        result.replace(vocabulary=vocabulary, label_ids=np.maximum(ids, 0))
        if vocabulary
        else result
    )
    # `replaced` sorts by score, area and corner, none of which changed: the rows stay in step with `ids`.
    return kept[ids >= 0]


def _absent(
    result: Result, named: _Named, threshold: float, phrases: tuple[str, ...], maps: WordMaps | None
) -> tuple[Absent, ...]:
    """For every word without a region: its best score, and what it would have needed."""
    there = set(result.names)
    return tuple(
        _missed(phrases.index(word), word, named, threshold, maps)
        for word in result.vocabulary
        if word not in there and word in phrases
    )


def _missed(
    word_id: int, word: str, named: _Named, threshold: float, maps: WordMaps | None
) -> Absent:
    mine = named.scores[named.label_ids == word_id]
    if len(mine):
        return Absent(word, float(mine.max()), threshold)
    if maps is None:
        return Absent(word, 0.0, threshold)
    plane = maps.probabilities[word_id]
    y, x = np.unravel_index(int(plane.argmax()), plane.shape)
    winner = float(maps.probabilities[:, y, x].max())
    cell = np.prod(maps.size) / plane.size
    best, beaten = maps.calibrated(np.array([plane[y, x], winner]), cell).tolist()
    return Absent(word, best, threshold if best < threshold else beaten)
