"""`wordmask find`: words or an example in, regions of an index out."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from wordmask.doors.cli.errors import sentence
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.lines import absent_list, short
from wordmask.doors.cli.target import TargetFlags
from wordmask.engines import EngineOptions
from wordmask.errors import SOME_FAILED, Mend, PromptError, WordmaskError
from wordmask.jobs.find import Hit, IndexSearch, SearchAnswer, SearchQuery
from wordmask.jobs.found_files import FoundOutputs, as_record, write_found
from wordmask.jobs.setup import Setup
from wordmask.jobs.target import TargetOptions, load_finder
from wordmask.jobs.words import split_words
from wordmask.media.reading.read import read
from wordmask.tasks.search import SearchOptions


@dataclass(frozen=True)
class FindFlags(FoundOutputs):
    """What else is said of what is looked for, and how it is shown."""

    like: str = ""
    """A picture that shows an example, by click, box or result; alone: the picture as a whole."""
    click: tuple[str, ...] = ()
    """A point "x,y" on the example in --like, "x,y,0" beside it."""
    box: tuple[str, ...] = ()
    """A box "x0,y0,x1,y1" around the example in --like."""
    result: Path | None = None
    """A saved result of the picture in --like: its regions are the example, or those of region."""
    region: tuple[int, ...] = ()
    """The number of a region in result, counted from 0."""
    near: str = ""
    """A word for what must be next to what is looked for."""
    where: str = ""
    """A condition on columns: "date > '2024-01-01' AND album = 'trip'" (docs/search.md)."""
    model: str = "auto"
    """The engine that made the index."""
    json: bool = False
    """One JSON object for each region on stdout, and last {"not_here": [...]}."""

    def target(self) -> TargetOptions:
        flags = TargetFlags(result=self.result, region=self.region, click=self.click, box=self.box)
        return flags.parse()


@with_options(options=SearchOptions, flags=FindFlags, engine=EngineOptions)
def find(
    index: Annotated[Path, typer.Argument(help="The index that `wordmask index` made.")],
    options: SearchOptions,
    flags: FindFlags,
    engine: EngineOptions,
    words: Annotated[
        list[str] | None,
        typer.Argument(help='Each is looked for: dog, "red car", "cup next to laptop", @list.txt.'),
    ] = None,
    unwanted: Annotated[
        list[str] | None, typer.Option("--not", help="A word for what it must not be; many may be.")
    ] = None,
) -> None:
    """Find regions in an index, or say that they are nowhere in it.

    wordmask find photos.lance dog "red car" --not toy --sheet found.html
    """
    query = SearchQuery(
        split_words(words or []), split_words(unwanted or []), flags.near, flags.where
    )
    answer = _search(IndexSearch(index, Setup(flags.model, engine)), query, options, flags)
    if flags.json:
        _print_json(answer)
    else:
        _print_table(answer)
    _write(answer, flags)


def _write(answer: SearchAnswer, outputs: FoundOutputs) -> None:
    """Write the files; what could not be shown is told, and leaves with an exit code."""
    failed = False
    for made in write_found(answer, outputs):
        if isinstance(made, WordmaskError):
            typer.echo(f"error: {sentence(made)}", err=True)
            failed = True
        else:
            typer.echo(f"  -> {made}", err=True)
    if failed:
        raise typer.Exit(SOME_FAILED)


def _search(
    search: IndexSearch, query: SearchQuery, options: SearchOptions, flags: FindFlags
) -> SearchAnswer:
    """By words, or by the example in a picture."""
    target = flags.target()
    if not flags.like:
        if target.shows:
            raise PromptError(
                "a click, box or result shows an example in a picture, and none is given",
                mend=Mend("like", "PICTURE"),
            )
        return search.find(query, options)
    if query.words:
        raise PromptError(
            f"look for words or for what is like a picture, not for both; got {query.words[0]!r}"
        )
    picture = read(flags.like)
    shown = load_finder(target, search.setup).find(picture).masks if target.shows else None
    return search.find_like(picture, shown, query, options)


def _print_json(answer: SearchAnswer) -> None:
    for hit in answer.hits:
        typer.echo(json.dumps(as_record(hit)))
    typer.echo(json.dumps({"not_here": [word._asdict() for word in answer.absent]}))


def _print_table(answer: SearchAnswer) -> None:
    for word in dict.fromkeys(hit.word for hit in answer.hits):
        hits = [hit for hit in answer.hits if hit.word == word]
        typer.echo(f"{word}   {len(hits)} region{'s' if len(hits) != 1 else ''}")
        for hit in hits:
            typer.echo(f"  {_line(hit)}")
    learned = [word for word in answer.absent if not word.unknown]
    unknown = [word.phrase for word in answer.absent if word.unknown]
    if learned:
        typer.echo(f"not here: {absent_list(learned)}")
    if unknown:
        typer.echo(f"never learned: {', '.join(unknown)} (index with a larger engine)")


def _line(hit: Hit) -> str:
    row = hit.row
    taken = f"  {row.date[:10]}" if row.date else ""
    box = f"{row.x0},{row.y0},{row.x1},{row.y1}"
    copies = f"  and {len(hit.copies)} alike" if hit.copies else ""
    return f"{short(hit.score):>4}  {near_path(row.path)}  {box}{taken}{copies}"


def near_path(path: str) -> str:
    """The path from here, if it lies below."""
    shown = os.path.relpath(path)
    return path if shown.startswith("..") else shown
