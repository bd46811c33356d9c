"""What a map file is of, what is written of each region, and how a file takes it."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from wordmask.core.image import Array, Size
from wordmask.core.result import Absent
from wordmask.media.rasters.place import Georeference
from wordmask.ops.tiles import Share, Tile, WholeRegions
from wordmask.ops.tracing import Piece


@dataclass(frozen=True, eq=False)
class RasterFacts:
    """What a file of regions is of."""

    name: str
    size: Size
    place: Georeference | None  # None: it lies nowhere
    words: tuple[str, ...]
    absent: tuple[Absent, ...] = ()
    made_by: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class MapRegion:
    """One region of the whole raster."""

    number: int  # from 1, in the order in which they are written
    name: str  # "" where unnamed
    score: float
    area: int  # pixels
    box: tuple[int, int, int, int]  # x0 y0 x1 y1
    pieces: list[Piece]  # outlines and holes in pixels; where the file takes them
    runs: Array | None  # COCO counts; where the file takes them


class MapFile:
    """A file that takes regions as they are done, at a temporary path."""

    suffix: ClassVar[str]
    takes: ClassVar[str]  # "pieces", "runs" or "shares"

    def __init__(self, path: Path, facts: RasterFacts) -> None:
        self.path, self.facts = path, facts

    def add(self, region: MapRegion) -> None:
        """A region, when no later tile has any of it."""

    def add_tile(self, tile: Tile, shares: list[Share], regions: WholeRegions) -> None:
        """What a tile's core has of all regions."""

    def finish(self) -> None:
        """Write what is left; then the file is whole."""

    def discard(self) -> None:
        """Let go of the file, which will not be whole."""
