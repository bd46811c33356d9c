"""Values that are made once: when they are first asked for, or once for the same argument."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key")
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


class Last(Generic[Key, Value]):
    """The answer for the argument that came last: the same object again costs nothing.

    >>> lengths, made = Last(), []
    >>> words = ("cat", "dog")
    >>> [lengths.get(words, lambda words: made.append(words) or len(words)) for _ in range(2)]
    [2, 2]
    >>> len(made)
    1
    """

    def __init__(self) -> None:
        # Replaced as a whole, so that threads see a key with its own value. The key is held: as
        # long as it lives, no other object can be taken for it.
        self._pair: tuple[Key, Value] | None = None

    def get(self, key: Key, make: Callable[[Key], Value]) -> Value:
        """`make(key)`, or what it gave for this very object the last time."""
        pair = self._pair
        if pair is None or pair[0] is not key:
            pair = self._pair = (key, make(key))
        return pair[1]
