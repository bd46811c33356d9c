"""The loop that every job runs: resume, one bad item passed over, progress, cancellation."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from wordmask.errors import WordmaskError
from wordmask.jobs.outputs import WorkItem

Answer = TypeVar("Answer")
Kind = Literal["start", "made", "skipped", "failed"]


class Keeper(Protocol):
    """Where the work goes: files (`Outputs`), or rows of an index."""

    def is_done(self, item: WorkItem) -> bool:
        """Whether an earlier job has made this item, and nothing has changed since."""
        ...

    def making(self, item: WorkItem) -> AbstractContextManager[None]:
        """What is written in the block is kept when it ends, or nothing is."""
        ...


@dataclass(frozen=True, eq=False)
class Event(Generic[Answer]):
    """What has just happened in a job.

    Every item has a "start" and then one of "made" (with an answer), "skipped" (the same job has
    made it before) and "failed" (with an error).
    """

    kind: Kind
    item: str
    count: int  # items that are finished
    total: int
    rate: float  # finished items a second; 0.0 before the first one
    answer: Answer | None = None
    error: WordmaskError | None = None
    seconds: float = 0.0  # that the item took

    @property
    def message(self) -> str:
        """The event in words, for a log.

        >>> Event("skipped", "cat.jpg", 3, 10, 1.5).message
        'cat.jpg: skipped (3 of 10)'
        """
        what = f"failed: {self.error}" if self.error is not None else self.kind
        return f"{self.item}: {what} ({self.count} of {self.total})"


def run(
    items: Sequence[WorkItem],
    work: Callable[[WorkItem], Answer],
    outputs: Keeper | None = None,
) -> Iterator[Event[Answer]]:
    """`work` on every item in turn, as the events are taken.

    What `work` writes goes through `outputs`: the files of an item get their names together, and an
    item that was made before is skipped. An error of ours ends its item only; any other is a bug.
    """
    start = time.perf_counter()
    total = len(items)
    for index, item in enumerate(items):
        began = time.perf_counter()
        yield Event("start", item.name, index, total, _rate(index, began - start))
        kind, answer, error = _attempt(item, work, outputs)
        now = time.perf_counter()
        rate = _rate(index + 1, now - start)
        yield Event(kind, item.name, index + 1, total, rate, answer, error, now - began)


def _attempt(
    item: WorkItem, work: Callable[[WorkItem], Answer], outputs: Keeper | None
) -> tuple[Kind, Answer | None, WordmaskError | None]:
    try:
        if outputs is None:
            return "made", work(item), None
        if outputs.is_done(item):
            return "skipped", None, None
        with outputs.making(item):
            answer = work(item)
    except WordmaskError as error:
        return "failed", None, error
    return "made", answer, None


def _rate(count: int, seconds: float) -> float:
    return count / max(seconds, 1e-9) if count else 0.0
