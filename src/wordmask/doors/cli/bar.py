"""A progress bar on the terminal: what is done of how many, how fast, and the time left."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)


class Bar:
    """On standard error, below the lines that it prints; it goes when it is done."""

    def __init__(self, total: int | None) -> None:
        """`total`: None where nobody knows it."""
        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
        )
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=total, rate="")

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def move(self, count: int, rate: str, item: str = "", total: int | None = None) -> None:
        """`count` are done, at this rate; `item` is being worked on. `total`: where it changes."""
        self._progress.update(self._task, completed=count, rate=rate, description=item, total=total)

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
