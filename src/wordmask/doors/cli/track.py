"""`wordmask track`: a video in, the same objects in every frame out."""

import json
import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from wordmask.core.prompts import Boxes, Points, Text
from wordmask.doors.cli.errors import flag
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.frames import FrameBar, who_was_there
from wordmask.doors.cli.lines import file_line
from wordmask.doors.cli.photos import numbers
from wordmask.engines import EngineOptions
from wordmask.errors import PromptError
from wordmask.jobs import videos as jobs
from wordmask.jobs.presence import Presence
from wordmask.jobs.words import split_words
from wordmask.media import formats
from wordmask.media.formats.davis import read_objects
from wordmask.tasks.track import FramePrompt, Query, TrackOptions

PLACE = re.compile(r"(\d+)(?:@(\d+))?:(.+)")

Video = Annotated[
    str,
    typer.Argument(help="A video, a folder of frames, a live camera:0, or - (stdin)."),
]
Words = Annotated[
    list[str] | None, typer.Argument(help="What to follow, or @words.txt; none if it is shown.")
]


@dataclass(frozen=True)
class ShownFlags:
    """What a person shows in a frame."""

    click: tuple[str, ...] = ()
    """FRAME:x,y on a thing, FRAME:x,y,0 beside it, FRAME@ID:x,y for object ID. Without an ID each
    is a new object, and one beside belongs to the click before it."""
    box: tuple[str, ...] = ()
    """FRAME:x0,y0,x1,y1 or FRAME@ID:x0,y0,x1,y1 around a thing."""
    mask: tuple[str, ...] = ()
    """FRAME:PICTURE.png, whose pixels are the ids of objects; FRAME@ID:PICTURE.png for one."""

    def parse(self) -> tuple[FramePrompt, ...]:
        """The flags as values; objects without an ID are numbered as they come."""
        masks = [prompt for text in self.mask for prompt in _masks(text)]
        clicks = [_FrameText.of(text, "click") for text in self.click]
        boxes = [_FrameText.of(text, "box") for text in self.box]
        taken = {prompt.id for prompt in masks} | {place.id for place in (*clicks, *boxes)}
        free = (number for number in range(1, 1 << 31) if number not in taken)
        shown = []
        last: int | None = None
        for place in clicks:
            values = numbers(place.text, "click", (2, 3))
            is_beside = len(values) == 3 and not values[2]
            id = place.id if place.id is not None else last if is_beside else next(free)
            if id is None:
                raise PromptError(
                    f"{flag('click')} {place.frame}:{place.text} says what is not meant before "
                    "anything is; click on a thing first, or name its ID"
                )
            shown.append(FramePrompt(place.frame, points=Points.of([values]), id=id))
            last = id
        for place in boxes:
            box = Boxes(np.array([numbers(place.text, "box", (4,))], np.float32))
            id = place.id if place.id is not None else next(free)
            shown.append(FramePrompt(place.frame, box=box, id=id))
        return (*masks, *shown)


@dataclass(frozen=True)
class TrackFlags(jobs.VideoOutputs):
    """What else the command takes."""

    model: str = "auto"
    """An engine, or engines joined by +; see `wordmask models`."""
    web: bool = False
    """VIDEO may be an address: rtsp://..., http://..., also of your own network."""
    json: bool = False
    """Also one JSON object per frame on stdout, as it is made."""

    def setup(self, engine: EngineOptions) -> jobs.VideoSetup:
        return jobs.VideoSetup(self.model, engine, outputs=self, web=self.web)


@with_options(shown=ShownFlags, options=TrackOptions, engine=EngineOptions, outputs=TrackFlags)
def track(
    video: Video,
    shown: ShownFlags,
    options: TrackOptions,
    engine: EngineOptions,
    outputs: TrackFlags,
    words: Words = None,
) -> None:
    """Follow what WORDS name, or what is shown, through a video.

    wordmask track street.mp4 car "person in red" -o out/
    """
    named = split_words(words or [])
    query = Query(Text(named) if named else None, shown.parse())
    job = jobs.prepare(video, query, options, outputs.setup(engine))
    presence = Presence(query.text.names if query.text else ())
    try:
        _run(job, presence, outputs)
    finally:
        if presence.frames:
            _tell(job, presence, to_stderr=outputs.json)


def _run(job: jobs.TrackJob, presence: Presence, outputs: TrackFlags) -> None:
    with closing(jobs.follow(job)) as answers, FrameBar(job.footage.count) as bar:
        for answer in answers:
            bar.advance()
            if answer.result is None:
                continue
            presence.add(answer.result)
            if outputs.json:
                value = formats.to_json(answer.result, answer.frame.image.name)
                typer.echo(json.dumps(value | {"frame": answer.frame.index}))


def _tell(job: jobs.TrackJob, presence: Presence, *, to_stderr: bool) -> None:
    """Who was there when, who was not, and the files."""
    live = job.footage.live
    dropped = f", {live.dropped} dropped because they came too fast" if live is not None else ""
    lines = [f"{job.footage.name}   {presence.frames} frames{dropped}"]
    lines += who_was_there(presence)
    files = [path for path in job.files if path.exists()]
    typer.echo("\n".join(lines) + file_line(files), err=to_stderr)


class _FrameText(NamedTuple):
    """FRAME:text or FRAME@ID:text, taken apart."""

    frame: int
    id: int | None
    text: str

    @classmethod
    def of(cls, text: str, option: str) -> "_FrameText":
        found = PLACE.fullmatch(text)
        if found is None:
            raise PromptError(f"{flag(option)} takes FRAME:..., or FRAME@ID:..., got {text!r}")
        return cls(int(found[1]), int(found[2]) if found[2] else None, found[3])


def _masks(text: str) -> list[FramePrompt]:
    """The objects of a picture of ids."""
    place = _FrameText.of(text, "mask")
    objects = read_objects(Path(place.text))
    if place.id is None:
        return [FramePrompt(place.frame, mask=mask, id=id) for id, mask in objects.items()]
    union = np.logical_or.reduce(list(objects.values()))
    return [FramePrompt(place.frame, mask=union, id=place.id)]
