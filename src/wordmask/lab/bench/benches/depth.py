"""Depth per pixel against measured depth."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.depth import Depth
from wordmask.core.image import Array
from wordmask.core.protocols import DepthModel
from wordmask.errors import FormatError
from wordmask.lab.bench.bench import Clock, Kit, LabelledPicture, PictureBench, Table
from wordmask.lab.bench.drawn import heat
from wordmask.lab.bench.json_rows import number
from wordmask.lab.bench.options import PictureOptions
from wordmask.lab.metrics import depth
from wordmask.lab.metrics.weighting import weighted_mean


class DepthTable(Table):
    """One row of errors for each picture."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        rows = [[number(value[name]) for name in depth.NAMES] for value in values]
        self.values = np.array(rows).reshape(-1, len(depth.NAMES))

    def measure(self, weights: Array) -> dict[str, float]:
        columns = self.values.T
        return {
            name: weighted_mean(weights, column)
            for name, column in zip(depth.NAMES, columns, strict=True)
        }

    def per_picture(self) -> list[dict[str, Any]]:
        # delta1 comes first because pictures are sorted by the first figure
        order = sorted(range(len(depth.NAMES)), key=lambda k: depth.NAMES[k] != "delta1")
        return [{depth.NAMES[k]: float(row[k]) for k in order} for row in self.values]


class DepthBench(PictureBench[PictureOptions]):
    name = "depth"
    headline = "delta1"
    about = (
        "depth against measured depth: abs-rel, RMSE, delta; "
        "relative depth is fitted in scale and shift first"
    )
    options = PictureOptions
    table = DepthTable
    needs_names = False

    def check(self, kit: Kit[PictureOptions]) -> None:
        kit.models.get(DepthModel)
        if not any(sample.depth for sample in kit.data.samples):
            raise FormatError(
                f"{kit.data.name} has no depth maps; with them, its dataset.json would say "
                '"depth": "depth/{stem}.png"'
            )

    def score_picture(
        self, kit: Kit[PictureOptions], picture: LabelledPicture, clock: Clock
    ) -> dict[str, Any]:
        with clock.stage("predict"):
            found = answer(kit, picture)
        with clock.stage("score"):
            real = picture.truth.depth
            if real is None:
                return dict.fromkeys(depth.NAMES, float("nan"))
            return dict(depth.figures(real, in_metres(found, real)))

    def panels(self, kit: Kit[PictureOptions], picture: LabelledPicture) -> list[Array]:
        """Measured depth, the answer, and the error, of which a quarter of the way is brightest."""
        found = answer(kit, picture)
        real = picture.truth.depth
        if real is None:
            return [heat(found.values, float(found.values.max()))]
        fitted = in_metres(found, real)
        far = float(real.max())
        error = np.where(real > 0, np.abs(fitted - real), 0)
        return [heat(real, far), heat(fitted, far), heat(error, far / 4)]


def answer(kit: Kit[PictureOptions], picture: LabelledPicture) -> Depth:
    model = kit.models.get(DepthModel)
    (seen,) = model.encode([picture.image])
    return model.depth(seen)


def in_metres(found: Depth, real: Array) -> Array:
    """(H, W) metres: the answer as it is, or fitted to the measured depth where it is relative."""
    if found.metric:
        return found.values
    return depth.align(found.values, real, inverse=found.inverse)
