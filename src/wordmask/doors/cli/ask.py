"""`wordmask ask`: questions about a picture in, answers out."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from wordmask.core.answer import Answer
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.lines import file_line, region_list, short
from wordmask.doors.cli.run import Say, follow
from wordmask.engines import EngineOptions
from wordmask.jobs.asks import AnsweredPicture, AskSetup, answer_record, ask_pictures
from wordmask.jobs.loop import Event
from wordmask.jobs.outputs import OutputOptions
from wordmask.jobs.pictures import InputOptions
from wordmask.tasks.ask import AskOptions


@dataclass(frozen=True)
class AskFlags(InputOptions, OutputOptions):
    """What is read, and how the answers are shown."""

    output_dir: Path | None = None
    """Draw what an answer rests on: a picture's name (why.png) for one question, else a folder."""
    model: str = "auto"
    """An engine, or engines joined by +; one that answers questions: mini+blip-vqa."""
    json: bool = False
    """One JSON object per answer on stdout, with the regions that it rests on."""

    def __post_init__(self) -> None:
        OutputOptions.__post_init__(self)

    def setup(self, engine: EngineOptions) -> AskSetup:
        return AskSetup(self.model, engine, inputs=self, outputs=self)


@with_options(options=AskOptions, flags=AskFlags, engine=EngineOptions)
def ask(
    picture: Annotated[str, typer.Argument(help="A picture, a folder, a glob, or @list.txt.")],
    questions: Annotated[list[str], typer.Argument(help="Each in quotes, in plain English.")],
    options: AskOptions,
    flags: AskFlags,
    engine: EngineOptions,
) -> None:
    """Answer questions about a picture, with what the answer rests on; or say "unknown".

    wordmask ask kitchen.jpg "how many cups are on the table?" -o why.png
    """

    def write(event: Event[AnsweredPicture], answered: AnsweredPicture, say: Say) -> None:
        for note in answered.notes:
            say(f"{answered.name}: {note}")
        if flags.json:
            for answer in answered.answers:
                typer.echo(json.dumps(answer_record(answer, answered.image.name)))
            return
        for answer in answered.answers:
            say(answer_line(answered.name, answer))
        say(f"{file_line(answered.files)}  {event.seconds:.1f} s".removeprefix("\n"))

    events = ask_pictures(picture, questions, options, flags.setup(engine))
    follow(events, write, to_stderr=flags.json).finish()


def answer_line(name: str, answer: Answer) -> str:
    """The question, the answer, and below it why."""
    score = f"  {short(answer.score)}" if answer.is_known else ""
    lines = [f"{name}   {answer.question}  {answer.text}{score}   ({answer.how})"]
    if answer.reason:
        lines.append(answer.reason)
    if len(answer.evidence):
        lines.append(f"rests on {region_list(answer.evidence)}")
    if not answer.is_known and answer.looked_for:
        lines.append(f"looked for {', '.join(answer.looked_for)}")
    return "\n  ".join(lines)
