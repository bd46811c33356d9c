"""The engines that are served, loaded on a thread of their own so that nothing else waits."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from wordmask.core.models import Models
from wordmask.doors.server.problems import RefusalError

log = logging.getLogger("wordmask.server")


class Shelf:
    """Names of engines -> the engines, once they are loaded."""

    def __init__(self, names: Sequence[str], load: Callable[[str], Models]) -> None:
        self.names = tuple(dict.fromkeys(names))
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="wordmask-load")
        self._loading: dict[str, Future[Models]] = {
            name: self._pool.submit(load, name) for name in self.names
        }

    def name_of(self, name: str | None) -> str:
        """The name, which must be a served one; the first where none is given."""
        wanted = name or self.names[0]
        if wanted not in self._loading:
            served = ", ".join(self.names)
            raise RefusalError(422, f"no such model is served; served: {served}", field="model")
        return wanted

    def find(self, name: str | None) -> "Future[Models]":
        """The engines of that name; the first ones where none is given."""
        return self._loading[self.name_of(name)]

    @property
    def is_ready(self) -> bool:
        """Whether the first engines can answer."""
        first = self._loading[self.names[0]]
        return first.done() and first.exception() is None

    def describe(self) -> list[dict[str, object]]:
        """Each served name, whether it is loaded, and whose weights it has."""
        rows: list[dict[str, object]] = []
        for name, future in self._loading.items():
            has_failed = future.done() and future.exception() is not None
            is_loaded = future.done() and not has_failed
            state = "failed" if has_failed else "loaded" if is_loaded else "loading"
            made_by = list(future.result().made_by) if is_loaded else []
            rows.append({"name": name, "state": state, "made_by": made_by})
        return rows

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
