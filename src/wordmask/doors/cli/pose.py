"""`wordmask pose`: people in pictures or a video, their joints and the parts of their bodies."""

import json
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import typer

from wordmask.core.prompts import Boxes, Text
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.frames import FrameBar, who_was_there
from wordmask.doors.cli.lines import absent_list, file_line, short
from wordmask.doors.cli.photos import Sources, numbers
from wordmask.doors.cli.run import Say, follow
from wordmask.engines import EngineOptions
from wordmask.jobs import poses as jobs
from wordmask.jobs import posevideo as videos
from wordmask.jobs.loop import Event
from wordmask.jobs.moving import are_videos, check_one_file
from wordmask.jobs.pictures import InputOptions
from wordmask.jobs.words import split_words
from wordmask.media.formats import own
from wordmask.media.formats.records import FormatOptions
from wordmask.tasks.pose import PERSON, People, PoseOptions
from wordmask.tasks.posing.moving import SmoothOptions

LISTED = 8  # people in a line


@dataclass(frozen=True)
class WhoFlags:
    """Whose joints are looked for."""

    word: tuple[str, ...] = (PERSON,)
    """What people are called; many may be given."""
    box: tuple[str, ...] = ()
    """A box "x0,y0,x1,y1" around a person, in place of words; many may be given."""

    def parse(self) -> Text | Boxes:
        """The flags as a prompt."""
        if self.box:
            return Boxes(np.array([numbers(text, "box", (4,)) for text in self.box], np.float32))
        return Text(split_words(self.word))


@dataclass(frozen=True)
class PoseFlags(InputOptions, jobs.PoseOutputs):
    """What else the command takes."""

    model: str = "auto"
    """What finds and cuts people, and their joints if it can: engines joined by +, as in
    mini+vitpose-b; movenet joins where none knows joints."""
    as_video: bool = False
    """Take a folder of pictures as the frames of one video."""
    json: bool = False
    """One JSON object per picture on stdout; files are written only with --output-dir."""
    verbose: bool = False
    """Say what was done: prompts, encoder passes, seconds per stage."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.json and self.output_dir is None:
            object.__setattr__(self, "format", ())

    def setup(self, engine: EngineOptions) -> jobs.PoseSetup:
        return jobs.PoseSetup(self.model, engine, inputs=self, outputs=self)


@with_options(
    who=WhoFlags, options=PoseOptions, smoothing=SmoothOptions, engine=EngineOptions,
    outputs=PoseFlags,
)  # fmt: skip
def pose(
    pictures: Sources,
    who: WhoFlags,
    options: PoseOptions,
    smoothing: SmoothOptions,
    engine: EngineOptions,
    outputs: PoseFlags,
) -> None:
    """Find people's joints, masks and the parts of their bodies, in pictures or a video.

    In a video people are followed, and their joints are smoothed over time.

    wordmask pose holiday.jpg

    wordmask pose dance.mp4 -o out/
    """
    if are_videos(pictures, folders=outputs.as_video):
        check_one_file(pictures, outputs, videos.FILES)
        for video in pictures:
            setup = outputs.setup(engine)
            job = videos.prepare(video, who.parse(), options, setup, smoothing)
            _run_video(job, outputs)
        return
    events = jobs.pose(pictures, who.parse(), options, outputs.setup(engine))

    def write(event: Event[jobs.PoseAnswer], answer: jobs.PoseAnswer, say: Say) -> None:
        for note in answer.notes:
            say(f"{answer.name}: {note}")
        if outputs.json:
            named = jobs.to_named(answer.people, answer.name)
            typer.echo(json.dumps(own.encode(named, FormatOptions())))
        if outputs.verbose or not outputs.json:
            cost = f"\n  {answer.trace.line()}" if outputs.verbose and answer.trace else ""
            line = people_line(answer.name, answer.people, options.joint_threshold)
            say(f"{line}{cost}{file_line(answer.files)}  {event.seconds:.1f} s")

    follow(events, write, to_stderr=outputs.json).finish()


def _run_video(job: videos.PoseVideoJob, outputs: PoseFlags) -> None:
    bar = FrameBar(job.footage.count)
    try:
        with closing(videos.follow(job)) as frames, bar:
            for found in frames:
                bar.advance()
                if outputs.json:
                    typer.echo(videos.line_of(found), nl=False)
    finally:
        if bar.count:
            lines = [f"{job.footage.name}   joints: {bar.count} frames"]
            lines += who_was_there(job.presence)
            files = [path for path in job.files if path.exists()]
            typer.echo("\n".join(lines) + file_line(files), err=outputs.json)


def people_line(name: str, people: People, threshold: float) -> str:
    """`holiday.jpg   2 people: person .91, 17 joints; person .84, 9 joints`"""
    counts = people.poses.is_there(threshold).sum(1).tolist()
    rows = zip(people.result.names, people.result.scores.tolist(), counts, strict=True)
    parts = [f"{who or PERSON} {short(score)}, {_joints(count)}" for who, score, count in rows]
    more = f"; and {len(parts) - LISTED} more" if len(parts) > LISTED else ""
    noun = "person" if len(parts) == 1 else "people"
    line = f"{name}   {len(parts)} {noun}: {'; '.join(parts[:LISTED])}{more}"
    if not parts:
        line = f"{name}   nobody found"
    if people.result.absent:
        line += f"     not here: {absent_list(people.result.absent)}"
    return line


def _joints(count: int) -> str:
    return f"{count} joint{'s' if count != 1 else ''}" if count else "no joints"
