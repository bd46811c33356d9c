"""The loop over pictures that edits and effects share: each with its depth and alpha, one that fails passed over."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from wordmask.doors.cli.errors import sentence
from wordmask.errors import SOME_FAILED, ImageError, OptionError, PromptError, WordmaskError
from wordmask.media.ledger import targets
from wordmask.media.reading.limits import Limits, amount
from wordmask.media.reading.original import Original, read_original
from wordmask.media.reading.sources import find


@dataclass(frozen=True)
class PhotoOptions:
    """Where pictures go, and who looks at them."""

    model: str = "auto"
    """What finds the target: an engine, or engines joined by +; see `wordmask models`."""
    output_dir: Path = Path("edited")
    """Where the files go; they are named after the picture."""
    max_pixels: str = "50MP"
    """Larger pictures are refused (50MP, 3GP)."""


Photos = Annotated[list[str], typer.Argument(help="Pictures, folders or globs.")]
Work = Callable[
    [Original, Path, Path], str
]  # the picture, its path, the path its outputs start with -> a line


def each(
    photos: Sequence[str],
    options: PhotoOptions,
    work: Work,
    *,
    suffixes: Sequence[str],
    inputs: Iterable[str] = (),
) -> None:
    """Every picture in turn; of many, one that fails is told and passed over, and the exit code is 5.

    `work` writes the files of these `suffixes`; none may take the place of a picture or of the other `inputs`.
    """
    found = list(find(list(photos)))
    if not found:
        raise ImageError(f"no pictures in {', '.join(photos)}")
    limits = Limits(max_pixels=amount(options.max_pixels))
    kept = [one.path for one in found if one.path is not None] + [
        Path(name) for name in inputs if name
    ]
    failed = 0
    for one, base in zip(found, targets(found, options.output_dir), strict=True):
        try:
            if one.error is not None or one.path is None:
                raise one.error or PromptError(f"edits work on files, got {one.name}")
            spare(kept, base, suffixes)
            typer.echo(work(read_original(one.path, limits), one.path, base))
        except WordmaskError as error:
            if len(found) == 1:
                raise
            failed += 1
            typer.echo(f"error: {one.name}: {sentence(error)}", err=True)
    if failed:
        raise typer.Exit(SOME_FAILED)


def spare(kept: Iterable[Path], base: Path, suffixes: Sequence[str]) -> None:
    """Raise where an output would take the place of a file that is read."""
    outputs = {base.with_name(base.name + suffix).resolve() for suffix in suffixes}
    for path in kept:
        if path.resolve() in outputs:
            raise OptionError(f"{path} would be overwritten; give another --output-dir")
