"""`wordmask lint-words`: what will go wrong with a list of words."""

import json
from dataclasses import dataclass
from typing import Annotated

import typer
from annotated_types import Interval

from wordmask import engines
from wordmask.core.options import check
from wordmask.core.prompts import Text
from wordmask.doors.cli.flags import with_options
from wordmask.jobs.words import split_words
from wordmask.tasks.lint import NEAR, lint


@dataclass(frozen=True)
class LintOptions:
    """How closely the words are looked at."""

    model: str = "auto"
    """The engine that compares meanings; none: only the spelling is looked at."""
    near: Annotated[float, Interval(ge=-1, le=1)] = NEAR
    """Cosine from which two words count as meaning the same."""
    json: bool = False
    """As JSON on stdout."""

    def __post_init__(self) -> None:
        check(self)


@with_options(options=LintOptions)
def lint_words(
    words: Annotated[
        list[str], typer.Argument(help="The words; @words.txt reads one word from each line.")
    ],
    options: LintOptions,
) -> None:
    """Warn of words that will be confused with each other. Exit code 1 where there is a warning.

    wordmask lint-words sofa couch "dining table" table
    """
    text = Text(split_words(words))
    models = None if options.model == "none" else engines.load(options.model)
    found = lint(text, models, near=options.near)
    if options.json:
        typer.echo(json.dumps([warning._asdict() for warning in found]))
    elif found:
        for warning in found:
            about = " / ".join(warning.words) or "the list"
            typer.echo(f"{warning.kind}: {about}: {warning.advice}")
    else:
        typer.echo(f"{len(text.phrases)} words, nothing to warn of")
    if found:
        raise typer.Exit(1)
