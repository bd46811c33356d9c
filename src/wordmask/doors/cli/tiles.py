"""What `--tiles` adds to a command: flags, and the line that tells what a raster holds."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields

import typer

from wordmask.doors.cli.lines import absent_list, file_line
from wordmask.doors.cli.photos import ResultFlags
from wordmask.doors.cli.run import Say, follow
from wordmask.engines import EngineOptions
from wordmask.jobs.loop import Event
from wordmask.jobs.rasters import RasterAnswer, RasterSetup, TileOptions


@dataclass(frozen=True)
class TileFlags(TileOptions):
    """Cutting into tiles, for pictures and maps of any size."""

    tiles: bool = False
    """Look at the picture in overlapping tiles, whatever its size, and write one map of it; -o
    names a .gpkg, .geojson, .tif, .json or a folder."""

    def setup(self, outputs: ResultFlags, engine: EngineOptions) -> RasterSetup:
        tiling = TileOptions(
            **{item.name: getattr(self, item.name) for item in fields(TileOptions)}
        )
        return RasterSetup(outputs.model, engine, inputs=outputs, outputs=outputs, tiling=tiling)


def show_rasters(events: Iterator[Event[RasterAnswer]], outputs: ResultFlags) -> None:
    """A line for each raster, one of progress meanwhile."""

    def write(_: Event[RasterAnswer], answer: RasterAnswer, say: Say) -> None:
        for note in answer.notes:
            say(f"{answer.name}: {note}")
        if outputs.json:
            typer.echo(json.dumps(_record(answer)))
        say(f"{_line(answer, verbose=outputs.verbose)}{file_line(answer.files)}")

    follow(events, write, "tiles", to_stderr=outputs.json).finish()


def _line(answer: RasterAnswer, *, verbose: bool) -> str:
    """`map.tif   12 roof, 3 road     not here: lake (below .10)`"""
    counts = [f"{count:,} {name or 'regions'}" for name, count in answer.counts.items()]
    line = f"{answer.name}   {', '.join(counts) or 'nothing found'}"
    return (
        f"{line}     not here: {absent_list(answer.absent, verbose=verbose)}"
        if answer.absent
        else line
    )


def _record(answer: RasterAnswer) -> dict[str, object]:
    return {
        "image": answer.name,
        "size": list(answer.size),
        "counts": answer.counts,
        "absent": [word.phrase for word in answer.absent],
        "files": [str(path) for path in answer.files],
        "tiles": answer.tiles,
    }
