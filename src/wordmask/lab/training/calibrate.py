"""Make scores mean something: a region scored 0.7 should be right about seven times in ten.

Held-out training pictures are segmented with every region kept; a region is right where most of its pixels are the
word. A logistic curve over the logit of the mean probability and the log of the region's share of the picture turns raw
scores into shares of right ones; the threshold for "it is there" is the one that gives the best mean IoU on the same
pictures.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.result import Result
from wordmask.files import atomic
from wordmask.lab.data.packs import IGNORE, Labels, Packs, Record
from wordmask.lab.metrics import semantic
from wordmask.lab.training.batches import split
from wordmask.tasks.finding.wordmaps import curve
from wordmask.tasks.segment import SegmentOptions, segment

SETS = ("voc", "coco", "nyu", "camvid")
THRESHOLDS = tuple(round(0.02 * k, 2) for k in range(5, 36))


class Region(NamedTuple):
    """One region that was found: its raw score, its share of the picture, whether it is right."""

    score: float
    share: float
    right: bool


@dataclass(frozen=True)
class Calibration:
    """What goes into mini.json."""

    slope: float
    offset: float
    size: float
    threshold: float
    regions: int
    """How many regions it rests on."""


def fit(
    models: Models, packs: Packs, *, per_set: int = 40, sets: Sequence[str] = SETS
) -> Calibration:
    """`models` must give raw scores (slope 1, offset 0, size 0)."""
    seen: list[tuple[str, Result, Array]] = []
    regions: list[Region] = []
    for name in sets:
        for record in held_out(packs, name, per_set):
            words, truth, labels = read_truth(packs, record)
            result = segment(
                Image(labels.picture), Text(words), models, SegmentOptions(min_confidence=0.0)
            )
            seen.append((name, result, truth))
            regions += judge(result, truth)
    slope, offset, size = logistic(*(np.array(column) for column in zip(*regions, strict=True)))
    means = {}
    for threshold in THRESHOLDS:
        counts: dict[str, Array] = {}
        for name, result, truth in seen:
            scores = curve(result.scores, result.masks.areas / truth.size, slope, offset, size)
            counts[name] = counts.get(name, 0) + _totals(result[scores >= threshold], truth)
        means[threshold] = np.mean([semantic.figures(c)["miou"] for c in counts.values()])
    return Calibration(slope, offset, size, max(means, key=lambda t: means[t]), len(regions))


def write(found: Calibration, folder: Path) -> None:
    """Into the settings of an exported `mini`."""
    path = folder / "mini.json"
    numbers = [round(value, 4) for value in (found.slope, found.offset, found.size)]
    settings = json.loads(path.read_text()) | {
        "calibration": numbers,
        "threshold": round(found.threshold, 3),
    }
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(settings, indent=1) + "\n")


def held_out(packs: Packs, name: str, count: int) -> list[Record]:
    records = [r for r in split(packs.records)[1] if r.set == name]
    chosen = np.unique(
        np.linspace(0, len(records) - 1, min(count, len(records))).round().astype(int)
    )
    return [records[k] for k in chosen]


def read_truth(packs: Packs, record: Record) -> tuple[tuple[str, ...], Array, Labels]:
    """The set's words, (H, W) index into them (len(words) = none of them, -1 = not said), and all labels."""
    words = tuple(c for c in packs.info[record.set]["classes"] if c != "background")
    labels = packs.load(record)
    table = np.full(len(packs.vocabulary.rows) + 1, IGNORE, np.int32)
    for k, word in enumerate(words):
        table[packs.vocabulary.row_of[record.set, word]] = k
    for none in ("background", "none"):
        if (record.set, none) in packs.vocabulary.row_of and (
            none == "background" or record.set == "coco"
        ):
            table[packs.vocabulary.row_of[record.set, none]] = len(words)
    return words, table[labels.maps[0]], labels


def judge(result: Result, truth: Array) -> list[Region]:
    """A region is right where most of its scored pixels are its word; unscored regions are left out."""
    rows = []
    for region in result:
        own = truth[region.mask]
        share = len(own) / truth.size
        own = own[own >= 0]
        if len(own) >= 100:
            rows.append(Region(region.score, share, bool((own == region.label_id).mean() > 0.5)))
    return rows


def logistic(
    scores: Array, shares: Array, right: Array, *, rounds: int = 50
) -> tuple[float, float, float]:
    """Slope, offset and size of the most likely curve, by Newton's method with a little shrinkage."""
    clipped = np.clip(scores.astype(np.float64), 1e-4, 1 - 1e-4)
    x = np.stack([np.log(clipped / (1 - clipped)), np.ones(len(clipped)), np.log(shares)], 1)
    start = np.array([1.0, 0.0, 0.0])
    w = start
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-x @ w))
        slope = x.T @ (p - right) + 1e-2 * (w - start)
        bend = (x * (p * (1 - p))[:, None]).T @ x + 1e-2 * np.eye(3)
        w = w - np.linalg.solve(bend, slope)
    return float(w[0]), float(w[1]), float(w[2])


def _totals(result: Result, truth: Array) -> Array:
    words = len(result.vocabulary)
    labels = result.label_map()
    return semantic.totals(
        semantic.confusion(truth, np.where(labels < 0, words, labels), words + 1)
    )
