"""What a running server holds, and how a question becomes an answer: once, in turn, in time."""

import asyncio
import sys
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

import cv2
import numpy as np
from starlette.requests import Request

from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.prompts import Points, Text
from wordmask.doors.server.answers import Reply
from wordmask.doors.server.bodies import Brought
from wordmask.doors.server.indexed import ServedIndex
from wordmask.doors.server.jobbook import JobBook
from wordmask.doors.server.labelstudio.pictures import LabelStudio
from wordmask.doors.server.lanes import Lane, Priority
from wordmask.doors.server.options import ServeOptions
from wordmask.doors.server.problems import RefusalError
from wordmask.doors.server.queries import PictureQuery
from wordmask.doors.server.shelf import Shelf
from wordmask.doors.server.store import PictureStore, StoredPicture
from wordmask.doors.server.videos import VideoStore
from wordmask.engines.options import EngineOptions
from wordmask.errors import WordmaskError
from wordmask.jobs.labelling import LabelFolder
from wordmask.media.reading.limits import amount
from wordmask.tasks.click import Click, click_logits
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import segment_view

SWITCH_S = 0.0005
Work = Callable[[], Reply]


@dataclass(frozen=True)
class Turn:
    """A piece of work, and what else decides when it is done."""

    work: Work
    priority: Priority
    key: Hashable = None  # who asks the same while it runs gets the same answer
    newest_of: Hashable = None  # of those that wait, only the newest is answered


@dataclass
class Flight:
    """Work that is under way, and how many requests wait for it."""

    future: "Future[Reply]"
    waiters: int = 0


class Service:
    """Engines, pictures and the queue of one server."""

    def __init__(self, options: ServeOptions, engine: EngineOptions) -> None:
        self.options, self._stack = options, ExitStack()
        workers = options.workers_now
        if workers > 1:
            self._stack.enter_context(limit_threads())
            engine = replace(engine, op_threads=engine.op_threads or 1)
        self.engine = engine
        self.lane = Lane(workers, options.queue)
        self.store = PictureStore(amount(options.cache_bytes))
        self.shelf = Shelf(options.model, lambda name: load_warm(name, engine))
        self.jobs = JobBook(self.lane, options.max_jobs, options.job_kept_s)
        self.videos = VideoStore(self.jobs.folder / "videos", options)
        self.label_studio = LabelStudio(
            options.label_studio, options.label_studio_token, amount(options.max_bytes)
        )
        self.folder: LabelFolder | None = None
        self.index: ServedIndex | None = None
        self._flights: dict[Hashable, Flight] = {}

    async def models(self, name: str | None) -> Models:
        """The engines of that name, once they are loaded."""
        future = asyncio.wrap_future(self.shelf.find(name))
        try:
            return await asyncio.wait_for(asyncio.shield(future), self.options.deadline_s)
        except TimeoutError:
            raise RefusalError(503, "the model is still being loaded", retry_s=5) from None

    def source(self, query: PictureQuery, brought: Brought) -> Callable[[], StoredPicture]:
        """Where the picture of a question comes from; one that came with it is decoded by a worker.

        One that is not there is told at once.
        """
        if isinstance(query.picture, str):
            known = self.require(query.picture)
            return lambda: known
        data = brought.picture(query.picture)
        return lambda: self.store.add(data, self.options.limits)

    def require(self, id: str) -> StoredPicture:
        """The picture with that id."""
        picture = self.store.find(id)
        if picture is None:
            raise RefusalError(
                404, "the server has no such picture (any more): send it again", field="picture"
            )
        return picture

    async def take_turn(self, turn: Turn, request: Request) -> Reply:
        """The answer when its turn has come; nothing is computed for a client that has gone."""
        flight = self._flights.get(turn.key) if turn.key is not None else None
        if flight is None:
            future = self.lane.submit(
                turn.work, turn.priority, self.options.deadline_s, turn.newest_of
            )
            flight = Flight(future)
            if turn.key is not None:
                self._flights[turn.key] = flight
        flight.waiters += 1
        try:
            return await self._wait(flight, request)
        finally:
            flight.waiters -= 1
            if flight.waiters == 0 and self._flights.get(turn.key) is flight:
                del self._flights[turn.key]

    async def _wait(self, flight: Flight, request: Request) -> Reply:
        loop, is_done = asyncio.get_running_loop(), asyncio.Event()
        flight.future.add_done_callback(lambda _: _wake(loop, is_done))
        tasks = [asyncio.ensure_future(is_done.wait()), asyncio.ensure_future(_leave(request))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        if is_done.is_set():
            return flight.future.result(timeout=0)
        if flight.waiters == 1:
            flight.future.cancel()
        raise RefusalError(400, "the client went away")

    def close(self) -> None:
        self.jobs.close()
        self.lane.close()
        self.shelf.close()
        self._stack.close()


def _wake(loop: asyncio.AbstractEventLoop, is_done: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the server has stopped meanwhile, and nobody waits
        loop.call_soon_threadsafe(is_done.set)


async def _leave(request: Request) -> None:
    """Ends when the client goes away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


@contextmanager
def limit_threads() -> Iterator[None]:
    """One thread for each operation: the workers are what runs at a time.

    With as many threads as cores in every worker, the cores would mostly wait for each other: a
    click takes two to three times the processor time.
    """
    from threadpoolctl import threadpool_limits

    opencv, switch_s = cv2.getNumThreads(), sys.getswitchinterval()
    with threadpool_limits(1):
        cv2.setNumThreads(1)
        # The thread that reads requests waits less for those that compute.
        sys.setswitchinterval(SWITCH_S)
        yield
    cv2.setNumThreads(opencv)
    sys.setswitchinterval(switch_s)


def load_warm(name: str, engine: EngineOptions) -> Models:
    """The engines, whose networks have all been used once: the first request is not slower."""
    models = engines.load(name, options=engine)
    view = View(Image(np.zeros((64, 64, 3), np.uint8), "warm-up"), models, Trace())
    with suppress(WordmaskError):  # what they cannot do, no request will ask of them either
        warm_up(view)
        segment_view(view, Text(("warm-up",)))
    return models


def warm_up(view: View) -> None:
    """Encode the picture, and cut once in it."""
    height, width = view.image.size
    click_logits(view, Click(Points.of([(width / 2, height / 2)])))
