"""Effects: a look for what words, clicks or boxes name, in picture after picture."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.result import Result
from wordmask.files import write_bytes
from wordmask.jobs.edits import read_item
from wordmask.jobs.loop import Event, run
from wordmask.jobs.outputs import Outputs, Products, WorkItem, typed_file
from wordmask.jobs.setup import PictureAnswer, Setup, find_pictures
from wordmask.jobs.target import TargetOptions, load_finder
from wordmask.media.reading.original import Original, encode_original, read_original
from wordmask.media.reading.read import read
from wordmask.tasks.edit import target as check_target
from wordmask.tasks.effects.edge import sticker_rgba
from wordmask.tasks.effects.table import EFFECTS

PICTURE = ".png"


def effect(
    sources: Any, name: str, options: Any, target: TargetOptions, setup: Setup
) -> Iterator[Event[PictureAnswer]]:
    """The effect of this name, with its own options, on the target in every picture."""
    found = find_pictures(sources)
    file = typed_file(setup.outputs, (PICTURE,), found)
    finder = load_finder(with_occluders(target, options), setup)
    recipe = finder.recipe | {"options": options, "engine": setup.engine}
    inputs = (*target.files, *_pictures_of(options))
    products = Products(f"effect {name}", recipe, (PICTURE,), label=f".{name}", inputs=inputs)
    if file is not None:
        products = replace(products, suffixes=(), typed=(file,))
    outputs = Outputs(found, products, setup.outputs)

    def work(item: WorkItem) -> PictureAnswer:
        original = read_item(item, setup)
        result = finder.find(original.seen)
        check_found(original.seen, result, options)
        pixels = apply(name, original, result, options)
        made = write_bytes(file or item.file(PICTURE), encode_original(pixels))
        return PictureAnswer(item.name, result.with_image(original.seen), (made,))

    return run(outputs.items, work, outputs)


def apply(name: str, original: Original, result: Result, options: Any) -> Array:
    """The picture with the effect, in the original's depth."""
    changed = change(name, original.image, result, options)
    is_clear = changed.shape[2] == 4
    return changed if is_clear else original.with_edit(Image(changed, original.image.name))


def change(name: str, image: Image, result: Result, options: Any) -> Array:
    """(H, W, 3) uint8; of a sticker without a ground (H, W, 4), transparent around the object."""
    if name == "sticker" and not options.ground:
        return sticker_rgba(image, result, options)
    function, _ = EFFECTS[name]
    return function(image, result, options).pixels


def with_occluders(target: TargetOptions, options: Any) -> TargetOptions:
    """The target and what the effect shall leave in front of it, which must be found too."""
    more = tuple(word for word in _occluders(options) if word not in target.prompt)
    return replace(target, prompt=(*target.prompt, *more))


def check_found(image: Image, result: Result, options: Any) -> None:
    """Raise where nothing was found but what shall be in front."""
    occluders = _occluders(options)
    check_target(image, result[[word not in occluders for word in result.names]])


def _occluders(options: Any) -> tuple[str, ...]:
    words: tuple[str, ...] = getattr(options, "occluders", ())
    return words


def with_picture(options: Any, picture: str, alpha: str = "") -> Any:
    """The options of an effect with the picture that it lays, read from files.

    `alpha` is a grey picture that says how opaque `picture` is, white for wholly; without it the
    picture's own alpha counts.
    """
    may_be_clear = "alpha" in {item.name for item in fields(options)}
    if alpha:
        opaque = np.ascontiguousarray(read(alpha).pixels[..., 1])
        return replace(options, picture=read(picture), alpha=opaque)
    if not may_be_clear or picture == "-":
        return replace(options, picture=read(picture))
    original = read_original(picture)
    return replace(options, picture=original.image, alpha=original.alpha)


def _pictures_of(options: Any) -> tuple[str, ...]:
    """The names of the pictures among the options."""
    values = [getattr(options, item.name) for item in fields(options)]
    return tuple(value.name for value in values if isinstance(value, Image) and value.name)
