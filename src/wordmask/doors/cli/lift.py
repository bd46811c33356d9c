"""`wordmask lift`: what words or clicks name, as things in space."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from wordmask.doors.cli.errors import flag
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.lines import absent_list, file_line
from wordmask.doors.cli.photos import numbers
from wordmask.doors.cli.run import Say, follow
from wordmask.doors.cli.segment import Source, split_pictures
from wordmask.doors.cli.target import TargetFlags
from wordmask.engines import EngineOptions
from wordmask.errors import PromptError
from wordmask.jobs import lift as jobs
from wordmask.jobs.loop import Event
from wordmask.jobs.pictures import InputOptions
from wordmask.jobs.spacefiles import to_record
from wordmask.jobs.words import split_words
from wordmask.tasks.lift import Measured
from wordmask.tasks.lifting.options import LiftOptions

Words = Annotated[
    list[str] | None,
    typer.Argument(
        help="What to lift, or @words.txt; leading ones that are files are further pictures."
    ),
]


@dataclass(frozen=True)
class LiftFlags(TargetFlags):
    """What is lifted, and what is known in metres."""

    known: tuple[str, ...] = ()
    """WORD=METRES: the longest side of a thing in the picture; many may be given."""
    depth_at: tuple[str, ...] = ()
    """X,Y,METRES: how far away the thing at a point is; many may be given."""

    def query(self, words: Sequence[str], options: LiftOptions) -> jobs.LiftQuery:
        """The flags and the words as values."""
        target = self.parse()
        prompt = tuple(dict.fromkeys((*split_words(list(words)), *target.prompt)))
        depths = [numbers(text, "depth_at", (3,)) for text in self.depth_at]
        measured = Measured(
            tuple(_parse_size(text) for text in self.known),
            tuple((x, y, metres) for x, y, metres in depths),
        )
        return jobs.LiftQuery(replace(target, prompt=prompt), measured, options)


@dataclass(frozen=True)
class SpaceFlags(InputOptions, jobs.SpaceOutputs):
    """What else the command takes."""

    model: str = "auto"
    """Engines joined by +, the one for depth first: zoedepth+mini; see `wordmask models`."""
    json: bool = False
    """Also one JSON object per picture on stdout."""

    def __post_init__(self) -> None:
        jobs.SpaceOutputs.__post_init__(self)

    def setup(self, engine: EngineOptions) -> jobs.SpaceSetup:
        return jobs.SpaceSetup(self.model, engine, inputs=self, outputs=self)


@with_options(target=LiftFlags, options=LiftOptions, engine=EngineOptions, outputs=SpaceFlags)
def lift(
    picture: Source,
    target: LiftFlags,
    options: LiftOptions,
    engine: EngineOptions,
    outputs: SpaceFlags,
    words: Words = None,
) -> None:
    """Lift what WORDS name into space: meshes, boxes, sizes, a preview, a page to turn them.

    Lengths are metres if the network knows them or something is known; otherwise up to scale.

    wordmask lift room.jpg chair --known door=2 -o chair.ply
    """
    pictures, named = split_pictures(picture, words or [])
    events = jobs.lift(pictures, target.query(named, options), outputs.setup(engine))

    def write(event: Event[jobs.LiftedPicture], answer: jobs.LiftedPicture, say: Say) -> None:
        if outputs.json and answer.scene is not None:
            typer.echo(json.dumps(to_record(answer.scene)))
        say("\n".join(_lines(answer)) + f"{file_line(answer.files)}  {event.seconds:.1f} s")

    follow(events, write, to_stderr=outputs.json).finish()


def _lines(answer: jobs.LiftedPicture) -> Sequence[str]:
    scene = answer.scene
    if scene is None:
        return [answer.name]
    first = f"{answer.name}   {scene.lift.notes[0]}"
    lines = [first, *(f"  {line}" for line in scene.lines if line != scene.lift.notes[0])]
    lines += [f"  {name} was left out: {why}" for name, why in scene.lift.skipped]
    if scene.result.absent:
        lines.append(f"  not here: {absent_list(scene.result.absent)}")
    return [*lines, *(f"  {note}" for note in answer.notes)]


def _parse_size(text: str) -> tuple[str, float]:
    """
    >>> _parse_size("door=2m"), _parse_size("office chair = 1.1")
    (('door', 2.0), ('office chair', 1.1))
    """
    word, sign, size = text.rpartition("=")
    try:
        metres = float(size.strip().removesuffix("m"))
    except ValueError:
        metres = 0.0
    if not (sign and word.strip() and 0 < metres < float("inf")):
        raise PromptError(f"{flag('known')} takes WORD=METRES above 0, as door=2; got {text!r}")
    return word.strip(), metres
