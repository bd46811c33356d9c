"""`wordmask scene`: a drive in, what a driver would want to know of each frame out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from annotated_types import Interval

from wordmask.doors.cli.flags import with_options
from wordmask.engines import EngineOptions
from wordmask.errors import SOME_FAILED, OptionError, WordmaskError
from wordmask.jobs.outputs import check_folder
from wordmask.jobs.scenes import (
    DriveFiles,
    find_drives,
    watch_drive,
    watch_on_ray,
    watch_whole,
)
from wordmask.jobs.setup import Setup
from wordmask.tasks.scene import SceneOptions


@dataclass(frozen=True)
class SceneFlags:
    """What is written of a drive, and where it is looked at."""

    output: Path = Path("scene.jsonl")
    """Where the lines go, one a frame; for a folder of drives a folder."""
    overlay: Path | None = None
    """Also draw a video (.mp4): the free road, the objects, the warnings."""
    model: str = "auto"
    """An engine, or engines joined by +; see `wordmask models`."""
    fps: Annotated[float, Interval(gt=0, le=1000)] | None = None
    """Frames a second, where a folder of frames does not say; default: 25."""
    overwrite: bool = False
    """Replace files that are there already."""
    drives: bool = False
    """VIDEO is a folder of drives, not of frames."""
    ray: bool = False
    """With --drives: each on a worker of a Ray cluster that sees the files by the same paths."""


@with_options(options=SceneOptions, flags=SceneFlags, engine=EngineOptions)
def scene(
    video: Annotated[str, typer.Argument(help="A video, a folder of frames, or of drives.")],
    options: SceneOptions,
    flags: SceneFlags,
    engine: EngineOptions,
) -> None:
    """Watch a drive: who is where and when here, where the road is free, what to beware of.

    wordmask scene drive.mp4 --output scene.jsonl --overlay scene.mp4
    """
    setup = Setup(flags.model, engine)
    if flags.drives:
        if flags.overlay is not None:
            raise OptionError("an overlay is drawn of one drive; leave it out, or give one video")
        _watch_many(Path(video), options, flags, setup)
        return
    if flags.ray:
        raise OptionError("one drive is watched frame after frame; Ray takes a folder of drives")
    files = DriveFiles(flags.output, flags.overlay, flags.overwrite, flags.fps)
    count, told = 0, set[str]()
    for watched in watch_drive(video, files, options, setup):
        count += 1
        for warning in watched.scene.warnings:
            kind = warning.partition(": contact")[0]
            if kind not in told:  # each once, when it is first given
                told.add(kind)
                typer.echo(f"{watched.frame.time_s:7.2f} s   {warning}")
    typer.echo(f"{count} frames\n  -> {flags.output}  {flags.overlay or ''}".rstrip())


def _watch_many(folder: Path, options: SceneOptions, flags: SceneFlags, setup: Setup) -> None:
    """All drives of a folder; one that fails is passed over."""
    names = {path: flags.output / f"{path.stem}.scene.jsonl" for path in find_drives(folder)}
    drives = [
        (path, DriveFiles(lines, None, flags.overwrite, flags.fps)) for path, lines in names.items()
    ]
    try:
        check_folder(flags.output)
    except WordmaskError as error:
        raise error.mended_by("output", "FOLDER") from None
    flags.output.mkdir(parents=True, exist_ok=True)
    if flags.ray:
        done = watch_on_ray(drives, options, setup)
    else:
        done = ((path, watch_whole(str(path), files, options, setup)) for path, files in drives)
    failed = False
    for path, frames in done:
        is_error = isinstance(frames, str)
        failed |= is_error
        typer.echo(f"{path.name}   {frames if is_error else f'{frames} frames'}", err=is_error)
    if failed:
        raise typer.Exit(SOME_FAILED)
