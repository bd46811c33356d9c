"""Depth per pixel against measured depth."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.protocols import DepthModel
from wordmask.errors import FormatError
from wordmask.lab.bench.benches.rows import mean_over
from wordmask.lab.bench.plan import Clock, Kit, single
from wordmask.lab.data import Dataset, Sample
from wordmask.lab.metrics import depth


class DepthTable:
    """One row of errors for each picture."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        rows = [[_number(value[name]) for name in depth.NAMES] for value in values]
        self.values = np.array(rows).reshape(-1, len(depth.NAMES))

    def measure(self, weights: Array) -> dict[str, float]:
        return {name: mean_over(weights, self.values[:, k]) for k, name in enumerate(depth.NAMES)}

    def per_class(self) -> dict[str, dict[str, float]]:
        return {}

    def per_picture(self) -> list[dict[str, Any]]:
        # delta1 first: it is the one by which pictures are sorted
        order = sorted(range(len(depth.NAMES)), key=lambda k: depth.NAMES[k] != "delta1")
        return [{depth.NAMES[k]: float(row[k]) for k in order} for row in self.values]

    def curves(self) -> dict[str, Any]:
        return {}


class Depth:
    name = "depth"
    headline = "delta1"
    about = "depth against measured depth: abs-rel, RMSE, delta; relative depth is fitted in scale and shift first"

    def units(self, data: Dataset) -> Sequence[tuple[Sample, ...]]:
        return single(data)

    def check(self, kit: Kit) -> None:
        kit.models.get(DepthModel)
        if not any(sample.depth for sample in kit.data.samples):
            raise FormatError(
                f'{kit.data.name} has no depth maps; its dataset.json would say "depth": "depth/{{stem}}.png"'
            )

    def score(self, kit: Kit, unit: tuple[Sample, ...], clock: Clock) -> dict[str, Any]:
        (sample,) = unit
        with clock.stage("read"):
            image, truth = kit.data.image(sample), kit.data.truth(sample)
        with clock.stage("predict"):
            (found,) = kit.models.get(DepthModel).depth([image])
        with clock.stage("score"):
            if truth.depth is None:
                return dict.fromkeys(depth.NAMES, float("nan"))
            fitted = (
                found.values
                if found.metric
                else depth.align(found.values, truth.depth, inverse=found.inverse)
            )
            return dict(depth.figures(truth.depth, fitted))

    def table(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> DepthTable:
        return DepthTable(facts, values)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
