"""What the commands over videos say: a bar while frames come, and who was there when."""

import sys
from contextlib import ExitStack, closing
from time import perf_counter
from typing import TYPE_CHECKING

import typer

from wordmask.doors.cli.lines import file_line
from wordmask.jobs.moving import MovingJob, render
from wordmask.jobs.presence import Presence

if TYPE_CHECKING:
    from wordmask.doors.cli.bar import Bar  # rich is loaded when a bar is shown

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
        """`total`: 0 where nobody knows it."""
        self._stack = ExitStack()
        self._bar = _make_bar(total or None) if sys.stderr.isatty() else None
        self._start, self.count = perf_counter(), 0

    def __enter__(self) -> "FrameBar":
        if self._bar is not None:
            self._stack.enter_context(self._bar)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def advance(self) -> None:
        self.count += 1
        if self._bar is not None:
            rate = self.count / max(perf_counter() - self._start, 1e-9)
            self._bar.move(self.count, f"{rate:.1f} frames/s")


def _make_bar(total: int | None) -> "Bar":
    from wordmask.doors.cli.bar import Bar

    return Bar(total)
