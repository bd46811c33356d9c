"""How often a region of each score is right, over several data sets: the model card's diagram.

Every region is kept, whatever its score; it is right where most of its scored pixels are its word.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge

from wordmask.core.prompts import Text
from wordmask.lab.bench.benches.calibration import judge_regions
from wordmask.lab.bench.suite import Findings, Suite, SuiteKit, SuiteOptions
from wordmask.lab.bench.word_truth import open_pack, read_words, spread_samples
from wordmask.lab.metrics import calibration
from wordmask.tasks.segment import SegmentOptions, segment


@dataclass(frozen=True)
class ReliabilityOptions(SuiteOptions):
    """What is measured, on what."""

    data: Path = Path("packs/eval")
    """Folder in which the data sets lie."""
    sets: tuple[str, ...] = ("coco", "voc", "nyu", "camvid")
    """The data sets, each a folder in it."""
    pictures: Annotated[int, Ge(0)] = 20
    """At most so many pictures of each set, evenly spread; 0 = all."""
    model: str = "mini"
    """Engine, or several joined by +."""
    bins: Annotated[int, Ge(1)] = 10
    """Points of the diagram."""


class ReliabilitySuite(Suite[ReliabilityOptions]):
    name = "reliability"
    about = "how often a region of each score is right: expected calibration error and diagram"
    options = ReliabilityOptions

    def run(self, kit: SuiteKit[ReliabilityOptions]) -> Findings:
        options = kit.options
        models = kit.load(options.model)
        sets = [open_pack(options.data, name) for name in options.sets]
        every = SegmentOptions(min_confidence=0.0)
        scores, right = [], []
        for name, data in zip(options.sets, sets, strict=True):
            kit.say(name)
            for sample in spread_samples(data, options.pictures):
                picture = read_words(data, sample)
                result = segment(picture.image, Text(data.words), models, every)
                some_scores, some_right = judge_regions(result, picture.labels)
                scores.append(some_scores)
                right.append(some_right)
        sums = calibration.bins(np.concatenate(scores), np.concatenate(right), count=options.bins)
        points = calibration.reliability(sums)
        curve = {
            "kind": "points",
            "x": points[:, 0].tolist(),
            "y": points[:, 1].tolist(),
            "size": points[:, 2].tolist(),
            "labels": ["score", "share right"],
        }
        return Findings(
            metrics={**calibration.figures(sums), "regions": int(sums[:, 0].sum())},
            curves={"reliability of regions": curve},
            models=[models],
            data=sets,
        )
