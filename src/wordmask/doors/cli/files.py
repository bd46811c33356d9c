"""`wordmask draw` and `convert`: results that exist already."""

from pathlib import Path
from typing import Annotated

import typer

from wordmask.core.image import Image
from wordmask.core.result import Result
from wordmask.doors.cli.flags import with_options
from wordmask.errors import FormatError, ImageError
from wordmask.media import formats, render
from wordmask.media.formats import FormatOptions
from wordmask.media.read import read
from wordmask.media.render import RenderOptions

KINDS = ("overlay", "labels", "cutout", "legend")
Results = Annotated[
    list[Path], typer.Argument(help="Saved results: own JSON, COCO, LabelMe ... (see docs/formats.md).")
]


@with_options(options=RenderOptions)
def draw(
    results: Results,
    options: RenderOptions,
    images: Annotated[
        Path | None, typer.Option("--images", "-i", help="Folder of the pictures; default: where the results say.")
    ] = None,
    output_dir: Annotated[
        Path | None, typer.Option("--output-dir", "-o", help="Where to write; default: beside the result.")
    ] = None,
    kind: Annotated[str, typer.Option(help="overlay, labels, cutout or legend.")] = "overlay",
) -> None:
    """Draw saved results over their pictures.

    wordmask draw kitchen.json
    """
    if kind not in KINDS:
        raise FormatError(f"--kind is one of {', '.join(KINDS)}, got {kind!r}")
    for path in results:
        for name, result in _named(path):
            picture = _picture(name, path, images)
            target = (output_dir or path.parent) / f"{Path(name).stem or path.stem}.{kind}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            typer.echo(str(_drawn(kind, result.with_image(picture), target, options)))


@with_options(options=FormatOptions)
def convert(
    options: FormatOptions,
    source: Annotated[list[Path], typer.Argument(help="Result files or folders, then the file or folder to write.")],
    to: Annotated[
        str | None, typer.Option("--to", "-t", help="The format to write; default: told by the suffix.")
    ] = None,
    source_format: Annotated[
        str | None, typer.Option("--from", help="The format to read; default: told by name and content.")
    ] = None,
) -> None:
    """Turn results from one format into another; many pictures become one file where the format can.

    wordmask convert holiday/*.json holiday.coco.json
    """
    *sources, target = source
    if not sources:
        raise FormatError("convert needs what to read and what to write: wordmask convert A.json B.coco.json")
    items = [item for path in sources for item in formats.load_named(path, source_format, options)]
    written = formats.save_named(items, target, to, options)
    typer.echo(
        f"{len(items)} picture{'s' if len(items) != 1 else ''}, {sum(len(item.result) for item in items)} regions"
    )
    for path in written[:20]:
        typer.echo(f"  -> {path}")
    if len(written) > 20:
        typer.echo(f"  and {len(written) - 20} more files")


def _named(path: Path) -> list[tuple[str, Result]]:
    return [(item.name, item.result) for item in formats.load_named(path)]


def _picture(name: str, result_path: Path, images: Path | None) -> Image:
    """The picture that a result speaks of: in --images, where its name says, or beside the result."""
    places = [images / Path(name).name] if images is not None else [Path(name), result_path.parent / Path(name).name]
    for place in places:
        if name and place.is_file():
            return read(place)
    raise ImageError(f"the picture {name or '(no name)'} of {result_path} is not there; say where with --images FOLDER")


def _drawn(kind: str, result: Result, target: Path, options: RenderOptions) -> Path:
    if kind == "overlay":
        return render.write(render.overlay(result.image, result, options), target)
    if kind == "labels":
        return render.write(render.label_map(result), target)
    if kind == "legend":
        return render.write(render.legend(result), target)
    if result.image is None:
        raise ImageError("a cut-out needs the picture")
    return render.write(render.cut_out(result.image, result), target)
