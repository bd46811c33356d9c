"""`wordmask draw` and `convert`: results that exist already."""

from collections.abc import Callable, Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import Annotated

import typer

from wordmask.core.image import Image
from wordmask.core.result import Result
from wordmask.doors.cli.errors import sentence
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.run import progress
from wordmask.errors import SOME_FAILED, FormatError, ImageError, WordmaskError
from wordmask.media import formats
from wordmask.media.drawing import render
from wordmask.media.drawing.render import RenderOptions
from wordmask.media.formats import FormatOptions
from wordmask.media.reading.read import read

KINDS = ("overlay", "labels", "cutout", "legend")
Results = Annotated[
    list[str],
    typer.Argument(
        help="Saved results (own JSON, COCO, LabelMe ...), folders of them, globs, or @list.txt."
    ),
]


@with_options(options=RenderOptions)
def draw(
    results: Results,
    options: RenderOptions,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images", "-i", help="Folder of the pictures; default: where the results say."
        ),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option("--output-dir", "-o", help="Where to write; default: beside the result."),
    ] = None,
    kind: Annotated[str, typer.Option(help="overlay, labels, cutout or legend.")] = "overlay",
) -> None:
    """Draw saved results over their pictures.

    wordmask draw kitchen.json
    """
    if kind not in KINDS:
        raise FormatError(f"--kind is one of {', '.join(KINDS)}, got {kind!r}")

    drawn: list[Path] = []

    def work(path: Path) -> str:
        made = []
        for item in formats.load_named(path):
            shown = item.result
            if kind not in ("labels", "legend"):  # which show no pixel of the picture
                shown = shown.with_image(_picture(item.name, path, images))
            stem = (output_dir or path.parent) / (Path(item.name).stem or path.stem)
            before = drawn.count(stem)  # pictures of one name in several folders
            drawn.append(stem)
            target = stem.with_name(f"{stem.name}{f'-{before + 1}' if before else ''}.{kind}.png")
            target.parent.mkdir(parents=True, exist_ok=True)
            made.append(str(_drawn(kind, shown, target, options)))
        return "\n".join(made)

    _leave(_each(list(_files(results)), work))


@with_options(options=FormatOptions)
def convert(
    options: FormatOptions,
    source: Annotated[
        list[str],
        typer.Argument(
            help="Result files, folders, globs or @list.txt, then the file or folder to write."
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option("--to", "-t", help="The format to write; default: told by the suffix."),
    ] = None,
    source_format: Annotated[
        str | None,
        typer.Option("--from", help="The format to read; default: told by name and content."),
    ] = None,
) -> None:
    """Turn results from one format into another; many pictures become one file where the format can.

    wordmask convert holiday/*.json holiday.coco.json
    """
    *sources, target = source
    if not sources:
        raise FormatError(
            "convert needs what to read and what to write: wordmask convert A.json B.coco.json"
        )
    items: list[formats.Named] = []

    def work(path: Path) -> str:
        items.extend(formats.load_named(path, source_format, options))
        return ""

    failed = _each(list(_files(sources, source_format)), work)
    written = formats.save_named(items, Path(target), to, options) if items or not failed else []
    typer.echo(
        f"{len(items)} picture{'s' if len(items) != 1 else ''}, {sum(len(item.result) for item in items)} regions"
    )
    for path in written[:20]:
        typer.echo(f"  -> {path}")
    if len(written) > 20:
        typer.echo(f"  and {len(written) - 20} more files")
    _leave(failed)


def _files(sources: Sequence[str], source_format: str | None = None) -> Iterator[Path]:
    """What the sources name, each file for itself, so that one which cannot be read is passed over alone."""
    for text in sources:
        if text.startswith("@") and not Path(text).exists():
            yield from _files(_lines(Path(text[1:])), source_format)
        elif has_magic(text) and not Path(text).exists():  # a file may be called "cat[1].json"
            matches = sorted(glob(text, recursive=True))  # noqa: PTH207  Path.glob cannot start at /
            if not matches:
                raise FormatError(
                    f"no file matches {text}; is the pattern right, seen from {Path.cwd()}?"
                )
            yield from map(Path, matches)
        elif Path(text).is_dir():
            yield from formats.files_in(Path(text), source_format)
        else:
            yield Path(text)


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"the list @{path} cannot be read: {error}") from None
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _each(paths: Sequence[Path], work: Callable[[Path], str]) -> int:
    """How many failed. Of many, one that fails is told and passed over; a single one fails with its own error."""
    failed = 0
    with progress(len(paths)) as (say, advance):
        for path in paths:
            try:
                line = work(path)
            except WordmaskError as error:
                if len(paths) == 1:
                    raise
                failed += 1
                text = sentence(error)
                say(f"error: {text}" if path.name in text else f"error: {path}: {text}")
            else:
                if line:
                    say(line)
            advance()
    if failed:
        typer.echo(f"{len(paths)} files: {len(paths) - failed} done, {failed} failed", err=True)
    return failed


def _leave(failed: int) -> None:
    if failed:
        raise typer.Exit(SOME_FAILED)


def _picture(name: str, result_path: Path, images: Path | None) -> Image:
    """The picture that a result speaks of: in --images, where its name says, or beside the result."""
    places = (
        [images / Path(name).name]
        if images is not None
        else [Path(name), result_path.parent / Path(name).name]
    )
    for place in places:
        if name and place.is_file():
            return read(place)
    raise ImageError(
        f"the picture {name or '(no name)'} of {result_path} is not there; say where with --images FOLDER"
    )


def _drawn(kind: str, result: Result, target: Path, options: RenderOptions) -> Path:
    if kind == "overlay":
        return render.write(render.overlay(result.image, result, options), target)
    if kind == "labels":
        return render.write(render.label_map(result), target)
    if kind == "legend":
        return render.write(render.legend(result), target)
    if result.image is None:
        raise ImageError("a cut-out needs the picture")
    return render.write(render.cutout(result.image, result), target)
