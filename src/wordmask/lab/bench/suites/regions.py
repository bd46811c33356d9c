"""How many annotated objects `everything` finds, how many regions it gives, and what it costs.

An object counts as found where one region reaches an IoU of 0.5 with it. Processor seconds are
those of the whole process for one picture, its encoding included; the picture is read before.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.lab.bench.suite import Findings, FindingTable, Suite, SuiteKit, SuiteOptions
from wordmask.lab.bench.word_truth import open_pack, spread_samples
from wordmask.lab.data import Dataset
from wordmask.lab.metrics import bootstrap
from wordmask.tasks.everything import everything

FOUND = 0.5  # IoU
ROUNDS = 300  # resamples behind an interval


@dataclass(frozen=True)
class RegionsOptions(SuiteOptions):
    """What is measured, on what."""

    data: Path = Path("packs/eval")
    """Folder in which the data sets lie."""
    sets: tuple[str, ...] = ("coco",)
    """The data sets, each a folder in it with instances."""
    pictures: Annotated[int, Ge(0)] = 40
    """At most so many pictures of each set, evenly spread; 0 = all."""
    model: str = "mini"
    """Engine, or several joined by +."""
    least: Annotated[int, Ge(1)] = 400
    """Objects of fewer pixels do not count."""


class RegionsSuite(Suite[RegionsOptions]):
    name = "regions"
    about = "how many annotated objects `everything` finds, and at what cost"
    options = RegionsOptions

    def run(self, kit: SuiteKit[RegionsOptions]) -> Findings:
        options = kit.options
        models = kit.load(options.model)
        sets = [open_pack(options.data, name) for name in options.sets]
        rows = []
        for name, data in zip(options.sets, sets, strict=True):
            kit.say(name)
            rows.append({"set": name, **measure_set(data, models, options)})
        return Findings(
            metrics={f"{row['set']}.recall": row["recall"] for row in rows},
            intervals={f"{row['set']}.recall": [row["low"], row["high"]] for row in rows},
            tables={"regions": FindingTable.of(rows)},
            models=[models],
            data=sets,
            seeds={"bootstrap": 0},
        )


def measure_set(data: Dataset, models: Models, options: RegionsOptions) -> dict[str, Any]:
    """A row of the table."""
    found, objects, regions, seconds = [], [], [], []
    for sample in spread_samples(data, options.pictures):
        image, truth = data.image(sample), data.truth(sample).result
        began = time.process_time()
        result = everything(image, models)
        seconds.append(time.process_time() - began)
        wanted = truth.masks[truth.masks.areas >= options.least]
        found.append(count_found(result.masks, wanted))
        objects.append(len(wanted))
        regions.append(len(result))
    hits, counts = np.array(found), np.array(objects)

    def recall(weights: Array) -> dict[str, float]:
        return {"value": float(weights @ hits / max(weights @ counts, 1))}

    low, high = bootstrap.intervals(recall, len(hits), rounds=ROUNDS)["value"]
    return {
        "pictures": len(hits),
        "objects": int(counts.sum()),
        "recall": round(recall(np.ones(len(hits), np.int64))["value"], 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "regions": round(float(np.mean(regions)), 1),
        "seconds": round(float(np.mean(seconds)), 2),
    }


def count_found(regions: Masks, wanted: Masks) -> int:
    """How many of the wanted masks one of the regions matches."""
    if not len(regions) or not len(wanted):
        return 0
    return int((wanted.iou(regions).max(1) >= FOUND).sum())
