"""How well the classical painters fill: PSNR against what was there.

The pictures are textures and photographs of scikit-image, and drawn regular textures. In each,
holes of three sizes at two places are cut where the answer is known. `mean` fills with the
picture's mean colour: on an irregular texture no painter that does not know the answer can be much
above it, and one that makes a texture of its own must be below (an independent sample has twice the
error variance of the mean). `sharpness` is the gradient energy in the hole over that of the truth:
1 is as crisp as the rest, 0 is flat.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.protocols import Inpainter
from wordmask.lab.bench.photographs import photograph
from wordmask.lab.bench.suite import Findings, FindingTable, Suite, SuiteKit, SuiteOptions

RADII = (16, 32, 64)  # pixels
PLACES = 2
DRAWN = ("weave", "tiles", "bond")
PHOTOGRAPHS = ("brick", "grass", "gravel", "coffee", "chelsea")


@dataclass(frozen=True)
class FillsOptions(SuiteOptions):
    """Who paints, and what."""

    painters: tuple[str, ...] = ("telea", "navier-stokes", "patch")
    """Engines that fill."""
    pictures: tuple[str, ...] = (*DRAWN, *PHOTOGRAPHS)
    """Which of the pictures to fill."""
    speed: bool = True
    """Also time the last painter on a hole of 10 % in a picture of 1 MP."""


class FillsSuite(Suite[FillsOptions]):
    name = "fills"
    about = "how well painters fill holes: PSNR and sharpness on textures and photographs"
    options = FillsOptions

    def run(self, kit: SuiteKit[FillsOptions]) -> Findings:
        options = kit.options
        models = [kit.load(name) for name in options.painters]
        painters = {one.spec: one.get(Inpainter) for one in models}
        rows: list[dict[str, Any]] = []
        for name in options.pictures:
            kit.say(name)
            rows += [{"picture": name, **row} for row in fill_rows(picture_of(name), painters)]
        metrics = {f"{row['picture']}.{row['painter']}.psnr": row["psnr"] for row in rows}
        if options.speed:
            name, painter = list(painters.items())[-1]
            kit.say(f"{name}, 1 MP")
            wall, cpu = seconds_for_a_megapixel(painter)
            metrics |= {f"{name}.1mp_s": wall, f"{name}.1mp_processor_s": cpu}
        return Findings(
            metrics=metrics,
            tables={"fills": FindingTable.of(rows)},
            models=models,
            seeds={"holes": 0},
        )


def picture_of(name: str) -> Array:
    """(H, W, 3) uint8: a drawn texture or a photograph."""
    return draw_texture(name) if name in DRAWN else photograph(f"{name}.png").pixels


def draw_texture(name: str) -> Array:
    """A regular texture with a little noise, 384 x 384."""
    y, x = np.mgrid[:384, :384]
    if name == "weave":
        threads = np.sign(np.sin(2 * np.pi * (y + x // 9 * 5) / 12))
        plane = 128 + 60 * np.sin(2 * np.pi * x / 9) + 50 * threads
    elif name == "tiles":
        shades = 170 + 25 * (((x // 32) * 7 + (y // 32) * 3) % 3)
        plane = np.where((x % 32 < 2) | (y % 32 < 2), 60, shades)
    else:
        joints = ((x + (y // 14 % 2) * 16) % 32 < 3) | (y % 14 < 3)
        plane = np.where(joints, 210, 120)
    plane = plane + np.random.default_rng(0).normal(0, 4, plane.shape)
    return np.repeat(plane.clip(0, 255).astype(np.uint8)[..., None], 3, 2)


def draw_blob(size: Size, radius: int, seed: int) -> Array:
    """(H, W) bool: a wobbly disc somewhere well inside."""
    rng = np.random.default_rng(seed)
    cy, cx = (int(rng.integers(2 * radius, side - 2 * radius)) for side in size)
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    waves = sum(rng.normal(0, 0.12) * np.cos(k * angles + rng.uniform(0, 6)) for k in range(2, 6))
    reach = radius * (1 + waves)
    points = np.stack([cx + reach * np.cos(angles), cy + reach * np.sin(angles)], 1)
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [points.astype(np.int32)], 1)
    return mask > 0


def fill_rows(truth: Array, painters: Mapping[str, Inpainter]) -> list[dict[str, Any]]:
    """Mean PSNR and sharpness of each painter over sizes and places of the hole."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in (*painters, "mean")}
    for radius in RADII:
        for seed in range(PLACES):
            hole = draw_blob((truth.shape[0], truth.shape[1]), radius, seed)
            white = Image(np.where(hole[..., None], np.uint8(255), truth))
            for name, painter in painters.items():
                filled = painter.fill(white, hole).pixels
                found[name].append((psnr(filled, truth, hole), sharpness(filled, truth, hole)))
            flat = np.where(hole[..., None], truth[~hole].mean(0), truth)
            found["mean"].append((psnr(flat, truth, hole), 0.0))
    rows = []
    for name, values in found.items():
        mean_psnr, mean_sharpness = np.mean(values, 0).tolist()
        rows.append({"painter": name, "psnr": mean_psnr, "sharpness": mean_sharpness})
    return rows


def psnr(filled: Array, truth: Array, hole: Array) -> float:
    """Decibels, inside the hole."""
    error = np.mean((filled[hole].astype(float) - truth[hole]) ** 2)
    return float(10 * np.log10(255**2 / error))


def sharpness(filled: Array, truth: Array, hole: Array) -> float:
    """Gradient energy in the hole over that of the truth."""
    return _gradient(filled, hole) / _gradient(truth, hole)


def _gradient(pixels: Array, hole: Array) -> float:
    grey = pixels.mean(2)
    steps = np.abs(np.diff(grey, axis=0, append=0)) + np.abs(np.diff(grey, axis=1, append=0))
    return float(steps[hole].mean())


def seconds_for_a_megapixel(painter: Inpainter) -> tuple[float, float]:
    """By the clock and of processor time, for a hole of 10 % in a picture of 1 MP."""
    pixels = photograph("astronaut.png").pixels
    large = cv2.resize(pixels, (1024, 1024), interpolation=cv2.INTER_CUBIC)
    hole = np.zeros((1024, 1024), np.uint8)
    cv2.circle(hole, (700, 400), 183, 1, -1)
    wall, cpu = time.perf_counter(), time.process_time()
    painter.fill(Image(large), hole > 0)
    return time.perf_counter() - wall, time.process_time() - cpu
