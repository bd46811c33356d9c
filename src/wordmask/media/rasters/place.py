"""Where a raster lies: from its pixels to the coordinates of its map, and on to WGS84."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.errors import ImageError, Mend

Affine = tuple[float, float, float, float, float, float]
# Without a place a map shows a picture from (0, 0) to the right and down, as QGIS does.
PICTURE: Affine = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)


@dataclass(frozen=True, eq=False)
class Georeference:
    """x = a column + b row + c, y = d column + e row + f, from the top-left EDGE; and the CRS."""

    affine: Affine = PICTURE
    crs: Any = None  # rasterio's; None: not known
    is_point: bool = False  # the file's coordinates are those of pixels' centres

    def to_map(self, points: Array) -> Array:
        """(n, 2) x y of the map, from columns and rows."""
        a, b, c, d, e, f = self.affine
        column, row = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
        return np.stack([a * column + b * row + c, d * column + e * row + f], 1)

    def check(self, name: str, size: Size) -> None:
        """Raise where the raster cannot lie there."""
        a, b, _, d, e, _ = self.affine
        if not np.isfinite(self.affine).all() or a * e - b * d == 0:
            raise ImageError(f"{name}: its affine {self.affine} maps the picture onto a line")
        if self.crs is None or not self.crs.is_geographic:
            return
        height, width = size
        corners = np.array([(0, 0), (width, 0), (0, height), (width, height)])
        latitudes = self.to_map(corners)[:, 1]
        if np.abs(latitudes).max() > 90 + 1e-6:
            raise ImageError(
                f"{name}: its y runs from {latitudes.min():g} to {latitudes.max():g} in "
                f"{self.crs.to_string()[:40]}, which are no latitudes; are x and y swapped, or is "
                "it in another CRS?",
                mend=Mend("crs", "EPSG:32633"),
            )


def to_wgs84(crs: Any, rings: list[Array]) -> list[list[Array]]:
    """A polygon, outline first, in longitude and latitude: one, or two beside the antimeridian."""
    from rasterio.warp import transform, transform_geom

    if crs.to_epsg() == 4326:
        return [rings]
    points = np.concatenate(rings)
    flat = np.stack(transform(crs, "EPSG:4326", points[:, 0], points[:, 1]), 1)
    if np.ptp(flat[:, 0]) < 180:
        return [np.split(flat, np.cumsum([len(ring) for ring in rings])[:-1])]
    polygon = {"type": "Polygon", "coordinates": [_close(ring).tolist() for ring in rings]}
    moved = transform_geom(crs, "EPSG:4326", polygon)
    parts = moved["coordinates"] if moved["type"] == "MultiPolygon" else [moved["coordinates"]]
    return [[np.array(ring, np.float64)[:-1, :2] for ring in part] for part in parts]


def turn(rings: list[Array]) -> list[Array]:
    """The outline counter-clockwise as the map shows it, the holes clockwise (RFC 7946)."""
    return [
        ring if (_area(ring) > 0) == (number == 0) else ring[::-1]
        for number, ring in enumerate(rings)
    ]


def _close(ring: Array) -> Array:
    return np.concatenate([ring, ring[:1]])


def _area(ring: Array) -> float:
    x, y = (ring - ring[0]).T  # near zero, where floats are finest
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
