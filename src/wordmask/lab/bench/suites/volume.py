"""Solids of known shape, and the memory that a large scan takes.

Balls, a winding tube and touching balls in noise, clicked on once each; Dice of each object. The
large scan is followed in a process of its own, whose peak is read from the system.
"""

import resource
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Annotated, Any, NamedTuple

import numpy as np
from annotated_types import Ge

from wordmask.core.image import Array
from wordmask.core.models import Models
from wordmask.core.volume import Volume
from wordmask.lab.bench.suite import (
    Findings,
    FindingTable,
    ModelLoader,
    Suite,
    SuiteKit,
    SuiteOptions,
)
from wordmask.lab.metrics.volumes import dice, hd95
from wordmask.ops.solids import ndimage
from wordmask.tasks.volume import VolumeOptions, VolumePrompt, volume

SIDE = 64  # voxels of a phantom
AIR, BLUR, NOISE = 40, 0.6, 6  # its background, sigma of its edges, sigma of its noise
WANTED_DICE, WANTED_MB = 0.97, 2000


class Phantom(NamedTuple):
    """A scan of solids that are known, and a click on each."""

    scan: Volume
    truths: tuple[Array, ...]
    clicks: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class SolidSuiteOptions(SuiteOptions):
    """What is measured."""

    model: str = "mini"
    """The engine."""
    side: Annotated[int, Ge(0)] = 512
    """Side of the large scan in voxels; 0 leaves it out."""
    seed: int = 0
    """Seed of the noise."""


class VolumeSuite(Suite[SolidSuiteOptions]):
    name = "volume"
    about = "solids of known shape in noise, and the memory that a scan of 512^3 takes"
    options = SolidSuiteOptions

    def run(self, kit: SuiteKit[SolidSuiteOptions]) -> Findings:
        models = kit.load(kit.options.model)
        rows = []
        for name, phantom in draw_phantoms(kit.options.seed).items():
            kit.say(name)
            rows += measure_phantom(name, phantom, models)
        worst = min(float(row["dice"]) for row in rows)
        metrics: dict[str, float | None] = {"dice_worst": worst}
        verdicts = [_verdict(f"worst Dice {worst:.3f}", worst >= WANTED_DICE, f">= {WANTED_DICE}")]
        if kit.options.side:
            kit.say("memory")
            peak = peak_of_large_scan(kit.load, kit.options)
            metrics["peak_mb"] = peak
            told = f"{kit.options.side}^3 voxels took {peak:,.0f} MB at most"
            verdicts.append(_verdict(told, peak < WANTED_MB, f"< {WANTED_MB} MB"))
        return Findings(
            metrics=metrics,
            tables={"phantoms": FindingTable.of(rows)},
            verdicts=verdicts,
            models=[models],
            seeds={"noise": kit.options.seed},
        )


def _verdict(told: str, holds: bool, wanted: str) -> str:
    return f"{told}: {'as wanted' if holds else 'NOT as wanted'} ({wanted})"


def draw_phantoms(seed: int) -> dict[str, Phantom]:
    """The phantoms by name."""
    grid = np.indices((SIDE,) * 3).transpose(1, 2, 3, 0).astype(np.float32)
    left, right = _ball(grid, (22, 32, 32), 11), _ball(grid, (42, 32, 32), 10)
    two = ((22, 32, 32), (42, 32, 32))
    tube, start = _tube(grid)
    drawn = {
        "ball": ([(_ball(grid, (30, 34, 31), 14), 120)], ((30, 34, 31),)),
        "tube": ([(tube, 130)], (start,)),
        "touching, unlike": ([(left & ~right, 120), (right, 190)], two),
        "touching, alike": ([(left & ~right, 150), (right, 150)], two),
    }
    return {
        name: Phantom(_paint(name, parts, seed), tuple(solid for solid, _ in parts), clicks)
        for name, (parts, clicks) in drawn.items()
    }


def _ball(grid: Array, centre: tuple[int, int, int], radius: float) -> Array:
    return np.asarray(np.linalg.norm(grid - np.array(centre), axis=-1) <= radius)


def _tube(grid: Array) -> tuple[Array, tuple[int, int, int]]:
    """A tube that winds through the slices, and a voxel in its middle."""
    height = grid[..., 2]
    x, y = 32 + 14 * np.sin(height / 12), 32 + 10 * np.cos(height / 15)
    tube = np.hypot(grid[..., 0] - x, grid[..., 1] - y) <= 6
    start = (int(32 + 14 * np.sin(30 / 12)), int(32 + 10 * np.cos(30 / 15)), 30)
    return tube & (height > 6) & (height < 57), start


def _paint(name: str, parts: list[tuple[Array, int]], seed: int) -> Volume:
    values = np.full((SIDE,) * 3, AIR, np.float32)
    for solid, value in parts:
        values[solid] = value
    noise = np.random.default_rng(seed).normal(0, NOISE, values.shape)
    stored = np.round(ndimage().gaussian_filter(values, BLUR) + noise).astype(np.int16)
    return Volume(stored, np.eye(4), name=name)


def measure_phantom(name: str, phantom: Phantom, models: Models) -> list[dict[str, Any]]:
    """One row for each solid."""
    prompts = [VolumePrompt(voxel, id=id) for id, voxel in enumerate(phantom.clicks, 1)]
    result = volume(phantom.scan, prompts, models)
    return [
        {
            "phantom": name,
            "object": id,
            "dice": dice(truth, result.labels == id),
            "hd95_mm": hd95(truth, result.labels == id, (1, 1, 1)),
            "by": result.solids[id - 1].by,
        }
        for id, truth in enumerate(phantom.truths, 1)
    ]


# ---- memory


def peak_of_large_scan(load: ModelLoader, options: SolidSuiteOptions) -> float:
    """MB that a process takes that makes a ball of a large scan, all of it, and its labels."""
    context = get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_follow_large, (load, options.model, options.side))


def _follow_large(load: ModelLoader, model: str, side: int) -> float:
    stored = np.zeros((side,) * 3, np.int16)
    middle, radius = side // 2, side * 3 // 8
    across = np.arange(side) - middle
    flat = across[:, None] ** 2 + across[None] ** 2
    for k in range(side):
        stored[:, :, k] = np.where(flat + (k - middle) ** 2 <= radius**2, 900, 100)
    scan = Volume(stored, np.eye(4))
    slicing = scan.slicing("axial")
    painted = range(middle - radius + 2, middle + radius, 24)
    prompts = [
        VolumePrompt(mask=slicing.take(stored, k) > 500, plane="axial", index=k) for k in painted
    ]
    options = VolumeOptions(between="interpolate", max_slices=2)
    volume(scan, prompts, load(model), options)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
