"""Drawn maps for tests: red discs, one with a hole, and a long bar on a lawn, somewhere."""

from pathlib import Path

import cv2
import numpy as np
import rasterio
from rasterio.transform import Affine

LAWN, RED, BLUE = (30, 160, 60), (220, 20, 20), (20, 20, 220)
UTM33 = "EPSG:32633"
NORTH_UP = Affine(0.5, 0, 390_000, 0, -0.5, 5_820_000)


def lawn(side: int = 256) -> np.ndarray:
    """(H, W, 3) uint8: things that lie across the borders of tiles."""
    pixels = np.full((side, side, 3), LAWN, np.uint8)
    unit = side / 256
    for x, y, radius in ((60, 60, 30), (128, 128, 25), (200, 40, 9), (40, 200, 40)):
        place = (int(x * unit), int(y * unit))
        cv2.circle(pixels, place, int(radius * unit), RED, -1)
    cv2.circle(pixels, (int(40 * unit), int(200 * unit)), int(20 * unit), LAWN, -1)
    cv2.line(
        pixels, (int(100 * unit), side - 1), (side - 1, int(90 * unit)), BLUE, max(1, int(9 * unit))
    )
    return pixels


def write_raster(path: Path, bands: np.ndarray, **profile) -> Path:
    """(bands, H, W) as a GeoTIFF in UTM 33 with half a metre a pixel, unless `profile` differs."""
    settings = {"crs": UTM33, "transform": NORTH_UP, "driver": "GTiff"} | profile
    settings = {name: value for name, value in settings.items() if value is not None}
    tags = settings.pop("tags", {})
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = bands.shape
    with rasterio.open(
        path, "w", width=width, height=height, count=count, dtype=bands.dtype, **settings
    ) as file:
        file.write(bands)
        file.update_tags(**tags)
    return path


def write_lawn(path: Path, side: int = 256, **profile) -> Path:
    return write_raster(path, lawn(side).transpose(2, 0, 1), **profile)
