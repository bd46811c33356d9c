"""A load generator: requests over kept-open connections with as little work as possible."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np

TIMEOUT_S = 120.0


class Call(NamedTuple):
    """One request and what came of it."""

    status: int  # 0: no answer
    seconds: float
    bytes: int
    retries: bool  # whether it says when to come back


@dataclass
class CallTally:
    """Many calls."""

    calls: list[Call] = field(default_factory=list)
    seconds: float = 0.0  # that all of them together took

    def of(self, *statuses: int) -> list[Call]:
        return [call for call in self.calls if call.status in statuses]

    @property
    def answered(self) -> list[Call]:
        return self.of(200)

    @property
    def refused(self) -> list[Call]:
        return self.of(429, 503)

    @property
    def errors(self) -> int:
        return len(self.calls) - len(self.answered) - len(self.refused)

    @property
    def per_second(self) -> float:
        return len(self.answered) / max(self.seconds, 1e-9)


def percentile_ms(calls: Sequence[Call], share: float) -> float | None:
    """Time within which this share of the calls came back; None without calls."""
    if not calls:
        return None
    return float(np.quantile([call.seconds for call in calls], share) * 1e3)


class Caller:
    """One connection."""

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        self._host, self._port = place.hostname or "", place.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, text: bytes) -> Call:
        """Send a whole request and read its answer."""
        start = time.perf_counter()
        try:
            head, body = await asyncio.wait_for(self._exchange(text), TIMEOUT_S)
        except (OSError, EOFError, TimeoutError, ValueError):
            self.close()
            return Call(0, time.perf_counter() - start, 0, retries=False)
        status = int(head.split(b" ", 2)[1])
        spent = time.perf_counter() - start
        return Call(status, spent, len(body), retries=b"retry-after:" in head.lower())

    async def _exchange(self, text: bytes) -> tuple[bytes, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(text)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        body = await reader.readexactly(int(length or 0))
        if b"connection: close" in head.lower():
            self.close()
        return head, body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def http_request(method: str, path: str, body: bytes, accept: str = "") -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += ["Content-Type: application/json"]
    lines += [f"Accept: {accept}"] if accept else []
    return "\r\n".join([*lines, "", ""]).encode() + body


async def one_after_the_other(address: str, texts: Sequence[bytes]) -> CallTally:
    """All requests on one connection."""
    caller, tally, start = Caller(address), CallTally(), time.perf_counter()
    for text in texts:
        tally.calls.append(await caller.call(text))
    caller.close()
    tally.seconds = time.perf_counter() - start
    return tally


async def people(address: str, texts: Sequence[bytes], count: int, seconds: float) -> CallTally:
    """So many people, each with a mean second between an answer and the next click."""
    tally, start = CallTally(), time.perf_counter()

    async def click(seed: int) -> None:
        rng, caller = random.Random(seed), Caller(address)
        await asyncio.sleep(rng.random())
        while time.perf_counter() - start < seconds:
            tally.calls.append(await caller.call(rng.choice(texts)))
            await asyncio.sleep(rng.expovariate(1.0))
        caller.close()

    await asyncio.gather(*(click(seed) for seed in range(count)))
    tally.seconds = time.perf_counter() - start
    return tally


async def closed_loop(
    address: str, texts: Sequence[bytes], count: int, seconds: float
) -> CallTally:
    """So many connections, each asking again as soon as it is answered: the capacity."""
    tally, start = CallTally(), time.perf_counter()

    async def ask(seed: int) -> None:
        rng, caller = random.Random(seed), Caller(address)
        while time.perf_counter() - start < seconds:
            tally.calls.append(await caller.call(rng.choice(texts)))
        caller.close()

    await asyncio.gather(*(ask(seed) for seed in range(count)))
    tally.seconds = time.perf_counter() - start
    return tally


async def open_loop(address: str, texts: Sequence[bytes], rate: float, seconds: float) -> CallTally:
    """Requests come at a rate, whether the earlier ones were answered or not."""
    tally, start, rng = CallTally(), time.perf_counter(), random.Random(0)
    free: list[Caller] = []
    under_way: set[asyncio.Task[None]] = set()

    async def ask() -> None:
        caller = free.pop() if free else Caller(address)
        tally.calls.append(await caller.call(rng.choice(texts)))
        free.append(caller)

    due = start
    while due - start < seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.ensure_future(ask())
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        due += rng.expovariate(rate)
    await asyncio.gather(*under_way)
    tally.seconds = time.perf_counter() - start
    for caller in free:
        caller.close()
    return tally


async def rude(address: str, text: bytes, is_over: Callable[[], bool]) -> int:
    """Clients that leave in the middle of a request or an answer, until it is over; how many."""
    count, rng = 0, random.Random(1)
    while not is_over():
        _, writer = await asyncio.open_connection(*_place(address))
        writer.write(text[: rng.randrange(10, len(text) + 1)])
        await asyncio.sleep(rng.random() * 0.05)
        writer.transport.abort()
        count += 1
        await asyncio.sleep(rng.expovariate(2.0))
    return count


def _place(address: str) -> tuple[str, int]:
    place = urlsplit(address)
    return place.hostname or "", place.port or 80
