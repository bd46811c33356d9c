"""One picture looked at for an index: here, or ahead of time by the workers of a Ray cluster.

Workers only look. What they find comes back to the one process that writes, row by row with keys:
a picture that two workers have looked at, because the first one died, is in the index once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from wordmask.core.models import Models
from wordmask.core.protocols import Dense
from wordmask.errors import ImageError, WordmaskError, missing_extra
from wordmask.jobs.outputs import WorkItem
from wordmask.jobs.setup import Setup
from wordmask.media.reading.read import read_found
from wordmask.tasks.describe import DescribeOptions, Description, describe_view
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View

TRIES = 3  # further workers that may die of a picture
AHEAD = 2  # pictures that wait for each worker
PATIENCE_S = 1800.0  # for one picture


class Looker(Protocol):
    """Where pictures are looked at."""

    def begin(self, items: Sequence[WorkItem], is_wanted: Callable[[WorkItem], bool]) -> None:
        """Say what will be asked for, in this order, as far as it is wanted."""
        ...

    def look(self, item: WorkItem) -> Description: ...


@dataclass(frozen=True, eq=False)
class LocalLooker:
    """In this process."""

    models: Models
    options: DescribeOptions
    setup: Setup

    def begin(self, items: Sequence[WorkItem], is_wanted: Callable[[WorkItem], bool]) -> None:
        """Nothing is looked at ahead."""

    def look(self, item: WorkItem) -> Description:
        return describe_view(self.view(item), self.options)

    def view(self, item: WorkItem) -> View:
        """The picture, read, and the engines that look at it."""
        read = read_found(item.found, self.setup.inputs.limits)
        if read.image is None:
            raise read.error or ImageError(f"{item.name} cannot be read")
        return View(read.image, self.models, Trace(how="index"))


class RayWorker:
    """Lives in a process of its own, with engines of its own."""

    def __init__(self, options: DescribeOptions, setup: Setup) -> None:
        self._looker = LocalLooker(setup.load(Dense), options, setup)

    def look(self, item: WorkItem) -> Description | WordmaskError:
        """An error of one picture is an answer, so that Ray does not take it for its own."""
        try:
            return self._looker.look(item)
        except WordmaskError as error:
            return error


class RayLooker:
    """Looks ahead: while one picture is written, the workers are busy with the next ones."""

    def __init__(self, options: DescribeOptions, setup: Setup, workers: int = 0) -> None:
        """`workers`: one for each GPU, or else for each core but one, where it is 0."""
        self._ray = _start_ray()
        found = self._ray.cluster_resources()
        gpus, cores = int(found.get("GPU", 0)), int(found.get("CPU", 1))
        # A core is left to Ray and to the writer: a cluster without one can hang.
        count = workers or gpus or max(1, cores - 1)
        kind = self._ray.remote(
            num_gpus=1 if gpus else 0, num_cpus=1, max_restarts=-1, max_task_retries=TRIES
        )(RayWorker)
        self.workers = [kind.remote(options, setup) for _ in range(count)]
        self._running: dict[str, Any] = {}  # item -> the answer to come
        self._rest: Iterator[WorkItem] = iter(())
        self._next = 0

    def begin(self, items: Sequence[WorkItem], is_wanted: Callable[[WorkItem], bool]) -> None:
        self._rest = (item for item in items if is_wanted(item))
        self._fill()

    def look(self, item: WorkItem) -> Description:
        answer = self._running.pop(item.source, None) or self._hand(item)
        self._fill()
        try:
            found = self._ray.get(answer, timeout=PATIENCE_S)
        except (self._ray.exceptions.RayError, TimeoutError) as error:
            raise ImageError(
                f"{item.name} was given up: {TRIES + 1} workers died of it, or it took too long "
                f"({type(error).__name__})"
            ) from None
        if isinstance(found, WordmaskError):
            raise found
        return _as_description(found)

    def _fill(self) -> None:
        room = AHEAD * len(self.workers) - len(self._running)
        for item in islice(self._rest, max(0, room)):
            self._running[item.source] = self._hand(item)

    def _hand(self, item: WorkItem) -> Any:
        worker = self.workers[self._next % len(self.workers)]
        self._next += 1
        return worker.look.remote(item)


def _start_ray() -> Any:
    try:
        import ray
    except ImportError:
        raise missing_extra("ray", "ray") from None
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False)
    return ray


def _as_description(found: Any) -> Description:
    if not isinstance(found, Description):
        raise ImageError(f"a worker answered with {type(found).__name__}; is its wordmask ours?")
    return found
