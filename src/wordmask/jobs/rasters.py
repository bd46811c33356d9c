"""Rasters of any size in, maps of regions out: looked at tile by tile, and put together.

What was found in a tile is kept on the disk at once, so a run that was killed goes on with the next
tile. The maps are written when every tile is done, whole or not at all.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Interval

from wordmask.core.image import Image, Size
from wordmask.core.models import Models
from wordmask.core.options import check
from wordmask.core.prompts import Text
from wordmask.core.protocols import Segmenter
from wordmask.core.result import Absent, Result
from wordmask.errors import OptionError, WordmaskError
from wordmask.jobs.digest import plain
from wordmask.jobs.loop import Event
from wordmask.jobs.mapping import MAP_SUFFIXES, MAPS, MapWork, map_format, write_maps
from wordmask.jobs.outputs import Outputs, Products, WorkItem, format_of_file, typed_file
from wordmask.jobs.pictures import PictureSetup
from wordmask.jobs.setup import find_pictures
from wordmask.jobs.tile_progress import TileProgress
from wordmask.media.ledger import digest_of
from wordmask.media.rasters.geo import BandChoice
from wordmask.media.rasters.notes import TileNotes
from wordmask.media.rasters.read import Raster, open_raster
from wordmask.media.rasters.shapes import RasterFacts
from wordmask.ops.tiles import Tile, lay_tiles
from wordmask.tasks.everything import EverythingOptions
from wordmask.tasks.everything import everything as everything_task
from wordmask.tasks.finding.finish import REST
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.segment import SegmentOptions
from wordmask.tasks.segment import segment as segment_task


@dataclass(frozen=True)
class TileOptions:
    """How a raster is cut into tiles, what is seen of it, and how its regions are drawn."""

    tile_side: Annotated[int, Interval(ge=64, le=8192)] = 1024
    """Pixels along a tile's side; smaller ones show small things larger."""
    overlap: Annotated[int, Ge(0)] = 128
    """Pixels that neighbouring tiles share, at most half of a side."""
    bands: str = ""
    """The bands that are looked at: one, or red, green and blue, from 1 ("3,2,1")."""
    cut_percent: Annotated[float, Interval(ge=0, le=49)] = 2.0
    """Of values of more than 8 bits, the share at either end that becomes black or white."""
    crs: str = ""
    """The CRS of a raster that names none, or a wrong one (EPSG:32633)."""
    tolerance: Annotated[float, Interval(ge=0, le=100)] = 0.0
    """Pixels that outlines may be off, with fewer corners; 0 follows the pixels exactly."""

    def __post_init__(self) -> None:
        check(self)
        lay_tiles((1, 1), self.tile_side, self.overlap)  # raises where they do not fit

    @property
    def choice(self) -> BandChoice:
        return BandChoice(self.bands, self.cut_percent, self.crs)


@dataclass(frozen=True, eq=False)
class RasterAnswer:
    """What came of one raster."""

    name: str
    size: Size
    counts: dict[str, int]  # word -> regions; "" for what has no name
    absent: tuple[Absent, ...] = ()
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    tiles: int = 0
    tiles_from_before: int = 0  # that an earlier run had done


@dataclass(frozen=True)
class RasterSetup(PictureSetup):
    """A setup for jobs over rasters."""

    tiling: TileOptions = field(default_factory=TileOptions)


@dataclass(frozen=True, eq=False)
class _TileLook:
    """How one kind of job looks at a tile."""

    command: str
    label: str
    words: tuple[str, ...]
    made_by: tuple[str, ...]
    options: Any
    find: Callable[[Image], Result]
    nested: bool  # regions of one name may lie in each other


def segment_rasters(
    sources: Any,
    words: Sequence[str],
    options: SegmentOptions,
    setup: RasterSetup,
    models: Models | None = None,
) -> Iterator[Event[RasterAnswer]]:
    """Find everything that the words name; an event for each tile, the answer at the end.

    `models` are engines that have been loaded already.
    """
    query = Text(tuple(dict.fromkeys(words or options.prompt or options.vocabulary)))
    models = models or setup.load()

    def find(image: Image) -> Result:
        return segment_task(image, query, models, options, Trace())

    reported = options.prompt or query.names
    if options.panoptic and REST not in reported:
        reported = (*reported, REST)
    nested = options.granularity == "tree"
    made_by = models.made_by
    look = _TileLook("segment tiles", "", reported, made_by, (query.phrases, options), find, nested)
    return _run(sources, look, setup)


def everything_in_rasters(
    sources: Any, options: EverythingOptions, setup: RasterSetup
) -> Iterator[Event[RasterAnswer]]:
    """Find every region, without words."""
    models = setup.load(Segmenter)

    def find(image: Image) -> Result:
        return everything_task(image, models, options, Trace())

    look = _TileLook(
        "everything tiles", ".everything", (), models.made_by, options, find, nested=True
    )
    return _run(sources, look, setup)


def _run(sources: Any, look: _TileLook, setup: RasterSetup) -> Iterator[Event[RasterAnswer]]:
    found = find_pictures(sources)
    file = typed_file(setup.outputs, MAP_SUFFIXES, found)
    if file is not None:
        format_of_file(file, (map_format(file),), setup.outputs.formats_of_maps, ())
    recipe = {"words": look.options, "models": look.made_by, "engine": setup.engine}
    recipe |= {"tiling": setup.tiling, "formats": setup.outputs.format}
    typed = () if file is None else (file,)
    products = Products(look.command, recipe, (), look.label, typed=typed)
    outputs = Outputs(found, products, setup.outputs)
    progress: TileProgress[RasterAnswer] = TileProgress(len(outputs.items))
    for item in outputs.items:
        if outputs.is_done(item):
            yield progress.skip(item.name)
            continue
        try:
            yield from _one(item, look, setup, outputs, file, progress)
        except WordmaskError as error:
            if len(outputs.items) == 1:
                raise
            yield progress.fail(item.name, error)


def _one(
    item: WorkItem,
    look: _TileLook,
    setup: RasterSetup,
    outputs: Outputs,
    file: Path | None,  # the one map, where a name was typed
    progress: TileProgress[RasterAnswer],
) -> Iterator[Event[RasterAnswer]]:
    """All tiles of one raster, then its maps."""
    if item.found.error is not None or item.path is None:
        raise item.found.error or OptionError(
            f"{item.name} is no file; only files are cut into tiles"
        )
    with closing(open_raster(item.path, item.name, setup.tiling.choice)) as raster:
        tiles = lay_tiles(raster.size, setup.tiling.tile_side, setup.tiling.overlap)
        facts = RasterFacts(item.name, raster.size, raster.place, look.words, (), look.made_by)
        names = setup.outputs.formats_of_maps or ("json" if raster.place is None else "gpkg",)
        paths = {name: item.file(MAPS[name].suffix) for name in names}
        if file is not None:
            paths = {map_format(file): file}
        for name in paths:
            MAPS[name].check(facts)
        if file is None:
            outputs.check(item, [MAPS[name].suffix for name in paths])
        notes = TileNotes(_notes_path(item, look, setup))
        yield progress.begin(item.name, len(tiles))
        earlier = sum(tile.index in notes for tile in tiles)
        for tile in tiles:
            if tile.index in notes:
                yield progress.advance(item.name, "skipped")
                continue
            notes.add(tile, *_find(raster, tile, look))
            yield progress.advance(item.name, "made")
        work = MapWork(tiles, notes, facts, look.nested, setup.tiling.tolerance)
        with outputs.making(item):
            counts, absent = write_maps(work, paths)
        said = (*raster.notes, *_nothing_valid(notes, tiles))
    notes.remove()
    answer = RasterAnswer(
        item.name, facts.size, counts, absent, tuple(paths.values()), said, len(tiles), earlier
    )
    yield progress.answer(item.name, answer)


def _find(raster: Raster, tile: Tile, look: _TileLook) -> tuple[Result | None, Any]:
    """What is in a tile, and where it is valid; None where nothing is valid."""
    pixels, valid = raster.read(tile.box)
    if valid is not None:
        if not valid.any():
            return None, valid
        # What is no picture gets the colour of the rest, so that it is nothing of its own.
        pixels[~valid] = pixels[valid].mean(0).round().astype(np.uint8)
    result = look.find(Image(pixels, f"{raster.name} at {tile.box[0]},{tile.box[1]}"))
    ids = [look.words.index(name) if name else -1 for name in result.names]
    return result.replace(vocabulary=look.words, label_ids=ids), valid


def _notes_path(item: WorkItem, look: _TileLook, setup: RasterSetup) -> Path:
    """Another raster, model, or way to look has other notes."""
    status = item.path.stat() if item.path is not None else None
    tiling = setup.tiling
    recipe = {
        "source": item.source,
        "changed": None if status is None else (status.st_size, status.st_mtime_ns),
        "look": (look.command, look.words, look.options, look.made_by, setup.engine),
        "tiles": (tiling.tile_side, tiling.overlap, tiling.bands, tiling.cut_percent),
    }
    run = digest_of(plain(recipe))[:12]
    return item.target.with_name(f".{item.target.name}.{run}.tiles.jsonl")


def _nothing_valid(notes: TileNotes, tiles: Sequence[Tile]) -> tuple[str, ...]:
    if any(notes.read(tile.index).is_valid for tile in tiles):
        return ()
    return ("holds no valid pixel: all of it is nodata",)
