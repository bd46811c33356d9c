"""Blocks of docs/rasters.md: what tiles cost, and the polygons of a map on the map."""

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import rasterio
from page import IMAGES, Request, machine, made_by, markdown

import wordmask
from wordmask.lab.bench.photographs import photograph
from wordmask.media.drawing.palette import colours
from wordmask.media.writing import write_picture
from wordmask.ops.tiles import lay_tiles

WIDTH, HEIGHT, COLUMNS = 640, 480, 3  # of a photograph in the mosaic, and how many stand in a row
PHOTOGRAPHS = ("chelsea", "coffee", "astronaut", "motorcycle_left", "chelsea", "coffee")
WORDS = ("cat", "person", "cup", "motorcycle")
TILING = wordmask.TileOptions(tile_side=640, overlap=128)
AFFINE = rasterio.Affine(0.5, 0, 390_000, 0, -0.5, 5_820_000)


def table(request: Request) -> str | None:
    results = request.suite("rasters")
    if results is None:
        return None
    large = dict(results["tables"]["large map"]["rows"])
    options, metrics = results["options"], results["metrics"]
    side = f"{options['side']:,} x {options['side']:,}"
    rows = [
        ["mosaic against one picture, pixels that differ", f"{metrics['pixels_that_differ']:.0f}"],
        [f"{side}: tiles, regions", f"{large['tiles']:,}, {large['regions']:,}"],
        ["MB above the idle engine, at the peak", f"{metrics['mb_above_idle']:.0f}"],
        ["processor seconds a megapixel", f"{metrics['cpu_s_per_mp']:.2f}"],
    ]
    return (
        f"Made by `scripts/bench rasters --side {options['side']}` on `{made_by(results)}`, "
        f"{machine(results)}: GeoPackage, masks and JSON of a drawn map, and {options['maps']} "
        "small maps beside one picture of each.\n\n"
        f"{markdown(['', ''], rows)}"
    )


def picture(request: Request) -> None:
    """docs/images/rasters.jpg: the polygons of a GeoPackage on the raster."""
    with TemporaryDirectory() as folder:
        raster, output = Path(folder) / "map.tif", Path(folder) / "map.gpkg"
        pixels = write_mosaic(raster)
        answer = wordmask.segment_raster(raster, WORDS, output, model=request.model, tiling=TILING)
        print(answer.counts, [word.phrase for word in answer.absent])
        drawn = draw_borders(pixels.copy())
        inks = dict(zip(WORDS, colours(WORDS).tolist(), strict=True))
        for name, polygons in read_layer(output):
            draw_region(drawn, polygons, inks[name], name)
    height, width = drawn.shape[:2]
    small = cv2.resize(drawn, (width * 2 // 3, height * 2 // 3), interpolation=cv2.INTER_AREA)
    write_picture(IMAGES / "rasters.jpg", small, quality=85)


def write_mosaic(path: Path) -> Any:
    """Photographs side by side as one georeferenced raster; its pixels."""
    parts = [
        cv2.resize(photograph(f"{name}.png").pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        for name in PHOTOGRAPHS
    ]
    rows = [np.hstack(parts[k : k + COLUMNS]) for k in range(0, len(parts), COLUMNS)]
    pixels = np.vstack(rows)
    height, width = pixels.shape[:2]
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=3, dtype="uint8",
        crs="EPSG:32633", transform=AFFINE, tiled=True, blockxsize=256, blockysize=256,
    ) as file:  # fmt: skip
        file.write(pixels.transpose(2, 0, 1))
    return pixels


def read_layer(path: Path) -> list[tuple[str, list[list[Any]]]]:
    """Name and polygons of each region, in the map's coordinates."""
    rows = sqlite3.connect(path).execute("SELECT name, geom FROM regions").fetchall()
    return [(name, read_polygons(blob)) for name, blob in rows]


def read_polygons(blob: bytes) -> list[list[Any]]:
    """The rings of a GeoPackage's multipolygon, whose header has 40 bytes."""
    polygons: list[list[Any]] = []
    at = 49
    for _ in range(int.from_bytes(blob[45:49], "little")):
        rings = int.from_bytes(blob[at + 5 : at + 9], "little")
        at += 9
        polygons.append([])
        for _ in range(rings):
            count = int.from_bytes(blob[at : at + 4], "little")
            polygons[-1].append(np.frombuffer(blob, "<f8", 2 * count, at + 4).reshape(-1, 2))
            at += 4 + 16 * count
    return polygons


def draw_borders(pixels: Any) -> Any:
    """The borders of the tiles, dotted."""
    height, width = pixels.shape[:2]
    for tile in lay_tiles((height, width), TILING.tile_side, TILING.overlap):
        x0, y0, x1, y1 = tile.box
        for x in range(x0, x1, 12):
            for y in (y0, y1 - 2):
                pixels[y : y + 2, x : x + 6] = 255
        for y in range(y0, y1, 12):
            for x in (x0, x1 - 2):
                pixels[y : y + 6, x : x + 2] = 255
    return pixels


def draw_region(canvas: Any, polygons: list[list[Any]], ink: list[int], name: str) -> None:
    """A region from its map coordinates: filled thinly, outlined, named."""
    back = ~AFFINE
    rings = [
        np.stack([back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f], 1)
        for polygon in polygons
        for x, y in (ring.T for ring in polygon)
    ]
    corners = [np.rint(ring).astype(np.int32) for ring in rings]
    layer = canvas.copy()
    cv2.fillPoly(layer, corners, ink)
    cv2.addWeighted(layer, 0.4, canvas, 0.6, 0, canvas)
    cv2.polylines(canvas, corners, True, ink, 3, cv2.LINE_AA)
    x, y = corners[0].min(0).tolist()
    for colour, width in (((0, 0, 0), 5), ((255, 255, 255), 2)):
        place, font = (x + 8, y + 30), cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(canvas, name, place, font, 0.9, colour, width, cv2.LINE_AA)
