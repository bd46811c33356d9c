"""`wordmask segment`, `click`, `everything`: pictures in, masks out."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.prompts import Boxes, Points, Text
from wordmask.core.protocols import Segmenter
from wordmask.core.result import Result
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.run import Made, Outputs, Plan, recipe, run, written
from wordmask.doors.cli.words import listed
from wordmask.engines import EngineOptions
from wordmask.errors import PromptError
from wordmask.tasks.click import Click, ClickOptions, click_view
from wordmask.tasks.everything import EverythingOptions
from wordmask.tasks.everything import everything as everything_task
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import SegmentOptions
from wordmask.tasks.segment import segment as segment_task

Source = Annotated[
    str, typer.Argument(help="A picture, a folder, a glob, @list.txt, or - for standard input.")
]
Sources = Annotated[
    list[str], typer.Argument(help="Pictures, folders, globs, @list.txt, or - for standard input.")
]
Words = Annotated[
    list[str] | None,
    typer.Argument(
        help="What to look for, or @words.txt; leading ones that are files are further pictures."
    ),
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
        points = [_numbers(text, "--point", (2, 3)) for text in self.point]
        corners = _numbers(self.box, "--box", (4,)) if self.box else None
        return Click(
            Points.of(points) if points else None, Boxes(np.array([corners])) if corners else None
        )


@with_options(options=SegmentOptions, engine=EngineOptions, outputs=Outputs)
def segment(
    picture: Source,
    options: SegmentOptions,
    engine: EngineOptions,
    outputs: Outputs,
    words: Words = None,
) -> None:
    """Find everything that WORDS name, in one picture or a folder.

    wordmask segment kitchen.jpg cup oven cat
    """
    pictures, asked = _parted(picture, words or [])
    # A comma parts words everywhere on the command line; `--vocabulary wall,sky` as one word would be of no use.
    options = replace(options, vocabulary=listed(options.vocabulary), prompt=listed(options.prompt))
    text = _words(asked, options)
    models = engines.load(outputs.model, options=engine)

    def work(image: Image, target: Path) -> Made:
        trace = Trace()
        result = segment_task(image, text, models, options, trace)
        told = _found_line(image, result) + _cost(trace, outputs)
        return written(result.with_image(image), target, outputs, told)

    run(
        Plan(pictures, outputs, recipe("segment", text.phrases, models.made_by, options, engine)),
        work,
    )


@with_options(pointed=Pointed, options=ClickOptions, engine=EngineOptions, outputs=Outputs)
def click(
    pictures: Sources,
    pointed: Pointed,
    options: ClickOptions,
    engine: EngineOptions,
    outputs: Outputs,
) -> None:
    """Cut out one thing, pointed at by points or a box: candidates, best first; the overlay shows the best.

    wordmask click cat.jpg -p 120,80 -w cat -w dog
    """
    asked = pointed.click()
    pointed = replace(
        pointed, word=listed(pointed.word)
    )  # a file's words belong to what a batch is known by
    words = Text(pointed.word) if pointed.word else None
    models = engines.load(outputs.model, need=(Segmenter,), options=engine)

    def work(image: Image, target: Path) -> Made:
        view = View(image, models, Trace(how="click"))
        result = click_view(view, asked, words, options)[0].with_image(image)
        told = f"{image.name}   {_listed(result) or 'nothing here'}" + _cost(view.trace, outputs)
        return written(result, target, outputs, told, drawn=result[:1])

    run(Plan(pictures, outputs, recipe("click", pointed, models.made_by, options, engine)), work)


@with_options(options=EverythingOptions, engine=EngineOptions, outputs=Outputs)
def everything(
    pictures: Sources, options: EverythingOptions, engine: EngineOptions, outputs: Outputs
) -> None:
    """Every region of a picture, unasked and unnamed.

    wordmask everything kitchen.jpg
    """
    models = engines.load(outputs.model, need=(Segmenter,), options=engine)

    def work(image: Image, target: Path) -> Made:
        trace = Trace()
        result = everything_task(image, models, options, trace)
        count = len(result)
        told = f"{image.name}   {count} region{'s' if count != 1 else ''}" + _cost(trace, outputs)
        return written(result.with_image(image), target, outputs, told)

    run(Plan(pictures, outputs, recipe("everything", models.made_by, options, engine)), work)


def _parted(picture: str, words: list[str]) -> tuple[list[str], list[str]]:
    """A shell turns *.jpg into many arguments: the leading ones that are files are pictures, the rest are words."""
    count = next((index for index, word in enumerate(words) if not Path(word).exists()), len(words))
    return [picture, *words[:count]], words[count:]


def _words(words: list[str] | None, options: SegmentOptions) -> Text:
    """The words asked for; with only --prompt or --vocabulary, those."""
    asked = listed(words or ()) or options.prompt or options.vocabulary
    if not asked:
        raise PromptError(
            "the word list is empty; name at least one thing to look for: wordmask segment PICTURE WORD ..."
        )
    return Text(tuple(dict.fromkeys(asked)))


def _cost(trace: Trace, outputs: Outputs) -> str:
    """What -v adds."""
    return f"\n  {trace.line()}" if outputs.verbose else ""


def _found_line(image: Image, result: Result) -> str:
    """`kitchen.jpg   cup .91  cup .84     not here: cat (best .12, would need .35)`"""
    told = _listed(result) or "nothing found"
    if not result.absent:
        return f"{image.name}   {told}"
    missed = sorted(result.absent, key=lambda word: -word.best)
    names = ", ".join(
        f"{word.phrase} (best {_short(word.best)}, would need {_short(word.needed)})"
        for word in missed[:8]
    )
    return f"{image.name}   {told}     not here: {names}{' ...' if len(missed) > 8 else ''}"


def _listed(result: Result, most: int = 12) -> str:
    rows = [
        f"{name or 'region'} {_short(score)}"
        for name, score in zip(result.names, result.scores.tolist(), strict=True)
    ]
    return "  ".join(rows[:most]) + (f"  and {len(rows) - most} more" if len(rows) > most else "")


def _short(score: float) -> str:
    """`.91`; what is little but not nothing is `<.01`.

    >>> _short(0.914), _short(0.004), _short(0.0)
    ('.91', '<.01', '.00')
    """
    return "<.01" if 0 < score < 0.005 else f"{score:.2f}".removeprefix("0")


def _numbers(text: str, flag: str, counts: tuple[int, ...]) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in counts:
        raise PromptError(
            f"{flag} takes {' or '.join(map(str, counts))} numbers parted by commas, got {text!r}"
        )
    return values
