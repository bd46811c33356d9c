"""A job's events on a terminal or in a pipe: lines, a progress bar, a summary, the exit code."""

import logging
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from wordmask.doors.cli.errors import sentence
from wordmask.errors import SOME_FAILED, WordmaskError
from wordmask.jobs.loop import Event

if TYPE_CHECKING:
    from wordmask.doors.cli.bar import Bar  # rich is loaded when a bar is shown

Answer = TypeVar("Answer")
NAME = 20  # characters of the current item's name beside the bar


@dataclass
class Tally:
    """What the events of a job came to."""

    noun: str  # "pictures"
    total: int = 0
    finished: int = 0
    skipped: int = 0
    failed: list[tuple[str, WordmaskError]] = field(default_factory=list)

    def add(self, event: Event[Any]) -> None:
        self.total = event.total
        self.finished = event.count
        self.skipped += event.kind == "skipped"
        if event.error is not None:
            self.failed.append((event.item, event.error))

    def finish(self) -> None:
        """Say how many were done, and leave with an exit code if some were not."""
        if self.total > 1:
            typer.echo(f"{self.total} {self.noun}: {', '.join(self._parts())}", err=True)
        if self.failed:
            error = self.failed[0][1]
            raise typer.Exit(error.exit_code if self.total == 1 else SOME_FAILED)

    def _parts(self) -> list[str]:
        parts = [f"{self.finished - self.skipped - len(self.failed)} done"]
        if self.skipped:
            parts.append(f"{self.skipped} made before with the same options")
        if self.failed:
            names = ", ".join(name for name, _ in self.failed[:5])
            more = " ..." if len(self.failed) > 5 else ""
            parts.append(f"{len(self.failed)} failed: {names}{more}")
        return parts


Say = Callable[[str], None]


def follow(
    events: Iterable[Event[Answer]],
    write: Callable[[Event[Answer], Answer, Say], None],
    noun: str = "pictures",
    *,
    to_stderr: bool = False,
) -> Tally:
    """Show the events as they come; `write` says what came of an item, line by line.

    The lines go to standard output unless `to_stderr`, errors never do.
    """
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    tally = Tally(noun)
    with ExitStack() as stack:
        screen: _Lines | _EventBar | None = None
        for event in events:
            if screen is None:
                has_bar = event.total > 1 and sys.stderr.isatty()
                screen = _open_bar(event.total, stack) if has_bar else _Lines(to_stderr)
            screen.show(event)
            if event.kind != "start":
                tally.add(event)
            if event.error is not None:
                screen.say(error_line(event.item, event.error))
            elif event.answer is not None:
                write(event, event.answer, screen.say)
    return tally


def error_line(name: str, error: WordmaskError) -> str:
    """The error, with the item's name unless it says it."""
    text = sentence(error)
    return f"error: {text}" if name in text else f"error: {name}: {text}"


class _Lines:
    """Plain lines, for a pipe or for one item."""

    def __init__(self, to_stderr: bool) -> None:
        self._to_stderr = to_stderr

    def show(self, event: Event[Any]) -> None:
        """A pipe gets no bar."""

    def say(self, line: str) -> None:
        typer.echo(line, err=self._to_stderr or line.startswith("error:"))


class _EventBar:
    """Lines above a progress bar, for a terminal."""

    def __init__(self, bar: "Bar") -> None:
        self._bar = bar

    def show(self, event: Event[Any]) -> None:
        rate = f"{event.rate:.1f}/s" if event.rate else ""
        name = event.item.rpartition("/")[2][-NAME:]
        self._bar.move(event.count, rate, name, event.total)

    def say(self, line: str) -> None:
        self._bar.say(line)


def _open_bar(total: int, stack: ExitStack) -> _EventBar:
    from wordmask.doors.cli.bar import Bar

    return _EventBar(stack.enter_context(Bar(total)))
