"""`wordmask segment`, `click`, `everything`: pictures in, regions out."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from wordmask.core.prompts import Boxes, Points, Text
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.lines import file_line, region_list, result_line
from wordmask.doors.cli.photos import ResultFlags, Sources, numbers
from wordmask.doors.cli.run import Say, follow
from wordmask.doors.cli.tiles import TileFlags, show_rasters
from wordmask.engines import EngineOptions
from wordmask.jobs import pictures as jobs
from wordmask.jobs.loop import Event
from wordmask.jobs.rasters import everything_in_rasters, segment_rasters
from wordmask.jobs.setup import PictureAnswer
from wordmask.jobs.words import split_words
from wordmask.media import formats
from wordmask.tasks.click import Click, ClickOptions
from wordmask.tasks.everything import EverythingOptions
from wordmask.tasks.segment import SegmentOptions

Source = Annotated[
    str, typer.Argument(help="A picture, a folder, a glob, @list.txt, or - for standard input.")
]
Words = Annotated[
    list[str] | None,
    typer.Argument(help="What to look for, or @words.txt; files before them are pictures."),
]


@dataclass(frozen=True)
class Pointed:
    """What a click says."""

    point: tuple[str, ...] = ()
    """"x,y" for this, "x,y,0" for not this; many may be given."""
    box: str | None = None
    """"x0,y0,x1,y1"."""
    word: tuple[str, ...] = ()
    """Name the candidates among these words."""

    def click(self) -> Click:
        points = [numbers(text, "point", (2, 3)) for text in self.point]
        corners = numbers(self.box, "box", (4,)) if self.box else None
        return Click(
            Points.of(points) if points else None, Boxes(np.array([corners])) if corners else None
        )


@with_options(options=SegmentOptions, engine=EngineOptions, outputs=ResultFlags, tiling=TileFlags)
def segment(
    picture: Source,
    options: SegmentOptions,
    engine: EngineOptions,
    outputs: ResultFlags,
    tiling: TileFlags,
    words: Words = None,
) -> None:
    """Find everything that WORDS name, in one picture or a folder.

    wordmask segment kitchen.jpg cup oven cat
    """
    pictures, named = split_pictures(picture, words or [])
    options = replace(
        options, vocabulary=split_words(options.vocabulary), prompt=split_words(options.prompt)
    )
    if tiling.tiles:
        setup = tiling.setup(outputs, engine)
        show_rasters(segment_rasters(pictures, split_words(named), options, setup), outputs)
        return
    events = jobs.segment(pictures, split_words(named), options, outputs.setup(engine))
    _show(
        events,
        outputs,
        lambda answer: result_line(answer.name, answer.result, verbose=outputs.verbose),
    )


@with_options(pointed=Pointed, options=ClickOptions, engine=EngineOptions, outputs=ResultFlags)
def click(
    pictures: Sources,
    pointed: Pointed,
    options: ClickOptions,
    engine: EngineOptions,
    outputs: ResultFlags,
) -> None:
    """Cut out one thing, pointed at by points or a box.

    The candidates come best first; the overlay shows the best.

    wordmask click cat.jpg -p 120,80 -w cat -w dog
    """
    words = split_words(pointed.word)
    text = Text(words) if words else None
    events = jobs.click(pictures, pointed.click(), text, options, outputs.setup(engine))
    _show(
        events,
        outputs,
        lambda answer: f"{answer.name}   {region_list(answer.result) or 'nothing here'}",
    )


@with_options(
    options=EverythingOptions, engine=EngineOptions, outputs=ResultFlags, tiling=TileFlags
)
def everything(
    pictures: Sources,
    options: EverythingOptions,
    engine: EngineOptions,
    outputs: ResultFlags,
    tiling: TileFlags,
) -> None:
    """Every region of a picture, unasked and unnamed.

    wordmask everything kitchen.jpg
    """
    if tiling.tiles:
        setup = tiling.setup(outputs, engine)
        show_rasters(everything_in_rasters(pictures, options, setup), outputs)
        return
    events = jobs.everything(pictures, options, outputs.setup(engine))
    _show(events, outputs, lambda answer: f"{answer.name}   {_count(len(answer.result))}")


def split_pictures(picture: str, words: list[str]) -> tuple[list[str], list[str]]:
    """Pictures and words: a shell turns *.jpg into many arguments, of which the first are files.

    A folder behind the last file is a word, unless a slash is in its name: a thing may be called
    like one, as in `wordmask segment kitchen.jpg bench`.
    """
    count = next((index for index, word in enumerate(words) if not Path(word).exists()), len(words))
    while count and Path(words[count - 1]).is_dir() and not {"/", os.sep} & set(words[count - 1]):
        count -= 1
    return [picture, *words[:count]], words[count:]


def _show(
    events: Iterator[Event[PictureAnswer]],
    outputs: ResultFlags,
    line: Callable[[PictureAnswer], str],
) -> None:
    def write(event: Event[PictureAnswer], answer: PictureAnswer, say: Say) -> None:
        for note in answer.notes:
            say(f"{answer.name}: {note}")
        if outputs.json:
            image = answer.result.image
            typer.echo(json.dumps(formats.to_json(answer.result, image.name if image else "")))
        if outputs.verbose or not outputs.json:
            cost = f"\n  {answer.trace.line()}" if outputs.verbose and answer.trace else ""
            say(f"{line(answer)}{cost}{file_line(answer.files)}  {event.seconds:.1f} s")

    follow(events, write, to_stderr=outputs.json).finish()


def _count(regions: int) -> str:
    return f"{regions} region{'s' if regions != 1 else ''}"
