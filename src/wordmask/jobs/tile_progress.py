"""How far a job over rasters is, as events of tiles."""

import time
from typing import Generic, TypeVar

from wordmask.errors import WordmaskError
from wordmask.jobs.loop import Event, Kind

Answer = TypeVar("Answer")


class TileProgress(Generic[Answer]):
    """Counts tiles; a raster that has not been opened yet counts as one."""

    def __init__(self, rasters: int) -> None:
        self._total, self._left = rasters, 0
        self._count = self._made = 0
        self._start = self._last = time.perf_counter()

    def begin(self, name: str, tiles: int) -> Event[Answer]:
        """A raster of so many tiles has been opened."""
        self._total += tiles - 1
        self._left = tiles
        return self._event("start", name)

    def advance(self, name: str, kind: Kind) -> Event[Answer]:
        """A tile is done, or was done before."""
        self._count += 1
        self._left -= 1
        self._made += kind == "made"
        return self._event(kind, name)

    def answer(self, name: str, answer: Answer) -> Event[Answer]:
        """The raster is done."""
        self._left = 0
        return self._event("made", name, answer)

    def skip(self, name: str) -> Event[Answer]:
        """The raster was done before."""
        self._count += 1
        return self._event("skipped", name)

    def fail(self, name: str, error: WordmaskError) -> Event[Answer]:
        """The raster cannot be done; its other tiles count no more."""
        self._total -= max(self._left - 1, 0)
        self._count += min(self._left, 1) if self._left else 1
        self._left = 0
        return self._event("failed", name, error=error)

    def _event(
        self,
        kind: Kind,
        name: str,
        answer: Answer | None = None,
        error: WordmaskError | None = None,
    ) -> Event[Answer]:
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        rate = self._made / max(now - self._start, 1e-9)
        return Event(kind, name, self._count, self._total, rate, answer, error, seconds)
