"""Free road before the camera, against the labelled road."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.protocols import Dense
from wordmask.errors import FormatError
from wordmask.lab.bench.bench import Clock, Kit, LabelledPicture, PictureBench, Table
from wordmask.lab.bench.drawn import label_panels
from wordmask.lab.bench.options import PictureOptions
from wordmask.tasks.driving.road import free_rows, free_space, own_road
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.scene import find_road

ROAD = "road"
COLUMNS = ("both", "either", "row_error", "columns")


class FreeSpaceTable(Table):
    """Pixels and columns of each picture."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        rows = [[float(value[name]) for name in COLUMNS] for value in values]
        self.values = np.array(rows).reshape(-1, len(COLUMNS))

    def measure(self, weights: Array) -> dict[str, float]:
        both, either, error, columns = weights.astype(np.float64) @ self.values
        return {
            "iou": both / either if either else float("nan"),
            "row_error": error / columns if columns else float("nan"),
        }

    def per_picture(self) -> list[dict[str, Any]]:
        picks = np.eye(len(self.values))
        return [self.measure(one) for one in picks]


class FreeSpaceBench(PictureBench[PictureOptions]):
    name = "free-space"
    headline = "iou"
    about = "free road before the camera: IoU with the labelled road, error of its end by column"
    options = PictureOptions
    table = FreeSpaceTable

    def check(self, kit: Kit[PictureOptions]) -> None:
        super().check(kit)
        kit.models.get(Dense)
        if ROAD not in kit.data.classes:
            raise FormatError(f"{kit.data.name} has no class {ROAD!r}")

    def score_picture(
        self, kit: Kit[PictureOptions], picture: LabelledPicture, clock: Clock
    ) -> dict[str, Any]:
        real, void = true_road(kit, picture)
        with clock.stage("predict"):
            found = answer(kit, picture)
        with clock.stage("score"):
            height = picture.image.size[0]
            told = np.abs(free_rows(real) - free_rows(found)) / height
            seen = real.any(0) | found.any(0)
            return {
                "both": int((real & found & ~void).sum()),
                "either": int(((real | found) & ~void).sum()),
                "row_error": round(float(told[seen].sum()), 6),
                "columns": int(seen.sum()),
            }

    def panels(self, kit: Kit[PictureOptions], picture: LabelledPicture) -> list[Array]:
        real, void = true_road(kit, picture)
        truth = np.where(void, -1, real.astype(np.int32))
        found = answer(kit, picture).astype(np.int32)
        return label_panels(picture.image, truth, found, classes=("other", ROAD), void=void)


def true_road(kit: Kit[PictureOptions], picture: LabelledPicture) -> tuple[Array, Array]:
    """(H, W) bool twice: the free part of the labelled road, and pixels that are not scored."""
    labels = picture.truth.labels
    if labels is None:
        raise FormatError(f"{picture.sample.name} has no label of every pixel")
    road = labels == kit.data.classes.index(ROAD)
    void = picture.truth.void
    return free_space(own_road(road)), np.zeros_like(road) if void is None else void


def answer(kit: Kit[PictureOptions], picture: LabelledPicture) -> Array:
    view = View(picture.image, kit.models, Trace(how="scene"))
    return free_space(find_road(view))
