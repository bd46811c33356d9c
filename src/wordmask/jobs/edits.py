"""Edits: remove, replace, style, show the target, replay. All files appear, or none."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np

from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.options import check
from wordmask.core.protocols import Inpainter, PaintSettings
from wordmask.core.result import Result
from wordmask.engines import EngineOptions
from wordmask.errors import FormatError, ImageError, Mend, OptionError, PromptError, WeightsError
from wordmask.files import write_bytes, write_text
from wordmask.jobs.digest import digest_of_file
from wordmask.jobs.loop import Event, run
from wordmask.jobs.outputs import Outputs, Products, WorkItem
from wordmask.jobs.recipe import PaintOptions, Recipe
from wordmask.jobs.setup import PictureAnswer, Setup, find_pictures
from wordmask.jobs.target import TargetOptions, load_finder
from wordmask.media import formats
from wordmask.media.drawing import render
from wordmask.media.reading.original import Original, encode_original, read_original
from wordmask.media.reading.read import read
from wordmask.media.reading.sources import Found
from wordmask.media.writing import write_picture
from wordmask.tasks import edit as task
from wordmask.tasks.edit import Edited, EditOptions, Style
from wordmask.version import __version__

LABELS = {"remove": ".removed", "replace": ".replaced", "style": ".styled"}
RECIPE, MASK, PICTURE = ".recipe.json", ".mask.png", ".png"
JSON, OVERLAY = formats.format_of("", "json").suffixes[0], ".overlay.png"


@dataclass(frozen=True)
class Edit:
    """What shall be done with the target."""

    verb: Literal["remove", "replace", "style"]
    words: str = ""  # what shall be there, or how it shall look; for a painter that follows words
    style: Style | Literal[""] = ""  # one of the styles that need no model
    reference: str = ""  # the picture whose colours the style "colours" takes
    paint: PaintOptions = field(default_factory=PaintOptions)
    options: EditOptions = field(default_factory=EditOptions)

    def __post_init__(self) -> None:
        check(self)
        if self.verb == "style" and bool(self.style) == self.paint.diffuses:
            raise OptionError(
                "a target is styled either by a style that needs no model (colours, posterise, "
                "sketch) or by words and a diffusion model (use_inpainting)",
                mend=Mend("style", "sketch"),
            )

    def with_full_paths(self) -> "Edit":
        """The same edit, which can be replayed from any folder."""
        paint, name = self.paint, self.paint.fill_model
        if name and name not in engines.names() and Path(name).exists():
            paint = replace(paint, fill_model=str(Path(name).resolve()))
        reference = str(Path(self.reference).resolve()) if self.reference else ""
        return replace(self, paint=paint, reference=reference)


@dataclass(frozen=True, eq=False)
class Replayed(PictureAnswer):
    """What came of a recipe."""

    verb: str = ""
    is_same: bool = False  # whether the picture has the bytes that the recipe says


def show_target(
    sources: Any, target: TargetOptions, setup: Setup
) -> Iterator[Event[PictureAnswer]]:
    """Show what an edit would change: the overlay, the mask, and the result to be used again."""
    found, finder = find_pictures(sources), load_finder(target, setup)
    recipe = finder.recipe | {"engine": setup.engine}
    products = Products(
        "edit segment", recipe, (JSON, MASK, OVERLAY), label=".target", inputs=target.files
    )
    outputs = Outputs(found, products, setup.outputs)

    def work(item: WorkItem) -> PictureAnswer:
        seen = read_item(item, setup).seen
        result = finder.find(seen).with_image(seen)
        mask = task.target(seen, result)
        shown = np.asarray(render.show(result).convert("RGB"))
        text = json.dumps(formats.to_json(result, seen.name)) + "\n"
        files = (
            write_picture(item.file(OVERLAY), shown),
            write_picture(item.file(MASK), mask),
            write_text(item.file(JSON), text),
        )
        return PictureAnswer(item.name, result, files)

    return run(outputs.items, work, outputs)


def edit(
    sources: Any, target: TargetOptions, order: Edit, setup: Setup
) -> Iterator[Event[PictureAnswer]]:
    """Do the edit on the target in every picture."""
    found = find_pictures(sources)
    editor = load_editor(order.with_full_paths(), setup.engine)
    finder = load_finder(target, setup)
    recipe = finder.recipe | {
        "edit": editor.edit,
        "painter": editor.name,
        "reference": digest_of_file(editor.edit.reference),
        "engine": setup.engine,
    }
    products = Products(
        f"edit {order.verb}",
        recipe,
        (RECIPE, MASK, PICTURE),
        label=LABELS[order.verb],
        inputs=(*target.files, order.reference),
    )
    outputs = Outputs(found, products, setup.outputs)

    def work(item: WorkItem) -> PictureAnswer:
        original = read_item(item, setup)
        result = finder.find(original.seen)
        files, _ = editor.save(item, item.found.path, original, result)
        return PictureAnswer(item.name, result.with_image(original.seen), files)

    return run(outputs.items, work, outputs)


def replay(
    recipes: Sequence[str], setup: Setup, picture: Path | None = None
) -> Iterator[Event[Replayed]]:
    """Make edits again from their recipes, without looking for anything.

    `picture` says where the picture is, if it is no longer where the recipe says.
    """
    if not all(recipes):
        raise FormatError("a path is empty; name the recipe's file")
    found = [Found(text, text, Path(text), Path(Path(text).name)) for text in recipes]
    recipe = {"picture": picture, "engine": setup.engine}
    suffixes = (RECIPE, MASK, PICTURE)
    products = Products("edit replay", recipe, suffixes, label=".replayed", stem=_stem_of_recipe)
    outputs = Outputs(found, products, setup.outputs)

    def work(item: WorkItem) -> Replayed:
        path = Path(item.found.source)
        made = read_recipe(path)
        source = Path(picture or path.parent / made.picture).resolve()
        outputs.note_input(source)
        original = read_original(source, setup.inputs.limits)
        if original.image.digest != made.digest:
            raise ImageError(
                f"{source} is not the picture that {path} was made from: its pixels differ"
            )
        order = Edit(made.verb, made.words, made.style, made.reference, made.paint, made.edit)
        editor = load_editor(order, setup.engine)
        files, output = editor.save(item, source, original, made.target)
        result = made.target.with_image(original.image)
        return Replayed(item.name, result, files, verb=made.verb, is_same=output == made.output)

    return run(outputs.items, work, outputs)


@dataclass(frozen=True, eq=False)
class Editor:
    """An edit and what paints it, ready for picture after picture."""

    edit: Edit
    painter: Inpainter | None  # None: nothing is painted, or in a style that needs no model

    @property
    def name(self) -> str:
        """The painter's; "" without one."""
        return "" if self.painter is None else self.painter.name

    def carry_out(self, image: Image, result: Result, reference: Image | None = None) -> Edited:
        """The picture with the regions of `result` edited.

        `reference` gives a style its colours where the edit names no file.
        """
        edit, painter = self.edit, self.painter
        if edit.style:
            reference = read(edit.reference) if edit.reference else reference
            return task.stylise(image, result, edit.style, reference)
        if edit.verb == "remove":
            return task.remove(image, result, painter, edit.options, words=edit.words)
        if edit.verb == "replace":
            return task.replace(image, result, painter, edit.words, edit.options)
        if painter is None:
            raise OptionError("no painter restyles by words", mend=Mend("use_inpainting"))
        return task.restyle(image, result, painter, edit.words, edit.options)

    def save(
        self, item: WorkItem, source: Path | None, original: Original, result: Result
    ) -> tuple[tuple[Path, ...], str]:
        """Write picture, mask and recipe; the paths, and the picture file's sha256."""
        done = self.carry_out(original.image, result)
        png = encode_original(original.with_edit(done.image))
        picture = item.name if source is None else _relative(source, item.target.parent)
        edit = self.edit
        recipe = Recipe(
            verb=edit.verb,
            picture=picture,
            digest=original.image.digest,
            target=result,
            words=edit.words,
            style=edit.style,
            reference=edit.reference,
            paint=edit.paint,
            edit=edit.options,
            made_by=(*result.made_by, *filter(None, [self.name])),
            output=sha256(png).hexdigest(),
        )
        value = {"wordmask": __version__, **recipe.to_json()}
        text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
        files = (
            write_bytes(item.file(PICTURE), png),
            write_picture(item.file(MASK), done.mask),
            write_text(item.file(RECIPE), text),
        )
        return files, recipe.output


def load_editor(edit: Edit, engine: EngineOptions) -> Editor:
    """The edit with its painter, which the engines keep: a second call loads nothing."""
    if edit.paint.engine is None or edit.style:
        return Editor(edit, None)
    # The checkpoint and the side are those of the engine that finds the target.
    options = replace(engine, checkpoint=None, input_side=None)
    try:
        models = engines.load(edit.paint.engine, need=(Inpainter,), options=options)
    except WeightsError as error:
        raise error.mended_by("fill_model", "FOLDER") from None
    painter = _set_up(models.get(Inpainter), edit)
    task.check_words(edit.verb, edit.words, painter)
    return Editor(edit, painter)


def read_item(item: WorkItem, setup: Setup) -> Original:
    """The picture with its depth and alpha; what is no file cannot be edited."""
    if item.found.error is not None:
        raise item.found.error
    if item.path is None:
        raise PromptError(f"edits work on files, got {item.name}")
    return read_original(item.path, setup.inputs.limits)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a file that an edit wrote."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path} cannot be read as a recipe: {error}") from None
    return Recipe.from_json(value)


def _set_up(painter: Inpainter, edit: Edit) -> Inpainter:
    paint, strength = edit.paint, edit.paint.strength
    if strength is None:
        strength = 0.6 if edit.verb == "style" else 1.0
    return painter.with_settings(
        PaintSettings(paint.steps, paint.guidance, strength, paint.negative)
    )


def _stem_of_recipe(name: str) -> str:
    """
    >>> _stem_of_recipe("room.removed.recipe.json")
    'room.removed'
    """
    return name.removesuffix(".json").removesuffix(".recipe")


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
