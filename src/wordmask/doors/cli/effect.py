"""`wordmask effect NAME`: one command for each look, its flags made from the look's options."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import typer

from wordmask.core.image import Array
from wordmask.core.result import Result
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.help import group
from wordmask.doors.cli.photos import PhotoOptions, Photos, each
from wordmask.doors.cli.target import Finder, TargetOptions
from wordmask.engines import EngineOptions
from wordmask.files import write_bytes
from wordmask.media.reading.original import Original, encode_original, read_original
from wordmask.media.reading.read import read
from wordmask.tasks.edit import target as checked_target
from wordmask.tasks.effects.edge import sticker_rgba
from wordmask.tasks.effects.table import EFFECTS

effect = group("Looks for what words, clicks or boxes name.")


@dataclass(frozen=True)
class Behind:
    """The picture that an effect may need."""

    picture: str = ""
    """The picture to lay on or behind the object."""


@dataclass(frozen=True)
class Laid(Behind):
    """One that may be transparent."""

    alpha: str = ""
    """A grey picture that says how opaque --picture is, white for wholly; without it --picture's own alpha counts."""


@dataclass(frozen=True)
class NoPicture:
    """For effects that need none."""


def _add(name: str) -> None:
    function, kind = EFFECTS[name]
    known = {item.name for item in fields(kind)}
    pictures = NoPicture if "picture" not in known else Laid if "alpha" in known else Behind

    # `laid` first: it takes --picture, which the effect's own options hold as a picture that was read.
    @with_options(
        target=TargetOptions, laid=pictures, options=kind, engine=EngineOptions, where=PhotoOptions
    )
    def command(
        photos: Photos,
        target: TargetOptions,
        options: Any,
        laid: Any,
        engine: EngineOptions,
        where: PhotoOptions,
    ) -> None:
        settings = with_pictures(options, laid)
        occluders: tuple[str, ...] = getattr(options, "occluders", ())
        wanted = (*target.prompt, *(word for word in occluders if word not in target.prompt))
        finder = Finder(replace(target, prompt=wanted), where.model, engine)

        def work(original: Original, _path: Path, base: Path) -> str:
            result = finder.find(original.seen)
            checked_target(original.seen, result[[name not in occluders for name in result.names]])
            out = base.with_name(base.name + ".png")
            write_bytes(out, encode_original(_seen(name, original, result, settings)))
            return f"{original.seen.name}   {name}\n  -> {out}"

        files = (*target.files, getattr(laid, "picture", ""), getattr(laid, "alpha", ""))
        each(photos, where, work, suffixes=(".png",), inputs=files)

    effect.command(name, help=function.__doc__)(command)


def _seen(name: str, original: Original, result: Result, options: Any) -> Array:
    """The picture with the effect, in the original's depth; a sticker without a ground is transparent around it."""
    if name == "sticker" and not options.ground:
        return sticker_rgba(original.image, result, options)
    function, _ = EFFECTS[name]
    return original.with_edit(function(original.image, result, options))


def with_pictures(options: Any, laid: Any) -> Any:
    """The options with the pictures that were named on the command line, read."""
    if not getattr(laid, "picture", ""):
        return options
    if getattr(laid, "alpha", ""):
        alpha = np.ascontiguousarray(read(laid.alpha).pixels[..., 1])
        return replace(options, picture=read(laid.picture), alpha=alpha)
    if not isinstance(laid, Laid) or laid.picture == "-":
        return replace(options, picture=read(laid.picture))
    original = read_original(laid.picture)
    return replace(options, picture=original.image, alpha=original.alpha)


for _name in EFFECTS:
    _add(_name)
