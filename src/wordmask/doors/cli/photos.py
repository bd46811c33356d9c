"""What the commands over pictures share: flags, and the numbers in them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from wordmask.doors.cli.errors import flag
from wordmask.engines import EngineOptions
from wordmask.errors import PromptError
from wordmask.jobs.outputs import OutputOptions
from wordmask.jobs.pictures import InputOptions, PictureSetup, ResultOptions
from wordmask.jobs.setup import LimitOptions, Setup

Photos = Annotated[list[str], typer.Argument(help="Pictures, folders or globs.")]
Sources = Annotated[
    list[str], typer.Argument(help="Pictures, folders, globs, @list.txt, or - for standard input.")
]


@dataclass(frozen=True)
class ResultFlags(InputOptions, ResultOptions):
    """What the commands that write results share."""

    model: str = "auto"
    """An engine, or engines joined by +; see `wordmask models`."""
    json: bool = False
    """JSON lines on stdout; files are written only with --output-dir."""
    verbose: bool = False
    """Say what was done: every word's score, prompts, encoder passes, seconds per stage."""

    def __post_init__(self) -> None:
        ResultOptions.__post_init__(self)
        if self.json and self.output_dir is None:
            object.__setattr__(self, "format", ())

    def setup(self, engine: EngineOptions) -> PictureSetup:
        return PictureSetup(self.model, engine, inputs=self, outputs=self)


@dataclass(frozen=True)
class EditOutputOptions(LimitOptions, OutputOptions):
    """What the commands that change pictures share."""

    model: str = "auto"
    """What finds the target: an engine, or engines joined by +; see `wordmask models`."""
    output_dir: Path = Path("edited")
    """Where the files go; they are named after the picture. Of an effect (.png) or a video (.mp4)
    also its name."""

    def setup(self, engine: EngineOptions) -> Setup:
        return Setup(self.model, engine, inputs=self, outputs=self)


@dataclass(frozen=True)
class ChangeOptions(EditOutputOptions):
    """The same for commands that change videos, too."""

    as_video: bool = False
    """Take a folder of pictures as the frames of one video."""


def numbers(text: str, option: str, counts: tuple[int, ...]) -> list[float]:
    """The numbers in a flag's text, of which there must be as many as one of `counts`.

    >>> numbers("3,4.5", "point", (2, 3))
    [3.0, 4.5]
    """
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in counts:
        wanted = " or ".join(map(str, counts))
        raise PromptError(f"{flag(option)} takes {wanted} numbers joined by commas, got {text!r}")
    return values
