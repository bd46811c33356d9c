"""`wordmask edit`: segment, remove, replace, style, replay. Three files come of each picture, or none."""

import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.protocols import Inpainter, PaintSettings
from wordmask.core.result import Result
from wordmask.doors.cli.effect import effect
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.help import group
from wordmask.doors.cli.photos import PhotoOptions, Photos, each, spare
from wordmask.doors.cli.target import Finder, TargetOptions
from wordmask.engines import EngineOptions
from wordmask.errors import FormatError, ImageError, OptionError, WeightsError
from wordmask.files import atomic
from wordmask.jobs.recipe import PaintOptions, Recipe
from wordmask.media import formats
from wordmask.media.drawing import render
from wordmask.media.reading.limits import Limits, amount
from wordmask.media.reading.original import Original, encode_original, read_original
from wordmask.media.reading.read import read
from wordmask.media.writing import encode_picture
from wordmask.tasks import edit as task
from wordmask.tasks.edit import Edited, EditOptions
from wordmask.version import __version__

__all__ = ["edit", "effect"]

SUFFIXES = (".json", ".mask.png", ".png")

edit = group("Change what words, clicks or boxes name.")


@dataclass(frozen=True)
class AskOptions(PhotoOptions):
    """Pictures, and what shall come of them."""

    edit_prompt: str = ""
    """What shall be there, or how it shall look, in words; for diffusion."""


@dataclass(frozen=True)
class StyleOptions(AskOptions):
    """A style by words, or one of those that need no model."""

    style: str = ""
    """Offline: colours (those of --reference), posterise or sketch."""
    reference: str = ""
    """The picture whose colours the target takes."""


@dataclass(frozen=True)
class Order:
    """What is asked of every picture."""

    verb: str
    words: str
    style: str
    reference: str
    paint: PaintOptions
    edit: EditOptions
    engine: EngineOptions


@edit.command("segment")
@with_options(target=TargetOptions, engine=EngineOptions, where=PhotoOptions)
def segment(
    photos: Photos, target: TargetOptions, engine: EngineOptions, where: PhotoOptions
) -> None:
    """Show what an edit would change: the overlay, the mask, and the result for --result."""
    finder = Finder(target, where.model, engine)

    def work(original: Original, _path: Path, base: Path) -> str:
        result = finder.find(original.seen)
        mask = task.target(original.seen, result)
        shown = np.asarray(render.show(result.with_image(original.seen)).convert("RGB"))
        saved = json.dumps(formats.to_json(result, original.seen.name)) + "\n"
        return _written(
            base, encode_picture(shown), mask, saved, _told(original.seen, "found", result)
        )

    each(photos, where, work, suffixes=SUFFIXES, inputs=target.files)


def _add(verb: str, help: str) -> None:
    asks = StyleOptions if verb == "style" else AskOptions

    @with_options(
        target=TargetOptions, ask=asks, paint=PaintOptions, edit=EditOptions, engine=EngineOptions
    )
    def command(
        photos: Photos,
        target: TargetOptions,
        ask: Any,
        paint: PaintOptions,
        edit: EditOptions,
        engine: EngineOptions,
    ) -> None:
        style, reference = getattr(ask, "style", ""), getattr(ask, "reference", "")
        if verb == "style" and bool(style) == paint.diffuses:
            raise OptionError(
                "give either --style colours, posterise or sketch, or --use-inpainting --edit-prompt ..."
            )
        kept = str(Path(reference).resolve()) if reference else ""
        order = Order(verb, ask.edit_prompt, style, kept, _placed(paint), edit, engine)
        _edit(photos, ask, Finder(target, ask.model, engine), order)

    edit.command(verb, help=help)(command)


_add(
    "remove",
    "Take the target out and fill in what may be behind it.\n\n"
    "wordmask edit remove room.jpg --prompt cat --prompt dog --fill classical --output-dir out",
)
_add(
    "replace",
    "Paint what --edit-prompt says in place of the target.\n\n"
    'wordmask edit replace room.jpg --prompt chair --edit-prompt "a red armchair" --use-inpainting',
)
_add(
    "style",
    "Restyle the target only, keeping its structure: offline by --style, or by words with --use-inpainting.\n\n"
    "wordmask edit style cat.jpg --prompt cat --style sketch",
)


@dataclass(frozen=True)
class ReplayOptions:
    """How recipes are made again."""

    picture: str = ""
    """The picture, where it no longer lies where the recipe says."""
    output_dir: Path = Path("edited")
    """Where the files go; they are named after the recipe."""
    max_pixels: str = "50MP"
    """Larger pictures are refused (50MP, 3GP)."""


@edit.command("replay")
@with_options(engine=EngineOptions, options=ReplayOptions)
def replay(
    recipes: Annotated[
        list[Path], typer.Argument(help="NAME.json files that `wordmask edit` wrote.")
    ],
    engine: EngineOptions,
    options: ReplayOptions,
) -> None:
    """Make an edit again from its recipe, without looking for anything; says whether the same bytes came of it."""
    for path in recipes:
        recipe = _read_recipe(path)
        source = Path(options.picture or path.parent / recipe.picture).resolve()
        original = read_original(source, Limits(max_pixels=amount(options.max_pixels)))
        if original.image.digest != recipe.digest:
            raise ImageError(
                f"{source} is not the picture that {path} was made from: its pixels differ"
            )
        order = Order(
            recipe.verb,
            recipe.words,
            recipe.style,
            recipe.reference,
            recipe.paint,
            recipe.edit,
            engine,
        )
        done = _carried_out(order, original.image, recipe.target)
        base = options.output_dir / path.stem
        spare([source], base, SUFFIXES)
        line = _save(base, source, original, recipe.target, (done, order))
        made = sha256(base.with_name(base.name + ".png").read_bytes()).hexdigest()
        same = (
            "the same bytes"
            if made == recipe.output
            else "OTHER bytes than the recipe tells (another machine?)"
        )
        typer.echo(f"{line}\n  {same}")


def _edit(photos: Sequence[str], where: PhotoOptions, finder: Finder, order: Order) -> None:
    painter = _painter(order)  # what is missing is told before anything is looked for
    if painter is not None:
        task.check_words(order.verb, order.words, painter)

    def work(original: Original, path: Path, base: Path) -> str:
        result = finder.find(original.seen)
        done = _carried_out(order, original.image, result)
        return _save(base, path, original, result, (done, order))

    each(photos, where, work, suffixes=SUFFIXES, inputs=(*finder.target.files, order.reference))


def _placed(paint: PaintOptions) -> PaintOptions:
    """With the painter's own files, if it has any, by their full path: a recipe may be replayed from anywhere."""
    name = paint.fill_model
    if not name or name in engines.names() or not Path(name).exists():
        return paint
    return replace(paint, fill_model=str(Path(name).resolve()))


def _carried_out(order: Order, image: Image, result: Result) -> tuple[Edited, tuple[str, ...]]:
    """The edit, and who made it."""
    if order.style:
        reference = read(order.reference) if order.reference else None
        return task.stylise(image, result, order.style, reference), result.made_by
    painter = _painter(order)
    made_by = (
        *result.made_by,
        *([painter.name] if painter is not None else []),
    )
    if order.verb == "remove":
        return task.remove(image, result, painter, order.edit, words=order.words), made_by
    if order.verb == "replace":
        return task.replace(image, result, painter, order.words, order.edit), made_by
    if painter is None:
        raise OptionError("style needs --style or --use-inpainting")
    return task.restyle(image, result, painter, order.words, order.edit), made_by


def _painter(order: Order) -> Inpainter | None:
    """The painter, tuned; cached by the engines, so asking twice loads once."""
    paint = order.paint
    if paint.engine is None or order.style:
        return None
    options = replace(order.engine, checkpoint=None, input_side=None)
    try:
        painter = engines.load(paint.engine, need=(Inpainter,), options=options).get(Inpainter)
    except (
        WeightsError
    ) as error:  # engines speak of --checkpoint, which here belongs to what finds the target
        raise WeightsError(str(error).replace("--checkpoint", "--fill-model")) from None
    strength = (
        paint.strength if paint.strength is not None else 0.6 if order.verb == "style" else 1.0
    )
    return painter.with_settings(
        PaintSettings(paint.steps, paint.guidance, strength, paint.negative)
    )


def _save(
    base: Path,
    path: Path,
    original: Original,
    result: Result,
    made: tuple[tuple[Edited, tuple[str, ...]], Order],
) -> str:
    """Picture, mask and recipe."""
    (done, made_by), order = made
    png = encode_original(original.with_edit(done.image))
    recipe = Recipe(
        order.verb,
        _relative(path, base.parent),
        original.image.digest,
        result,
        order.words,
        order.style,
        order.reference,
        order.paint,
        order.edit,
        made_by,
        sha256(png).hexdigest(),
    )
    text = (
        json.dumps({"wordmask": __version__, **recipe.to_json()}, indent=1, ensure_ascii=False)
        + "\n"
    )
    return _written(base, png, done.mask, text, _told(original.image, order.verb, result))


def _written(base: Path, png: bytes, mask: Any, text: str, line: str) -> str:
    """All three files or none: they get their names only once every one of them is whole. The JSON comes last."""
    paths = [base.with_name(base.name + suffix) for suffix in SUFFIXES]
    with ExitStack() as stack:
        for path, data in zip(paths, (text.encode(), encode_picture(mask), png), strict=True):
            stack.enter_context(atomic(path)).write_bytes(data)
    return line + "\n  -> " + "  ".join(str(path) for path in reversed(paths))


def _told(image: Image, verb: str, result: Result) -> str:
    names = [name or "region" for name in result.names]
    listed = ", ".join(f"{names.count(name)} {name}" for name in dict.fromkeys(names))
    gone = (
        f"     not here: {', '.join(word.phrase for word in result.absent)}"
        if result.absent
        else ""
    )
    share = np.count_nonzero(result.masks.union()) / (image.size[0] * image.size[1])
    return f"{image.name}   {verb}: {listed}, {share:.1%} of the picture{gone}"


def _read_recipe(path: Path) -> Recipe:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path} cannot be read as a recipe: {error}") from None
    return Recipe.from_json(value)


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
