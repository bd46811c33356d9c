"""What the commands over videos say: a bar while frames come, and who was there when."""

import sys
from contextlib import closing
from time import perf_counter
from typing import Any

import typer

from wordmask.doors.cli.lines import file_line
from wordmask.jobs.moving import MovingJob, render
from wordmask.jobs.presence import Presence

MOST_RUNS = 6  # comings of one object that are listed


def run_moving(job: MovingJob, verb: str) -> None:
    """Make the video, and say what was found in it; also where it is stopped."""
    bar = FrameBar(job.footage.count)
    try:
        with closing(render(job)) as frames, bar:
            for _ in frames:
                bar.advance()
    finally:
        if bar.count and job.path.exists():
            told = f"{job.footage.name}   {verb}: {bar.count} frames"
            lines = [told, *who_was_there(job.presence)]
            typer.echo("\n".join(lines) + file_line([job.path]))


def who_was_there(presence: Presence) -> list[str]:
    """A line for each object, and one for the words that were never there."""
    lines = [f"  {object_line(presence, id)}" for id in sorted(presence.names)]
    if presence.absent:
        lines.append(f"  not here: {', '.join(presence.absent)}")
    return lines


def object_line(presence: Presence, id: int) -> str:
    """`1 dog   frames 0-45, 60-61`"""
    runs = presence.runs[id]
    spans = [f"{a}-{b}" if b > a else str(a) for a, b in runs[:MOST_RUNS]]
    more = f" and {len(runs) - MOST_RUNS} more times" if len(runs) > MOST_RUNS else ""
    return f"{id} {presence.names[id] or 'object'}   frames {', '.join(spans)}{more}"


class FrameBar:
    """Frames a second and the time left, on a terminal; a pipe gets nothing."""

    def __init__(self, total: int) -> None:
        self._bar: Any = None
        if sys.stderr.isatty():
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
                TextColumn("{task.fields[fps]} frames/s"),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=total or None, fps="")
        self._start, self.count = perf_counter(), 0

    def __enter__(self) -> "FrameBar":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self) -> None:
        self.count += 1
        if self._bar is not None:
            fps = self.count / max(perf_counter() - self._start, 1e-9)
            self._bar.update(self._task, completed=self.count, fps=f"{fps:.1f}")
