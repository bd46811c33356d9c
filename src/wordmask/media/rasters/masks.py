"""The words of a raster's pixels as a GeoTIFF of its size, written tile by tile."""

import json
from errno import EIO
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.result import UNNAMED
from wordmask.media.drawing.palette import colours
from wordmask.media.rasters.geo import gdal
from wordmask.media.rasters.shapes import MapFile, RasterFacts
from wordmask.ops.tiles import Share, Tile, WholeRegions


class MaskRaster(MapFile):
    """A pixel is the number of its word, from 1 in the order asked, or 0 (nodata): nothing there.

    Where regions overlap, the best score wins. Affine, CRS and the meaning of a pixel (area or
    point) are those of the raster.
    """

    suffix, takes = ".masks.tif", "shares"

    def __init__(self, path: Path, facts: RasterFacts) -> None:
        super().__init__(path, facts)
        self._file = self._open()
        self._kind = self._file.dtypes[0]

    def _open(self) -> Any:
        height, width = self.facts.size
        words = self.facts.words or ("region",)
        place = self.facts.place
        with gdal() as rasterio:
            where = {} if place is None else {"crs": place.crs}
            if place is not None:
                where["transform"] = rasterio.Affine(*place.affine)
            file = rasterio.open(
                self.path, "w", driver="GTiff", width=width, height=height, count=1,
                dtype="uint8" if len(words) < 256 else "uint16", nodata=0, tiled=True,
                blockxsize=256, blockysize=256, compress="deflate", bigtiff="if_safer", **where,
            )  # fmt: skip
            if place is not None and place.is_point:
                file.update_tags(AREA_OR_POINT="Point")
            file.update_tags(WORDMASK_WORDS=json.dumps(words, ensure_ascii=False))
            if len(words) < 256:
                table = {0: (0, 0, 0, 0)}
                for number, (red, green, blue) in enumerate(colours(words).tolist(), 1):
                    table[number] = (red, green, blue, 255)
                file.write_colormap(1, table)
        return file

    def add_tile(self, tile: Tile, shares: list[Share], regions: WholeRegions) -> None:
        x0, y0, x1, y1 = tile.core
        canvas = np.zeros((y1 - y0, x1 - x0), self._kind)
        for share in sorted(shares, key=lambda one: float(regions.scores[one.region])):
            label = int(regions.label_ids[share.region])
            x, y = share.corner[0] - x0, share.corner[1] - y0
            height, width = share.crop.shape
            canvas[y : y + height, x : x + width][share.crop] = 1 if label == UNNAMED else label + 1
        self._try(lambda: self._file.write(canvas, 1, window=((y0, y1), (x0, x1))))

    def finish(self) -> None:
        self._try(self._file.close)
        self._check()

    def discard(self) -> None:
        with gdal():
            self._file.close()

    def _try(self, work: Any) -> None:
        with gdal() as rasterio:
            try:
                work()
            except rasterio.errors.RasterioError as error:
                cause = error.__cause__ or error
                raise OSError(EIO, f"{cause}; is the disk full?") from error

    def _check(self) -> None:
        """GDAL writes the last blocks as it closes, and tells nobody where that fails."""
        with gdal() as rasterio:
            try:
                with rasterio.open(self.path) as file:
                    file.checksum(1)
            except rasterio.errors.RasterioError as error:
                raise OSError(EIO, f"{error}; is the disk full?") from error
