"""One writer at a time: a lock on a file, which the system lets go of when a process dies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wordmask.errors import OutputError

NAME = "writer.lock"


@contextmanager
def write_lock(folder: Path) -> Iterator[None]:
    """Hold the folder for writing, or raise if another process does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error.strerror}); is it yours?") from None
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        try:
            import fcntl
        except ImportError:  # Windows
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # not on Linux
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise OutputError(
            f"{folder} is being written by another process; wait for it, or use another index"
        ) from None
