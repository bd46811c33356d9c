"""Files that are there whole or not at all, their hash, and the folder for what is fetched.

The rule: a temporary file beside the target, fsync, rename, fsync of the folder. A reader sees the
old file or the new one, never half of one, and nothing partial ever stands under a final name. A
failure removes the temporary file, and `sweep` removes what `kill -9` left behind.
"""

import errno
import json
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from wordmask.errors import OutputError

PART = ".part"  # in the name of every temporary file, before its suffix
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Together:
    """The files written in one block of `together`: whole, but still without their names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.parts: dict[Path, Path] = {}  # the file to be -> the temporary file

    def hold(self, path: Path) -> bool:
        """Whether the file lies below the folder by its name, wherever links may lead."""
        return path.absolute().is_relative_to(self.folder)

    def add(self, target: Path, part: Path) -> None:
        """Of a file that is written twice the last one counts."""
        earlier = self.parts.pop(target, None)
        if earlier is not None:
            earlier.unlink()
        self.parts[target] = part

    def place(self) -> None:
        """Give every file its name."""
        for target, part in self.parts.items():
            try:
                part.replace(target)
            except OSError as error:
                raise _output_error(target, part, error) from error
        for folder in {target.parent for target in self.parts}:
            _sync_folder(folder)
        self.parts.clear()

    def clear(self) -> None:
        """Remove what has got no name."""
        for part in self.parts.values():
            with suppress(OSError):
                part.unlink()
        self.parts.clear()


_TOGETHER: ContextVar[Together | None] = ContextVar("together", default=None)


@contextmanager
def together(folder: Path) -> Iterator[Together]:
    """Hold back the names of all files that this thread writes below `folder` until `place()`.

    A block that fails, or ends without `place()`, leaves every file there as it was.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with together(Path(folder)) as files:
    ...         _ = write_text(Path(folder) / "a.txt", "a")
    ...         _ = write_text(Path(folder) / "b.txt", "b")
    ...         before = len(list(Path(folder).glob("[!.]*")))
    ...         files.place()
    ...     before, len(list(Path(folder).glob("[!.]*")))
    (0, 2)
    """
    files = Together(folder)
    token = _TOGETHER.set(files)
    try:
        yield files
    finally:
        _TOGETHER.reset(token)
        files.clear()


@contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """A temporary path beside `path`, with its suffix; when the block ends well it becomes `path`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with atomic(Path(folder) / "new" / "note.txt") as part:
    ...         _ = part.write_text("whole")
    ...     print([path.name for path in Path(folder, "new").iterdir()])
    ['note.txt']

    The block is for writing only: an OSError inside it is taken for a failure to write.
    """
    target = _real(path)
    part = target.with_name(_part_name(target))
    files = _TOGETHER.get()
    kept = False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield part
        if files is not None and files.hold(Path(path)):
            _sync(part)
            files.add(target, part)
            kept = True
        else:
            place(part, target)
    except OutputError:
        raise
    except OSError as error:
        raise _output_error(path, part, error) from error
    finally:
        if not kept:
            with suppress(OSError):
                part.unlink()


def identity(path: Path | str) -> str:
    """One spelling for all the ways to name a file; a path that cannot exist stands for itself."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return str(path)


def _real(path: Path | str) -> Path:
    """A link keeps pointing where it did; what it points to is replaced."""
    try:
        target = Path(os.path.realpath(path))
    except ValueError as error:
        raise OutputError(f"{str(path)!r} is not a path: {error}") from error
    if target.is_dir():
        raise OutputError(f"{path}: there is a folder of that name; give a file in it")
    return target


def place(part: Path, target: Path) -> None:
    """Give a finished file its final name; from here on it survives a power cut."""
    _sync(part)
    part.replace(target)
    _sync_folder(target.parent)


def _sync(part: Path) -> None:
    with part.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # folders cannot be opened there; NTFS journals the rename
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems cannot sync a folder; the rename has happened all the same.
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def _output_error(path: Path | str, part: Path, error: OSError) -> OutputError:
    written = part.stat().st_size if part.exists() else 0
    if error.errno in _FULL:
        return OutputError(
            f"{path}: the disk is full after {written:,} bytes; free some space or write "
            "elsewhere. What stood there before is untouched"
        )
    return OutputError(
        f"{path} could not be written ({error.strerror or error}); is the folder there and yours?"
    )


def _part_name(target: Path) -> str:
    # Hidden, so that listings pass it over; long names are cut to what file systems hold.
    stem = os.fsdecode(os.fsencode(target.stem)[:150])
    return f".{stem}.{_host()}-{os.getpid()}-{secrets.token_hex(4)}{PART}{target.suffix}"


def _host() -> str:
    return sha256(socket.gethostname().encode()).hexdigest()[:8]


def sweep(folder: Path) -> int:
    """Remove the temporary files that killed processes of this machine left in `folder`.

    Returns how many.
    """
    removed = 0
    for part in sorted(folder.glob(f".*.{_host()}-*{PART}*")):
        pid = part.name.split(f".{_host()}-")[-1].split("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            part.unlink(missing_ok=True)
            removed += 1
    return removed


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def make_folder(folder: Path) -> None:
    """Make a folder, unless it is there and can be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fault = None if os.access(folder, os.W_OK) else "it is read-only"
    except OSError as error:
        fault = error.strerror or str(error)
    if fault is not None:
        raise OutputError(
            f"nothing can be written into the folder {folder} ({fault}); is it yours?"
        )


def write_bytes(path: Path | str, data: bytes) -> Path:
    with atomic(path) as part:
        part.write_bytes(data)
    return Path(path)


def write_text(path: Path | str, text: str) -> Path:
    # File names, which a text may quote, may hold bytes that are no UTF-8.
    return write_bytes(path, text.encode(errors="surrogateescape"))


def write_json(path: Path | str, value: Any, *, indent: int | None = None) -> Path:
    """`value` as UTF-8 JSON. NaN and infinity are refused: other readers would choke on them."""
    try:
        data = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:  # a file name with bytes that are no UTF-8
        data = json.dumps(value, indent=indent, allow_nan=False).encode()
    except (ValueError, TypeError) as error:
        raise OutputError(f"{path}: not writable as JSON: {error}") from error
    return write_bytes(path, data + b"\n")


def append_line(path: Path, data: bytes) -> int:
    """Add a line at the end of a file; when this returns, it is on the disk. The line's place.

    A line before it that was cut short spoils itself only.
    """
    length = len(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            data = b"\n" + data
        if os.write(handle, data) != len(data):
            raise OSError("the disk is full")
        os.fsync(handle)
        return os.lseek(handle, 0, os.SEEK_CUR) - length
    finally:
        os.close(handle)


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """One process or thread at a time. The system frees the lock of a process that dies."""
    with path.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def digest(path: Path) -> str:
    """sha256 of a file, in hex."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def cache_home() -> Path:
    """The folder for what is fetched or computed once: $WORDMASK_HOME or the platform's cache."""
    if os.environ.get("WORDMASK_HOME"):
        return Path(os.environ["WORDMASK_HOME"]).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "wordmask"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/wordmask"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wordmask"
