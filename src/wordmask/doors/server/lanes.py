"""Whose turn it is: a bounded queue and as many threads as there are cores.

Clicks go before encodings, those before words, those before jobs. One thread, where there are
several, is never given to words or jobs, so that a click does not wait for a second. A request
that has waited beyond its deadline is refused rather than answered too late, and where the queue
is full, what matters least goes.
"""

import heapq
import itertools
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from threading import Condition, Thread
from typing import Any

from wordmask.doors.server.problems import RefusalError, busy

USUAL_S = 0.1  # how long a piece of work is thought to take before any was measured
MEMORY = 0.9  # of the mean duration of work: how much of it the past makes up


class Priority(IntEnum):
    """What goes first."""

    CLICK = 0
    ENCODE = 1
    WORDS = 2
    JOB = 3


@dataclass(order=True)
class Ticket:
    """A piece of work in the queue."""

    priority: Priority
    number: int
    work: Callable[[], Any] = field(compare=False)
    deadline: float = field(compare=False)
    future: "Future[Any]" = field(compare=False)


class Lane:
    """Workers and their queue."""

    def __init__(self, workers: int, queue: int) -> None:
        self._most, self._workers = queue, workers
        self._light: list[Ticket] = []  # clicks and encodings
        self._heavy: list[Ticket] = []  # words and jobs
        self._newest: dict[Any, Ticket] = {}  # for previews, of which only the last one counts
        self._heavy_running = 0
        self._numbers = itertools.count()
        self._mean_s = USUAL_S
        self._is_open, self._changed = True, Condition()
        self.running = 0
        self._threads = [Thread(target=self._serve, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(
        self, work: Callable[[], Any], priority: Priority, wait_s: float, newest_of: Any = None
    ) -> "Future[Any]":
        """The work's future, or a refusal.

        Of tickets with the same `newest_of` only the last one is kept waiting.
        """
        deadline = time.monotonic() + wait_s
        ticket = Ticket(priority, next(self._numbers), work, deadline, Future())
        with self._changed:
            if not self._is_open:
                raise busy(self.retry_s)
            if newest_of is not None:
                self._replace(newest_of, ticket)
            if self.waiting >= self._most:
                self._make_room(priority)
            heap = self._heavy if priority >= Priority.WORDS else self._light
            heapq.heappush(heap, ticket)
            self._changed.notify()
        return ticket.future

    @property
    def waiting(self) -> int:
        return len(self._light) + len(self._heavy)

    def check_room(self, priority: Priority) -> None:
        """Raise what `submit` would raise for want of room: before a request is read."""
        if self.waiting < self._most:
            return
        with self._changed:
            heap = self._heavy or self._light
            if len(heap) and max(heap).priority <= priority:
                raise busy(self.retry_s)

    @property
    def retry_s(self) -> float:
        """When there may be room again."""
        return self._mean_s * (self.waiting + 1) / self._workers

    def close(self) -> None:
        """Refuse what waits; what runs is left to end."""
        with self._changed:
            self._is_open = False
            for ticket in self._light + self._heavy:
                _fail(ticket, busy(1))
            self._light.clear()
            self._heavy.clear()
            self._changed.notify_all()

    def _replace(self, name: Any, ticket: Ticket) -> None:
        earlier = self._newest.get(name)
        if earlier is not None and self._discard(earlier):
            _fail(earlier, RefusalError(409, "a newer preview of this client took its place"))
        self._newest[name] = ticket
        ticket.future.add_done_callback(lambda _: self._forget(name, ticket))

    def _forget(self, name: Any, ticket: Ticket) -> None:
        with self._changed:
            if self._newest.get(name) is ticket:
                del self._newest[name]

    def _discard(self, ticket: Ticket) -> bool:
        for heap in (self._light, self._heavy):
            if ticket in heap:
                heap.remove(ticket)
                heapq.heapify(heap)
                return True
        return False

    def _make_room(self, priority: Priority) -> None:
        """Refuse the newest ticket that matters less than this one, or else this one."""
        last = max(self._heavy or self._light)
        if last.priority <= priority:
            raise busy(self.retry_s)
        self._discard(last)
        _fail(last, busy(self.retry_s))

    def _serve(self) -> None:
        while True:
            ticket = self._take()
            if ticket is None:
                return
            try:
                self._run(ticket)
            finally:
                with self._changed:
                    self.running -= 1
                    self._heavy_running -= ticket.priority >= Priority.WORDS
                    self._changed.notify()
            del ticket  # while the next one is waited for, nothing of the last is held

    def _take(self) -> Ticket | None:
        """The next ticket, when there is one; None when the lane is closed."""
        with self._changed:
            while True:
                if not self._is_open:
                    return None
                heap = self._next_heap()
                if heap:
                    break
                self._changed.wait()
            ticket = heapq.heappop(heap)
            self.running += 1
            self._heavy_running += ticket.priority >= Priority.WORDS
            return ticket

    def _next_heap(self) -> list[Ticket]:
        if self._light:
            return self._light
        has_room = self._heavy_running < max(1, self._workers - 1)
        return self._heavy if has_room else []

    def _run(self, ticket: Ticket) -> None:
        if not ticket.future.set_running_or_notify_cancel():
            return
        start = time.monotonic()
        if start > ticket.deadline:
            ticket.future.set_exception(busy(self.retry_s))
            return
        try:
            value = ticket.work()
        except BaseException as error:  # whoever waits for the future is told
            ticket.future.set_exception(error)
        else:
            ticket.future.set_result(value)
        spent = time.monotonic() - start
        self._mean_s = MEMORY * self._mean_s + (1 - MEMORY) * spent


def _fail(ticket: Ticket, refusal: RefusalError) -> None:
    if ticket.future.set_running_or_notify_cancel():
        ticket.future.set_exception(refusal)
