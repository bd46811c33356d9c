"""What was found in tiles, put together and written as maps."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wordmask.core import rle
from wordmask.core.image import Array, Size
from wordmask.core.result import UNNAMED, Absent
from wordmask.files import atomic
from wordmask.media.formats.outlines import simplify
from wordmask.media.rasters.geo import gdal
from wordmask.media.rasters.geojson import GeoJson, RegionJson, check_place
from wordmask.media.rasters.gpkg import GeoPackage
from wordmask.media.rasters.masks import MaskRaster
from wordmask.media.rasters.notes import TileNotes
from wordmask.media.rasters.shapes import MapFile, MapRegion, RasterFacts
from wordmask.ops.tiles import Share, Tile, group, mosaic
from wordmask.ops.tracing import Turns, corners_of_part, join_corners, pieces_of


def _accept(_: RasterFacts) -> None:
    """Any raster will do."""


def _needs_rasterio(_: RasterFacts) -> None:
    with gdal():
        pass


class MapFormat(NamedTuple):
    """One kind of map file."""

    open: type[MapFile]
    suffixes: tuple[str, ...]  # of a name that a person types
    check: Callable[[RasterFacts], None] = _accept  # raises where the raster will not do

    @property
    def suffix(self) -> str:
        return self.open.suffix


MAPS = {
    "gpkg": MapFormat(GeoPackage, (".gpkg",)),
    "geojson": MapFormat(GeoJson, (".geojson",), check_place),
    "masks": MapFormat(MaskRaster, (".tif", ".tiff"), _needs_rasterio),
    "json": MapFormat(RegionJson, (".json",)),
}


MAP_SUFFIXES = tuple(suffix for one in MAPS.values() for suffix in one.suffixes)


def map_format(path: Path) -> str:
    """The format that the suffix of a map's name tells, one of `MAP_SUFFIXES`."""
    return next(name for name, one in MAPS.items() if path.suffix.lower() in one.suffixes)


@dataclass(frozen=True, eq=False)
class MapWork:
    """What is put together."""

    tiles: tuple[Tile, ...]
    notes: TileNotes
    facts: RasterFacts
    nested: bool
    tolerance: float


def write_maps(
    work: MapWork, paths: Mapping[str, Path]
) -> tuple[dict[str, int], tuple[Absent, ...]]:
    """Write a file in each format. How many regions each word has, and the words without one."""
    found = [work.notes.read(tile.index).regions for tile in work.tiles]
    regions = group(work.tiles, found, work.notes.crops, nested=work.nested)
    names = [_name(work.facts, label) for label in regions.label_ids.tolist()]
    counts = {name: names.count(name) for name in dict.fromkeys(sorted(names))}
    absent = _absent(work, set(counts))
    facts = replace(work.facts, absent=absent)
    with ExitStack() as stack:
        files = []
        for format, path in paths.items():
            part = stack.enter_context(atomic(path))
            file = MAPS[format].open(part, facts)
            stack.callback(file.discard)
            files.append(file)
        gathering = _Gathering(facts.size, {file.takes for file in files}, work.tolerance)
        for tile, shares in mosaic(work.tiles, found, regions, work.notes.crops):
            for file in files:
                file.add_tile(tile, shares, regions)
            for share in shares:
                gathering.add(tile, share)
                if share.is_last:
                    name, score = names[share.region], float(regions.scores[share.region])
                    region = gathering.take(share.region, name, score)
                    for file in files:
                        file.add(region)
        for file in files:
            file.finish()
    return counts, absent


def _name(facts: RasterFacts, label: int) -> str:
    return "" if label == UNNAMED else facts.words[label]


def _absent(work: MapWork, there: set[str]) -> tuple[Absent, ...]:
    """The words that no tile has, with the best score that any tile gave them."""
    best: dict[str, Absent] = {}
    for tile in work.tiles:
        for word in work.notes.read(tile.index).absent:
            if word.phrase not in there and (
                word.phrase not in best or word.best > best[word.phrase].best
            ):
                best[word.phrase] = word
    return tuple(best[word] for word in work.facts.words if word in best)


@dataclass(eq=False)
class _Unfinished:
    """A region of which some tiles have been gathered."""

    corners: list[Turns] = field(default_factory=list)
    spans: list[tuple[Array, Array]] = field(default_factory=list)
    area: int = 0
    box: Array = field(default_factory=lambda: np.array([1 << 60, 1 << 60, 0, 0]))


class _Gathering:
    """WholeRegions while their tiles go by: only what the files need of them is kept."""

    def __init__(self, size: Size, wanted: set[str], tolerance: float) -> None:
        self._size, self._wanted, self._tolerance = size, wanted, tolerance
        self._open: dict[int, _Unfinished] = {}
        self._count = 0

    def add(self, tile: Tile, share: Share) -> None:
        one = self._open.setdefault(share.region, _Unfinished())
        if not share.crop.size:
            return
        (x, y), (height, width) = share.corner, share.crop.shape
        one.area += int(np.count_nonzero(share.crop))
        low = np.minimum(one.box[:2], (x, y))
        one.box = np.r_[low, np.maximum(one.box[2:], (x + width, y + height))]
        if "pieces" in self._wanted:
            one.corners.append(corners_of_part(share.crop, share.corner, tile.core))
        if "runs" in self._wanted:
            one.spans.append(rle.spans_of_crop(self._size, np.array(share.corner), share.crop))

    def take(self, region: int, name: str, score: float) -> MapRegion:
        """The region, of which nothing more comes."""
        one = self._open.pop(region)
        self._count += 1
        x0, y0, x1, y1 = one.box.tolist()
        pieces = pieces_of(join_corners(one.corners)) if one.corners else []
        if self._tolerance:
            pieces = [[simplify(ring, self._tolerance) for ring in piece] for piece in pieces]
        runs = self._runs(one) if "runs" in self._wanted else None
        return MapRegion(self._count, name, score, one.area, (x0, y0, x1, y1), pieces, runs)

    def _runs(self, one: _Unfinished) -> Array:
        starts, ends = (np.concatenate(column) for column in zip(*one.spans, strict=True))
        order = np.argsort(starts)
        return rle.runs_of_spans(self._size, starts[order], ends[order])
