"""The loop that every command over pictures shares: progress, resume, one bad file passed over, a summary."""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

import typer

from wordmask.core.image import Image
from wordmask.core.result import Result
from wordmask.doors.cli.errors import sentence
from wordmask.errors import SOME_FAILED, ImageError, WordmaskError
from wordmask.media import formats
from wordmask.media.formats.table import BY_NAME
from wordmask.media.ledger import LEDGER, Batch, targets
from wordmask.media.reading.limits import Limits, amount
from wordmask.media.reading.read import read_found
from wordmask.media.reading.sources import Found, find


@dataclass(frozen=True)
class Made:
    """What one picture came to: a line to print, the files, a record for --json."""

    line: str
    files: tuple[Path, ...] = ()
    record: dict[str, Any] = field(default_factory=dict)


Work = Callable[[Image, Path], Made]  # the picture, and the path its outputs start with


@dataclass(frozen=True)
class Outputs:
    """What every command over pictures takes."""

    model: str = "auto"
    """An engine, or engines joined by +; see `wordmask models`."""
    output_dir: Path | None = None
    """Where to write; default: beside the picture."""
    format: tuple[str, ...] = ("json", "overlay")
    """What to write: json, overlay, coco, yolo, masks, labels, cutout ... (docs/formats.md); many may be given."""
    json: bool = False
    """One JSON object per picture on stdout; files are written only with --output-dir."""
    max_pixels: str = "50MP"
    """Pictures of more pixels are refused (50MP, 3GP)."""
    max_bytes: str = "512MB"
    """Larger files are refused."""
    max_side: int = Limits.max_side
    """Pictures with a longer side are refused."""
    max_frames: int = Limits.max_frames
    """Animations of more frames are refused; only the first is read."""
    max_pages: int = Limits.max_pages
    """TIFFs of more pages are refused; only the first is read."""
    verbose: bool = False
    """Say what was done: prompts, encoder passes, seconds per stage."""
    web: bool = False
    """Fetch https addresses among the sources."""

    def __post_init__(self) -> None:
        names = tuple(
            dict.fromkeys(part for name in self.format for part in name.split(",") if part)
        )
        for name in names:
            formats.format_of("", name)  # a wrong name is told before anything is run
        object.__setattr__(self, "format", () if self.json and self.output_dir is None else names)

    @property
    def limits(self) -> Limits:
        return Limits(
            max_bytes=amount(self.max_bytes),
            max_pixels=amount(self.max_pixels),
            max_side=self.max_side,
            max_frames=self.max_frames,
            max_pages=self.max_pages,
        )


@dataclass(frozen=True)
class Plan:
    """How to go through the pictures."""

    sources: Sequence[str]
    outputs: Outputs
    recipe: dict[str, Any]  # everything that decides the outputs


def recipe(*parts: Any) -> dict[str, Any]:
    """What a batch is known by: words, models, options."""
    return {
        str(place): asdict(part) if is_dataclass(part) else part for place, part in enumerate(parts)
    }  # type: ignore[arg-type]  # instances only


def written(
    result: Result, target: Path, outputs: Outputs, told: str, drawn: Result | None = None
) -> Made:
    """Write the result in every format; an overlay (of `drawn`) goes to NAME.overlay.png beside NAME.json."""
    files: list[Path] = []
    for name in outputs.format:
        suffix = ".overlay.png" if name == "overlay" else BY_NAME[name].suffixes[0]
        shown = drawn if name == "overlay" and drawn is not None else result
        files += formats.save(shown, target.with_name(target.name + suffix), name)
    arrow = "\n  -> " + "  ".join(str(path) for path in files) if files else ""
    name = result.image.name if result.image is not None else ""
    return Made(told + arrow, tuple(files), formats.to_json(result, name) if outputs.json else {})


def run(plan: Plan, work: Work) -> None:
    """Do `work` on every picture; leaves with the error's own code for one picture, with 5 where some failed."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    found = list(find(list(plan.sources)))
    if not found:
        raise ImageError(f"no pictures in {', '.join(plan.sources)}")
    folder = plan.outputs.output_dir
    batch = _batch(plan, found)
    failed: list[tuple[str, WordmaskError]] = []
    skipped = 0
    with progress(len(found), plan.outputs.json) as (say, advance):
        for one, target in zip(found, targets(found, folder), strict=True):
            if batch is not None and one.path is not None and batch.done(one.path, target):
                skipped += 1
            else:
                error = _one(one, target, work, (plan.outputs, batch, say))
                failed += [(one.name, error)] if error is not None else []
            advance()
    _summary(len(found), failed, skipped)


def _batch(plan: Plan, found: Sequence[Found]) -> Batch | None:
    """A ledger for many pictures; one picture is simply done again."""
    if len(found) < 2 or not plan.outputs.format:
        return None
    recipe_of_all = plan.recipe | {"formats": plan.outputs.format}
    return Batch((plan.outputs.output_dir or _common_folder(found)) / LEDGER, recipe_of_all)


def _common_folder(found: Sequence[Found]) -> Path:
    folders = [one.path.absolute().parent for one in found if one.path is not None]
    if not folders:
        return Path()
    common = folders[0]
    while not all(folder.is_relative_to(common) for folder in folders):
        common = common.parent
    return common


def _one(
    one: Found,
    target: Path,
    work: Work,
    context: tuple[Outputs, Batch | None, Callable[[str], None]],
) -> WordmaskError | None:
    """One picture; what went wrong, if anything did."""
    outputs, batch, say = context
    item = read_found(one, outputs.limits, web=outputs.web)
    if item.image is None:
        return _told(one.name, item.error or ImageError(f"{one.name} cannot be read"), say)
    for note in item.notes:
        say(f"{one.name}: {note}")
    try:
        start = time.perf_counter()
        if batch is not None and one.path is not None:
            with batch.making(one.path, target) as kept:
                made = work(item.image, target)
                kept.extend(made.files)
        else:
            made = work(item.image, target)
    except WordmaskError as error:
        return _told(one.name, error, say)
    if outputs.json:
        typer.echo(json.dumps(made.record))
    if outputs.verbose or not outputs.json:
        say(f"{made.line}  {time.perf_counter() - start:.1f} s")
    return None


def _told(name: str, error: WordmaskError, say: Callable[[str], None]) -> WordmaskError:
    text = sentence(error)
    say(f"error: {text if name in text else f'{name}: {text}'}")
    return error


@contextmanager
def progress(
    total: int, as_json: bool = False
) -> Iterator[tuple[Callable[[str], None], Callable[[], None]]]:
    """A way to print a line, and one to count a picture: with a bar on a terminal, plain lines in a pipe."""
    if total < 2 or not sys.stderr.isatty():
        yield (
            (lambda line: typer.echo(line, err=as_json or line.startswith("error:"))),
            lambda: None,
        )
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    start = time.perf_counter()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, rate="")

        def advance() -> None:
            done = bar.tasks[0].completed + 1
            bar.update(task, advance=1, rate=f"{done / (time.perf_counter() - start):.1f}/s")

        yield (lambda line: bar.console.print(line, markup=False, highlight=False)), advance


def _summary(count: int, failed: Sequence[tuple[str, WordmaskError]], skipped: int) -> None:
    if count > 1:
        parts = [f"{count - len(failed) - skipped} done"]
        parts += [f"{skipped} made before with the same options"] if skipped else []
        names = ", ".join(name for name, _ in failed[:5]) + (" ..." if len(failed) > 5 else "")
        parts += [f"{len(failed)} failed: {names}"] if failed else []
        typer.echo(f"{count} pictures: {', '.join(parts)}", err=True)
    if failed:
        raise typer.Exit(failed[0][1].exit_code if count == 1 else SOME_FAILED)
