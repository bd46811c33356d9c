"""`wordmask effect NAME`: one command for each look, its flags made from the look's options."""

from dataclasses import dataclass, fields
from typing import Any

from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.frames import run_moving
from wordmask.doors.cli.help import group
from wordmask.doors.cli.lines import file_line
from wordmask.doors.cli.photos import ChangeOptions, Photos
from wordmask.doors.cli.run import Say, follow
from wordmask.doors.cli.target import TargetFlags
from wordmask.engines import EngineOptions
from wordmask.jobs import effects as jobs
from wordmask.jobs import moving
from wordmask.jobs.loop import Event
from wordmask.jobs.setup import PictureAnswer
from wordmask.tasks.effects.table import EFFECTS

effect = group("Looks for what words, clicks or boxes name.")


@dataclass(frozen=True)
class NoPicture:
    """For effects that need none."""


@dataclass(frozen=True)
class LayerFlags:
    """The picture that an effect may need."""

    picture: str = ""
    """The picture to lay on or behind the object."""


@dataclass(frozen=True)
class ClearLayerFlags(LayerFlags):
    """One that may be transparent."""

    alpha: str = ""
    """A grey picture that says how opaque --picture is, white for wholly; without it --picture's
    own alpha counts."""


def _add(name: str) -> None:
    function, kind = EFFECTS[name]
    known = {item.name for item in fields(kind)}
    pictures: type = NoPicture
    if "picture" in known:
        pictures = ClearLayerFlags if "alpha" in known else LayerFlags

    # `laid` first: it takes --picture, which the effect's own options hold as a picture.
    @with_options(
        target=TargetFlags, laid=pictures, options=kind, engine=EngineOptions,
        where=ChangeOptions,
    )  # fmt: skip
    def command(
        photos: Photos,
        target: TargetFlags,
        options: Any,
        laid: Any,
        engine: EngineOptions,
        where: ChangeOptions,
    ) -> None:
        if getattr(laid, "picture", ""):
            options = jobs.with_picture(options, laid.picture, getattr(laid, "alpha", ""))
        if moving.are_videos(photos, folders=where.as_video):
            moving.check_one_file(photos, where.setup(engine).outputs)
            for video in photos:
                made = moving.effect_on(video, name, options, target.parse(), where.setup(engine))
                run_moving(made, name)
            return
        events = jobs.effect(photos, name, options, target.parse(), where.setup(engine))

        def write(event: Event[PictureAnswer], answer: PictureAnswer, say: Say) -> None:
            files = file_line(answer.files)
            say(f"{answer.name}   {name}{files}  {event.seconds:.1f} s")

        follow(events, write).finish()

    effect.command(name, help=function.__doc__)(command)


for _name in EFFECTS:
    _add(_name)
