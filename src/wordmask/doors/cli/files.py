"""`wordmask draw` and `convert`: results that exist already."""

from pathlib import Path
from typing import Annotated, cast

import typer

from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.run import Say, follow
from wordmask.errors import FormatError, Mend, OptionError
from wordmask.jobs import results as jobs
from wordmask.jobs.loop import Event
from wordmask.media.drawing.render import RenderOptions
from wordmask.media.formats import FormatOptions

MOST = 20  # files that are listed
Results = Annotated[
    list[str],
    typer.Argument(
        help="Saved results (own JSON, COCO, LabelMe ...), folders of them, globs, or @list.txt."
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Also replace files that this command did not make.")
]


@with_options(look=RenderOptions)
def draw(
    results: Results,
    look: RenderOptions,
    images: Annotated[
        str | None,
        typer.Option(
            "--images", "-i", help="Folder of the pictures; default: where the results say."
        ),
    ] = None,
    output_dir: Annotated[
        str | None,
        typer.Option("--output-dir", "-o", help="A folder, or a .png; default: beside the result."),
    ] = None,
    kind: Annotated[str, typer.Option(help="overlay, labels, cutout or legend.")] = "overlay",
    overwrite: Overwrite = False,
) -> None:
    """Draw saved results over their pictures.

    wordmask draw kitchen.wordmask.json
    """
    options = jobs.DrawOptions(
        output_dir=_path(output_dir, "output_dir"),
        overwrite=overwrite,
        images=_path(images, "images"),
        kind=cast(jobs.Kind, kind),  # DrawOptions checks it
    )

    def write(_: Event[jobs.Saved], saved: jobs.Saved, say: Say) -> None:
        for path in saved.files:
            say(str(path))

    follow(jobs.draw(results, options, look), write, "files").finish()


@with_options(details=FormatOptions)
def convert(
    details: FormatOptions,
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
    overwrite: Overwrite = False,
) -> None:
    """Turn results from one format into another.

    Many pictures become one file where the format can, otherwise a folder.

    wordmask convert holiday/*.json holiday.coco.json
    """
    *sources, target = source
    if not sources or not target:
        raise FormatError(
            "convert needs what to read and what to write: wordmask convert A.json B.coco.json"
        )
    made: list[jobs.Saved] = []

    def write(_: Event[jobs.Saved], saved: jobs.Saved, _say: Say) -> None:
        made.append(saved)

    options = jobs.ConvertOptions(to, source_format, overwrite)
    tally = follow(jobs.convert(sources, Path(target), options, details), write, "files")
    _list_files(made)
    tally.finish()


def _path(text: str | None, option: str) -> Path | None:
    """An empty text is no path; as one it would be the current folder."""
    if text is not None and not text:
        raise OptionError(f"{option} must be a path; got ''", mend=Mend(option, "FOLDER"))
    return None if text is None else Path(text)


def _list_files(made: list[jobs.Saved]) -> None:
    pictures = sum(saved.pictures for saved in made)
    regions = sum(saved.regions for saved in made)
    files = [path for saved in made for path in saved.files]
    typer.echo(f"{pictures} picture{'s' if pictures != 1 else ''}, {regions} regions")
    for path in files[:MOST]:
        typer.echo(f"  -> {path}")
    if len(files) > MOST:
        typer.echo(f"  and {len(files) - MOST} more files")
