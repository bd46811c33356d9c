"""Rasters in tiles: whether a mosaic is one picture, what memory it takes, how long a megapixel is.

The maps are drawn: discs of all sizes, some with holes, and a bar through all tiles. That a mosaic
is one picture is asked of the engine `fake` at a cell a pixel, because there nothing but the
stitching can differ; a network sees another context in a tile than in a picture. Memory is that of
a process of its own: its peak, less what it held when the engine had looked at one tile.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import cv2
import numpy as np
from annotated_types import Ge, Interval

from wordmask.core.image import Array, Image
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.jobs.pictures import ResultOptions
from wordmask.jobs.rasters import RasterSetup, TileOptions, segment_rasters
from wordmask.lab.bench.alone import run_alone
from wordmask.lab.bench.provenance import peak_memory_mb
from wordmask.lab.bench.suite import (
    Findings,
    FindingTable,
    ModelLoader,
    Suite,
    SuiteKit,
    SuiteOptions,
)
from wordmask.media import formats
from wordmask.media.rasters.geo import gdal
from wordmask.tasks.segment import How, SegmentOptions
from wordmask.tasks.segment import segment as segment_task

WORDS = ("red", "blue")
PART = 2048  # side of the squares in which the large map is drawn
MOST_MB = 200  # wanted above the idle engine
EXACT_SIDE = 256  # the largest picture that is looked at without being made coarser
LAWN, RED, BLUE = (30, 160, 60), (220, 20, 20), (20, 20, 220)


@dataclass(frozen=True)
class RasterSuiteOptions(SuiteOptions):
    """How large the rasters are."""

    model: str = "fake"
    """The engine whose memory and time are measured."""
    side: Annotated[int, Interval(ge=256, le=65_536)] = 16_384
    """Pixels along the side of the large map."""
    tile_side: Annotated[int, Interval(ge=64, le=8192)] = 1024
    """Of its tiles."""
    how: How = "unified"
    """How words become masks in the large map; the others take the engine longer."""
    maps: Annotated[int, Ge(1)] = 8
    """Small maps that are compared with one picture."""
    seed: int = 0
    """Seed of the maps."""


class RastersSuite(Suite[RasterSuiteOptions]):
    name = "rasters"
    about = "rasters in tiles: mosaic against one picture, memory, seconds a megapixel"
    options = RasterSuiteOptions

    def run(self, kit: SuiteKit[RasterSuiteOptions]) -> Findings:
        options = kit.options
        kit.output.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=kit.output) as folder:
            kit.say("mosaics")
            fake = kit.load("fake", input_side=EXACT_SIDE)
            alike = [compare(fake, Path(folder), options.seed + k) for k in range(options.maps)]
            kit.say(f"a map of {options.side:,} x {options.side:,}")
            large = Path(folder) / "large.tif"
            run_alone(draw_large, large, options.side, options.seed)
            found = run_alone(measure, large, options, kit.load)
        mosaic = FindingTable.of(alike)
        facts = FindingTable(("figure", "value"), [[name, found[name]] for name in found])
        above = float(found["MB above the idle engine"])
        wrong = sum(row["pixels that differ"] for row in alike)
        return Findings(
            metrics={"pixels_that_differ": float(wrong), "mb_above_idle": above}
            | {"cpu_s_per_mp": float(found["processor seconds a megapixel"])},
            tables={"mosaics": mosaic, "large map": facts},
            verdicts=[
                f"mosaics differ from one picture in {wrong} pixels: {'no' if wrong else 'yes'}",
                f"{above:.0f} MB above the idle engine, wanted {MOST_MB}: "
                f"{'yes' if above <= MOST_MB else 'no'}",
            ],
            models=[kit.load(options.model)],
            seeds={"maps": options.seed},
        )


def draw_map(side: int, seed: int) -> Array:
    """(H, W, 3) uint8: discs, some of them rings, and a bar from edge to edge."""
    rng = np.random.default_rng(seed)
    pixels = np.full((side, side, 3), LAWN, np.uint8)
    for _ in range(max(4, side * side // 15_000)):
        x, y = rng.integers(0, side, 2).tolist()
        radius = int(rng.integers(6, min(60, side // 4)))
        cv2.circle(pixels, (x, y), radius, RED if rng.random() < 0.6 else BLUE, -1)
        if rng.random() < 0.3:
            cv2.circle(pixels, (x, y), radius // 2, LAWN, -1)
    cv2.line(pixels, (0, side // 3), (side, side // 2), BLUE, 9)
    return pixels


def draw_large(path: Path, side: int, seed: int) -> None:
    """A georeferenced map, drawn and written part by part."""
    with gdal() as rasterio:
        profile = {"driver": "GTiff", "width": side, "height": side, "count": 3, "dtype": "uint8"}
        profile |= {"crs": "EPSG:32633", "tiled": True, "blockxsize": 256, "blockysize": 256}
        profile["transform"] = rasterio.Affine(0.2, 0, 390_000, 0, -0.2, 5_820_000)
        with rasterio.open(path, "w", compress="deflate", **profile) as file:
            for y in range(0, side, PART):
                for x in range(0, side, PART):
                    part = draw_map(PART, seed + y * side + x)[: side - y, : side - x]
                    window = ((y, y + part.shape[0]), (x, x + part.shape[1]))
                    file.write(part.transpose(2, 0, 1), window=window)


def compare(models: Models, folder: Path, seed: int) -> dict[str, Any]:
    """One small map as a picture and as a mosaic of tiles."""
    pixels = draw_map(EXACT_SIDE, seed)
    path = folder / f"map-{seed}.png"
    path.write_bytes(cv2.imencode(".png", pixels[..., ::-1])[1].tobytes())
    options = SegmentOptions(instances=False, min_region_size=20)
    whole = segment_task(Image(pixels), Text(WORDS), models, options)
    tiling = TileOptions(tile_side=96, overlap=32)
    outputs = ResultOptions(output_dir=folder, format=("json",))
    setup = RasterSetup("fake", outputs=outputs, tiling=tiling)
    *_, last = segment_rasters([path], WORDS, options, setup, models)
    answer = last.answer
    (mosaic,) = formats.load(answer.files[0]) if answer is not None else [whole]
    return {
        "map": path.stem,
        "regions": len(whole),
        "in the mosaic": len(mosaic),
        "pixels that differ": int((whole.label_map() != mosaic.label_map()).sum()),
    }


def measure(path: Path, options: RasterSuiteOptions, load: ModelLoader) -> dict[str, Any]:
    """Memory and time of one large map; in a process of its own."""
    models = load(options.model)
    tile = Image(draw_map(options.tile_side, options.seed))
    ways = SegmentOptions(how=options.how)
    segment_task(tile, Text(WORDS), models, ways)
    idle, one_tile, began = _held_mb(), peak_memory_mb(), time.process_time()
    tiling = TileOptions(tile_side=options.tile_side, overlap=options.tile_side // 8)
    outputs = ResultOptions(output_dir=path.parent / "out", format=("gpkg", "masks", "json"))
    setup = RasterSetup(options.model, outputs=outputs, tiling=tiling)
    *_, last = segment_rasters([path], WORDS, ways, setup, models)
    spent = time.process_time() - began
    answer = last.answer
    return {
        "engine": ", ".join(models.made_by),
        "tiles": 0 if answer is None else answer.tiles,
        "regions": 0 if answer is None else sum(answer.counts.values()),
        "idle engine, MB": round(idle, 1),
        "MB above it while the engine looks at one tile": round(one_tile - idle, 1),
        "MB above the idle engine": round(peak_memory_mb() - idle, 1),
        "processor seconds": round(spent, 1),
        "processor seconds a megapixel": round(spent / (options.side**2 / 1e6), 3),
    }


def _held_mb() -> float:
    """Memory that this process holds now; its peak where the system does not say."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    kilobytes = next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)
    return kilobytes / 1024 if kilobytes else peak_memory_mb()
