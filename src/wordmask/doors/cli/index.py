"""`wordmask index`: pictures in, an index of their regions."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from annotated_types import Ge

from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.run import Say, follow
from wordmask.engines import EngineOptions
from wordmask.errors import Mend, OptionError
from wordmask.jobs import index_care as care
from wordmask.jobs.index import HELD, Indexed, IndexJob
from wordmask.jobs.looking import RayLooker
from wordmask.jobs.loop import Event
from wordmask.jobs.setup import LimitOptions, Setup
from wordmask.jobs.words import split_words
from wordmask.tasks.describe import DescribeOptions


@dataclass(frozen=True)
class IndexFlags(LimitOptions):
    """Where the index lies, and what is done to it."""

    db: Path = Path("photos.lance")
    """The index: a folder, made where it is not there."""
    model: str = "auto"
    """An engine, or engines joined by +; see `wordmask models`."""
    write_every: Annotated[int, Ge(1)] = HELD
    """Pictures that are written together; a walk that is killed looks at these again."""
    ray: bool = False
    """Look at the pictures on a Ray cluster; all machines must see the files by the same paths."""
    workers: Annotated[int, Ge(0)] = 0
    """Workers on Ray; 0 = one for each GPU, or else for each core but one."""
    verbose: bool = False
    """A line also for each picture that was moved, copied or only touched."""
    check: bool = False
    """Look through the index and say what is wrong; nothing is changed."""
    repair: bool = False
    """Mend what --check finds, from the last good version on."""
    stats: bool = False
    """Say what is in the index, and how large it is."""
    optimize: bool = False
    """Join small pieces, remove old versions, and make the search tree of a large index."""


@with_options(flags=IndexFlags, options=DescribeOptions, engine=EngineOptions)
def index(
    flags: IndexFlags,
    options: DescribeOptions,
    engine: EngineOptions,
    pictures: Annotated[
        list[str] | None, typer.Argument(help="Pictures, folders or globs, or @list.txt.")
    ] = None,
) -> None:
    """Keep every region of many pictures, to be found again with `wordmask find`.

    Run it again after pictures were added, changed, moved or deleted: it looks at what is new.

    wordmask index photos/ --db photos.lance
    """
    if pictures:
        options = replace(
            options,
            words=split_words(options.words),
            vocabulary=split_words(options.vocabulary),
        )
        job = IndexJob(flags.db, options, Setup(flags.model, engine, inputs=flags))
        job.write_every = flags.write_every
        if flags.ray:
            job.looker = RayLooker(options, job.setup, flags.workers)
        _show(job.run(pictures), job, verbose=flags.verbose)
    elif not (flags.check or flags.repair or flags.stats or flags.optimize):
        raise OptionError(
            "nothing says which pictures, or what to do with the index", mend=Mend("stats")
        )
    _care(flags)


def _show(events: Iterator[Event[Indexed]], job: IndexJob, *, verbose: bool) -> None:
    def write(event: Event[Indexed], made: Indexed, say: Say) -> None:
        if verbose or made.what in ("new", "changed"):
            say(f"{made.name}   {made.what}: {made.regions} regions  {event.seconds:.1f} s")

    tally = follow(events, write)
    typer.echo(f"{job.folder}: {job.tally.line()}")
    tally.finish()


def _care(flags: IndexFlags) -> None:
    if flags.repair:
        typer.echo(care.repair(flags.db).text())
    if flags.optimize:
        typer.echo(care.optimize(flags.db))
    if flags.stats:
        typer.echo(care.stats(flags.db).text())
    if flags.check:
        report = care.check(flags.db)
        typer.echo(report.text())
        if not report.is_sound:
            raise typer.Exit(1)
