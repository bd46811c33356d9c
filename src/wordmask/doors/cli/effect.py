"""`wordmask effect NAME`: one command for each look, its flags made from the look's options."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import typer

from wordmask.core.image import Array
from wordmask.core.result import Result
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.photos import PhotoOptions, Photos, each
from wordmask.doors.cli.target import Finder, TargetOptions
from wordmask.engines import EngineOptions
from wordmask.media.original import Original, encode_original
from wordmask.media.read import read
from wordmask.media.writers import write_bytes
from wordmask.tasks.backdrop import sticker_rgba
from wordmask.tasks.edit import target as checked_target
from wordmask.tasks.effects import EFFECTS

effect = typer.Typer(no_args_is_help=True, help="Looks for what words, clicks or boxes name.")


@dataclass(frozen=True)
class Laid:
    """Pictures that an effect needs."""

    picture: str = ""
    """The picture to lay on or behind the object."""
    alpha: str = ""
    """A grey picture that says how opaque --picture is, white for wholly."""


@dataclass(frozen=True)
class NoPicture:
    """For effects that need none."""


def _add(name: str) -> None:
    function, kind = EFFECTS[name]
    pictures = Laid if "picture" in {item.name for item in fields(kind)} else NoPicture

    # `laid` first: it takes --picture, which the effect's own options hold as a picture that was read.
    @with_options(target=TargetOptions, laid=pictures, options=kind, engine=EngineOptions, where=PhotoOptions)
    def command(
        photos: Photos, target: TargetOptions, options: Any, laid: Any, engine: EngineOptions, where: PhotoOptions
    ) -> None:
        settings = with_pictures(options, laid)
        finder = Finder(target, where.model, engine)

        def work(original: Original, _path: Path, base: Path) -> str:
            result = finder.find(original.seen)
            checked_target(original.seen, result)
            out = base.with_name(base.name + ".png")
            write_bytes(out, encode_original(_seen(name, original, result, settings)))
            return f"{original.seen.name}   {name}\n  -> {out}"

        each(photos, where, work)

    effect.command(name, help=function.__doc__)(command)


def _seen(name: str, original: Original, result: Result, options: Any) -> Array:
    """The picture with the effect, in the original's depth; a sticker is transparent where a picture cannot be."""
    if name == "sticker":
        return sticker_rgba(original.image, result, options)
    function, _ = EFFECTS[name]
    return original.with_edit(function(original.image, result, options))


def with_pictures(options: Any, laid: Any) -> Any:
    """The options with the pictures that were named on the command line, read."""
    changes: dict[str, Any] = {}
    if getattr(laid, "picture", ""):
        changes["picture"] = read(laid.picture)
    if getattr(laid, "alpha", "") and "alpha" in {item.name for item in fields(options)}:
        changes["alpha"] = np.ascontiguousarray(read(laid.alpha).pixels[..., 1])
    return replace(options, **changes)


for _name in EFFECTS:
    _add(_name)
