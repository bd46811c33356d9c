"""A value that is made when it is first asked for, and only once, however many threads ask."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Once(Generic[Value]):
    """The value of `make()`. Threads that ask while it is being made wait for it.

    >>> made = []
    >>> once = Once(lambda: made.append("again") or 5)
    >>> once(), once(), made
    (5, 5, ['again'])

    If `make` raises, whoever asks next tries again.
    """

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make: Callable[[], Value] | None = make
        self._values: tuple[Value, ...] = ()
        self._lock = Lock()

    def __call__(self) -> Value:
        with self._lock:
            if self._make is not None:
                self._values = (self._make(),)
                self._make = None  # what it held (a picture, an engine) may be freed
            return self._values[0]

    @property
    def made(self) -> tuple[Value, ...]:
        """The value, if it has been made; else nothing."""
        return self._values


class Slot(Generic[Value]):
    """A place for a value that its owner makes when it is first asked for.

    Unlike a `Once` it does not hold its owner, so a picture goes at once when nobody needs it any
    more, and not only when Python next looks for circles.
    """

    def __init__(self) -> None:
        self._values: tuple[Value, ...] = ()
        self._lock = Lock()

    def fill(self, make: Callable[[], Value]) -> Value:
        """The value; `make()` where there is none yet. Threads wait for the one that makes it."""
        with self._lock:
            if not self._values:
                self._values = (make(),)
            return self._values[0]

    @property
    def made(self) -> tuple[Value, ...]:
        """The value, if it has been made; else nothing."""
        return self._values
