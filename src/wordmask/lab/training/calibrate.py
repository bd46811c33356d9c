"""Make scores mean something: a region scored 0.7 should be right about seven times in ten.

Held-out training pictures are segmented with every region kept; a region is right where most of its
pixels are the word. A logistic curve over the logit of the mean probability and the log of the
region's share of the picture turns raw scores into shares of right ones. The threshold for "it is
there" is the one at which the regions that are reported and those that are right agree best.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.result import Result
from wordmask.errors import InputError
from wordmask.files import write_text
from wordmask.lab.data.packs import Packs
from wordmask.lab.data.sample import VOID, Sample
from wordmask.lab.data.words import word_labels
from wordmask.lab.training.batches import split
from wordmask.lab.training.labels import COMPLETE
from wordmask.tasks.finding.wordmaps import curve
from wordmask.tasks.segment import SegmentOptions, segment

SETS = ("voc", "coco", "nyu", "camvid")
THRESHOLDS = tuple(round(0.02 * k, 2) for k in range(5, 36))
FEW_PIXELS = 100  # regions with fewer scored pixels are left out


class JudgedRegion(NamedTuple):
    """One region that was found: its raw score, its share of the picture, whether it is right."""

    score: float
    share: float
    right: bool


@dataclass(frozen=True)
class FittedCurve:
    """What goes into mini.json."""

    slope: float
    offset: float
    size: float
    threshold: float
    regions: int
    """How many regions it rests on."""


class JudgedPicture(NamedTuple):
    """A picture that the network has not learned from, and the word of each of its pixels."""

    image: Image
    words: tuple[str, ...]
    labels: Array
    """(H, W) index into the words, their number = none of them, or VOID."""


def fit(
    models: Models, packs: Packs, *, per_set: int = 40, sets: Sequence[str] = SETS
) -> FittedCurve:
    """`models` must give raw scores (slope 1, offset 0, size 0).

    Each set counts the same: in pictures of rooms and streets many more regions are found.
    """
    groups = [_judge_pictures(models, _pictures(packs, per_set, name)) for name in sets]
    return fit_regions(groups, f"held-out pictures of {', '.join(sets)}")


def fit_pictures(models: Models, pictures: Iterable[JudgedPicture]) -> FittedCurve:
    """The same on any pictures, of which every region counts the same."""
    return fit_regions([_judge_pictures(models, pictures)], "pictures that were set aside")


def fit_regions(groups: Iterable[Sequence[JudgedRegion]], where: str) -> FittedCurve:
    """The curve for groups of regions that count the same, however many regions each has."""
    found = [group for group in groups if group]
    if not found:
        raise InputError(f"no region was found in {where}: nothing to fit scores to")
    columns = zip(*(region for group in found for region in group), strict=True)
    scores, shares, right = (np.array(column) for column in columns)
    weights = np.concatenate([np.full(len(group), 1 / len(group)) for group in found])
    weights *= len(scores) / len(found)  # 1 on average
    fitted = logistic(scores, shares, right, weights)
    threshold = best_threshold(curve(scores, shares, *fitted), right, weights)
    return FittedCurve(*fitted, threshold, len(scores))


def _judge_pictures(models: Models, pictures: Iterable[JudgedPicture]) -> list[JudgedRegion]:
    regions: list[JudgedRegion] = []
    for image, words, labels in pictures:
        options = SegmentOptions(min_confidence=0.0)
        regions += judge(segment(image, Text(words), models, options), labels)
    return regions


def best_threshold(scores: Array, right: Array, weights: Array) -> float:
    """Where reported regions and right ones agree best (F1); of equals the highest.

    >>> best_threshold(np.array([0.2, 0.6, 0.7]), np.array([False, True, True]), np.ones(3))
    0.6
    """

    def agreement(threshold: float) -> tuple[float, float]:
        told = scores >= threshold
        both = weights[told & right].sum()
        return 2 * both / max(weights[told].sum() + weights[right].sum(), 1e-9), threshold

    return max(THRESHOLDS, key=agreement)


def _pictures(packs: Packs, per_set: int, name: str) -> Iterator[JudgedPicture]:
    data = packs.sets[name]
    for sample in held_out(packs, name, per_set):
        labels = word_labels(data, data.truth(sample), complete=name in COMPLETE)
        yield JudgedPicture(data.image(sample), data.words, labels)


def write(found: FittedCurve, folder: Path) -> None:
    """Into the settings of an exported `mini`."""
    path = folder / "mini.json"
    numbers = [round(value, 4) for value in (found.slope, found.offset, found.size)]
    settings = json.loads(path.read_text()) | {
        "calibration": numbers,
        "threshold": round(found.threshold, 3),
    }
    write_text(path, json.dumps(settings, indent=1) + "\n")


def held_out(packs: Packs, name: str, count: int) -> list[Sample]:
    """At most `count` held-out pictures of a set, evenly spread."""
    _, held = split(packs.records)
    samples = [record.sample for record in held if record.set == name]
    places = np.linspace(0, len(samples) - 1, min(count, len(samples))).round().astype(int)
    return [samples[place] for place in np.unique(places)]


def judge(result: Result, labels: Array) -> list[JudgedRegion]:
    """A region is right where most of its scored pixels are its word."""
    rows = []
    for region in result:
        own = labels[region.mask]
        share = len(own) / labels.size
        own = own[own != VOID]
        if len(own) >= FEW_PIXELS:
            right = bool((own == region.label_id).mean() > 0.5)
            rows.append(JudgedRegion(region.score, share, right))
    return rows


def logistic(
    scores: Array, shares: Array, right: Array, weights: Array, *, rounds: int = 50
) -> tuple[float, float, float]:
    """Slope, offset and size of the most likely curve: Newton's method, a little shrinkage.

    `weights` (N,) says how much each region counts.
    """
    clipped = np.clip(scores.astype(np.float64), 1e-4, 1 - 1e-4)
    x = np.stack([np.log(clipped / (1 - clipped)), np.ones(len(clipped)), np.log(shares)], 1)
    start = np.array([1.0, 0.0, 0.0])
    w = start
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-x @ w))
        gradient = x.T @ (weights * (p - right)) + 1e-2 * (w - start)
        hessian = (x * (weights * p * (1 - p))[:, None]).T @ x + 1e-2 * np.eye(3)
        w = w - np.linalg.solve(hessian, gradient)
    return float(w[0]), float(w[1]), float(w[2])
