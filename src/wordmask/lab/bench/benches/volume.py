"""Solids from a few clicks in a scan: Dice and HD95 of each object, against a threshold's.

The clicks are not a person's: on the object they lie at its deepest voxels, each in another part
of it, and beside it at the deepest voxel of what is neither the object nor background.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wordmask.core.image import Array
from wordmask.core.options import check
from wordmask.core.protocols import Segmenter
from wordmask.core.volume import Volume
from wordmask.errors import FormatError
from wordmask.lab.bench.bench import NO_PROTOCOL, Bench, Clock, Kit, Table, Unit
from wordmask.lab.bench.json_rows import number
from wordmask.lab.bench.options import BenchOptions
from wordmask.lab.data.volumes import VolumeSet
from wordmask.lab.metrics.volumes import DEFINITIONS, dice, hd95
from wordmask.lab.metrics.weighting import weighted_mean
from wordmask.ops.solids import ndimage
from wordmask.tasks.solid.options import VolumeOptions
from wordmask.tasks.volume import VolumePrompt, volume

NAMES = ("dice", "hd95", "dice_threshold", "hd95_threshold", "ml", "ml_truth")
Voxel = tuple[int, int, int]


@dataclass(frozen=True)
class VolumeBenchOptions(BenchOptions, VolumeOptions):
    """How objects are shown, and how solids are made of that."""

    clicks: int = 2
    """Clicks on each object."""
    beside: int = 1
    """Clicks beside each object."""

    def __post_init__(self) -> None:
        check(self)

    def solids(self) -> VolumeOptions:
        """What the task is told."""
        names = VolumeOptions.__dataclass_fields__
        return VolumeOptions(**{name: getattr(self, name) for name in names})


class VolumeTable(Table):
    """One row for each object of each scan."""

    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        rows = [(scan, item) for scan, value in enumerate(values) for item in value["objects"]]
        self.scan = np.array([scan for scan, _ in rows], np.int64)
        self.names = [item["name"] for _, item in rows]
        self.columns = {name: np.array([number(item[name]) for _, item in rows]) for name in NAMES}
        self.scans = len(values)

    def measure(self, weights: Array) -> dict[str, float]:
        """Means over objects, without those that have no figure, which are counted."""
        weight = weights[self.scan].astype(np.float64)
        found = {name: weighted_mean(weight, self.columns[name]) for name in NAMES[:4]}
        undefined = np.isnan(self.columns["dice"]) | np.isnan(self.columns["hd95"])
        return found | {"undefined": float((weight * undefined).sum())}

    def per_picture(self) -> list[dict[str, Any]]:
        rows = []
        for scan in range(self.scans):
            weight = (self.scan == scan).astype(np.float64)
            row = {name: weighted_mean(weight, self.columns[name]) for name in NAMES}
            rows.append(row | {"objects": weight.sum()})
        return rows

    def per_class(self) -> dict[str, dict[str, float]]:
        found = {}
        for name in dict.fromkeys(self.names):
            weight = np.array([float(one == name) for one in self.names])
            found[name] = {column: weighted_mean(weight, self.columns[column]) for column in NAMES}
        return found


class VolumeBench(Bench[VolumeBenchOptions]):
    name = "volume"
    headline = "dice"
    about = "objects of scans from a few clicks: Dice, HD95, beside those of a threshold"
    unit = "picture"
    options = VolumeBenchOptions
    table = VolumeTable

    def units(self, kit: Kit[VolumeBenchOptions]) -> Sequence[Unit]:
        return [(sample,) for sample in kit.data.samples[: kit.options.num_samples]]

    def check(self, kit: Kit[VolumeBenchOptions]) -> None:
        kit.models.get(Segmenter)
        if not isinstance(kit.data, VolumeSet):
            raise FormatError(
                f"{kit.data.name} holds no scans; a dataset.json of scans says "
                '"volumes": "scans/*.nii.gz" (docs/volume.md)'
            )

    def facts(self, kit: Kit[VolumeBenchOptions]) -> dict[str, Any]:
        answer = f"{kit.options.clicks} clicks on each object, {kit.options.beside} beside it"
        return {
            "how": kit.options.how,
            "answer": answer,
            "words": [],
            "protocol": NO_PROTOCOL,
            "definitions": DEFINITIONS,
        }

    def score(self, kit: Kit[VolumeBenchOptions], unit: Unit, clock: Clock) -> dict[str, Any]:
        data = kit.data
        if not isinstance(data, VolumeSet):
            raise FormatError(f"{data.name} holds no scans")
        with clock.stage("read"):
            scan, labels = data.volume(unit[0]), data.labels(unit[0])
        objects = []
        for label, name in enumerate(data.classes, 1):
            truth = labels == label
            if truth.any():
                objects.append({"name": name, **_measure(kit, scan, truth, clock)})
        return {"objects": objects}


def _measure(
    kit: Kit[VolumeBenchOptions], scan: Volume, truth: Array, clock: Clock
) -> dict[str, Any]:
    with clock.stage("click"):
        prompts = simulate_clicks(scan, truth, kit.options.clicks, kit.options.beside)
    with clock.stage("predict"):
        result = volume(scan, prompts, kit.models, kit.options.solids())
    with clock.stage("score"):
        answer, plain = result.labels > 0, otsu_solid(scan, truth)
        spacing = scan.spacing.tolist()
        return {
            "dice": dice(truth, answer),
            "hd95": hd95(truth, answer, spacing),
            "dice_threshold": dice(truth, plain),
            "hd95_threshold": hd95(truth, plain, spacing),
            "ml": float(answer.sum()) * scan.voxel_ml,
            "ml_truth": float(truth.sum()) * scan.voxel_ml,
            "by": result.solids[0].by,
            "prompts": [prompt.describe() for prompt in prompts],
        }


def simulate_clicks(scan: Volume, truth: Array, on: int, beside: int) -> list[VolumePrompt]:
    """The deepest voxels, each in another part: a ball around one is left out for the next."""
    values = scan.values(scan.stored)
    low = float(np.percentile(scan.sample, 0.5))
    high = float(np.percentile(scan.sample, 99.5))
    tissue = values > low + 0.25 * (high - low)
    around = tissue & ~truth
    if around.sum() < truth.sum() * 0.05:  # the object lies in the background
        around = ~truth
    prompts = [VolumePrompt(voxel) for voxel in deepest_voxels(truth, on, scan.spacing)]
    others = deepest_voxels(around, beside, scan.spacing) if beside else []
    return prompts + [VolumePrompt(voxel, keep=False) for voxel in others]


def deepest_voxels(solid: Array, count: int, spacing: Array) -> list[Voxel]:
    """The deepest voxel, then the deepest one far from it, and so on."""
    depth = ndimage().distance_transform_edt(np.pad(solid, 1), sampling=tuple(spacing.tolist()))
    depth = depth[1:-1, 1:-1, 1:-1].astype(np.float32)
    grid = [np.arange(side) * step for side, step in zip(solid.shape, spacing, strict=True)]
    found: list[Voxel] = []
    for _ in range(count):
        i, j, k = (int(at) for at in np.unravel_index(int(depth.argmax()), solid.shape))
        reach = 3 * float(depth[i, j, k])
        if reach <= 0:
            break
        found.append((i, j, k))
        away = sum(
            (axis - axis[at]).reshape([-1 if n == own else 1 for n in range(3)]) ** 2
            for own, (axis, at) in enumerate(zip(grid, (i, j, k), strict=True))
        )
        depth[away <= reach**2] = 0
    return found


def otsu_solid(scan: Volume, truth: Array) -> Array:
    """The baseline: a threshold between two kinds of tissue (Otsu, 1979), on the truth's side."""
    values = scan.values(scan.stored)
    low = float(np.percentile(scan.sample, 0.5))
    high = float(np.percentile(scan.sample, 99.5))
    tissue = values[values > low + 0.25 * (high - low)]
    counts, edges = np.histogram(tissue, 256)
    middles = (edges[1:] + edges[:-1]) / 2
    below, mass = counts.cumsum(), (counts * middles).cumsum()
    above = below[-1] - below
    mean_below = mass / np.maximum(below, 1)
    mean_above = (mass[-1] - mass) / np.maximum(above, 1)
    best = float(middles[int((below * above * (mean_below - mean_above) ** 2).argmax())])
    is_bright = float(values[truth].mean()) > best
    found: Array = values > best if is_bright else values <= best
    return found
