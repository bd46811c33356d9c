"""`wordmask edit`: segment, remove, replace, style, replay."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from wordmask.doors.cli.effect import effect
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.frames import run_moving
from wordmask.doors.cli.help import group
from wordmask.doors.cli.lines import edit_line, file_line
from wordmask.doors.cli.photos import ChangeOptions, EditOutputOptions, Photos
from wordmask.doors.cli.run import Say, follow
from wordmask.doors.cli.target import TargetFlags
from wordmask.engines import EngineOptions
from wordmask.jobs import edits as jobs
from wordmask.jobs import moving
from wordmask.jobs.loop import Event
from wordmask.jobs.outputs import OutputOptions
from wordmask.jobs.recipe import PaintOptions
from wordmask.jobs.setup import LimitOptions, PictureAnswer, Setup
from wordmask.tasks.edit import EditOptions, Style

__all__ = ["edit", "effect"]

edit = group("Change what words, clicks or boxes name.")


@dataclass(frozen=True)
class EditFlags(ChangeOptions):
    """Pictures, and what shall come of them."""

    edit_prompt: str = ""
    """What shall be there, or how it shall look, in words; for diffusion."""


@dataclass(frozen=True)
class StyleFlags(EditFlags):
    """A style by words, or one of those that need no model."""

    style: Style | Literal[""] = ""
    """Offline: colours (those of --reference), posterise or sketch."""
    reference: str = ""
    """The picture whose colours the target takes."""


@edit.command("segment")
@with_options(target=TargetFlags, engine=EngineOptions, where=EditOutputOptions)
def segment(
    photos: Photos, target: TargetFlags, engine: EngineOptions, where: EditOutputOptions
) -> None:
    """Show what an edit would change: the overlay, the mask, and the result for --result."""
    events = jobs.show_target(photos, target.parse(), where.setup(engine))

    def write(event: Event[PictureAnswer], answer: PictureAnswer, say: Say) -> None:
        _say(event, answer, "found", say)

    follow(events, write).finish()


def _add(verb: Literal["remove", "replace", "style"], help: str) -> None:
    flags = StyleFlags if verb == "style" else EditFlags

    @with_options(
        target=TargetFlags, flags=flags, paint=PaintOptions, options=EditOptions,
        engine=EngineOptions,
    )  # fmt: skip
    def command(
        photos: Photos,
        target: TargetFlags,
        flags: Any,
        paint: PaintOptions,
        options: EditOptions,
        engine: EngineOptions,
    ) -> None:
        style: Any = getattr(flags, "style", "")
        reference = getattr(flags, "reference", "")
        order = jobs.Edit(verb, flags.edit_prompt, style, reference, paint, options)
        if moving.are_videos(photos, folders=flags.as_video):
            moving.check_one_file(photos, flags.setup(engine).outputs)
            for video in photos:
                made = moving.edit_on(video, target.parse(), order, flags.setup(engine))
                run_moving(made, verb)
            return
        events = jobs.edit(photos, target.parse(), order, flags.setup(engine))

        def write(event: Event[PictureAnswer], answer: PictureAnswer, say: Say) -> None:
            _say(event, answer, verb, say)

        follow(events, write).finish()

    edit.command(verb, help=help)(command)


_add(
    "remove",
    "Take the target out and fill in what may be behind it.\n\n"
    "wordmask edit remove room.jpg --prompt cat --prompt dog --fill classical --output-dir out\n\n"
    "wordmask edit remove street.mp4 --prompt car -o clean.mp4",
)
_add(
    "replace",
    "Paint what --edit-prompt says in place of the target.\n\n"
    'wordmask edit replace room.jpg --prompt chair --edit-prompt "a red armchair" '
    "--use-inpainting",
)
_add(
    "style",
    "Restyle the target only, keeping its structure: offline by --style, or by words with "
    "--use-inpainting.\n\n"
    "wordmask edit style cat.jpg --prompt cat --style sketch",
)


@dataclass(frozen=True)
class ReplayFlags(LimitOptions, OutputOptions):
    """How recipes are made again."""

    picture: Path | None = None
    """The picture, where it no longer lies where the recipe says."""
    output_dir: Path = Path("edited")
    """Where the files go; they are named after the recipe."""


@edit.command("replay")
@with_options(engine=EngineOptions, flags=ReplayFlags)
def replay(
    recipes: Annotated[
        list[str], typer.Argument(help="NAME.recipe.json files that `wordmask edit` wrote.")
    ],
    engine: EngineOptions,
    flags: ReplayFlags,
) -> None:
    """Make an edit again from its recipe, without looking for anything.

    It says whether the same bytes came of it.
    """
    setup = Setup(engine=engine, inputs=flags, outputs=flags)

    def write(event: Event[jobs.Replayed], answer: jobs.Replayed, say: Say) -> None:
        _say(event, answer, answer.verb, say)
        other = "OTHER bytes than the recipe tells (another machine?)"
        say(f"  {'the same bytes' if answer.is_same else other}")

    follow(jobs.replay(recipes, setup, flags.picture), write, "recipes").finish()


def _say(event: Event[Any], answer: PictureAnswer, verb: str, say: Say) -> None:
    line = edit_line(answer.name, verb, answer.result)
    say(f"{line}{file_line(answer.files)}  {event.seconds:.1f} s")
