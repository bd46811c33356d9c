"""Folders, globs and lists -> the pictures in them, in an order that is the same every time."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Image
from wordmask.errors import InputError, WordmaskError
from wordmask.files import identity
from wordmask.media.ledger import files_made_in, is_same

SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".heic", ".heif"]
)
# Names of pictures of results, for those that no ledger tells of: saved from Python, or moved.
OURS = ("*.masks.png", "*.overlay.png", "*.cutout.png", "*.labels.png")


@dataclass(frozen=True, eq=False)
class Found:
    """One thing to read: a file, or what was handed over itself. Nothing has been opened yet."""

    source: Any
    name: str
    path: Path | None = None  # None for standard input, web addresses, arrays and bytes
    under: Path | None = None  # where it lay in the folder that was named: "trip/day 2/a.jpg"
    error: WordmaskError | None = None  # it cannot be read at all: no such file, an empty glob


def find(sources: Any, *, skip: Iterable[str] = OURS) -> Iterator[Found]:
    """What `sources` name, without opening any picture: each file once, in the order given.

    A source is a file, a folder (with all folders in it, hidden ones not), a glob (`**` too), a
    text file of paths as "@names.txt", "-", a web address, an array, bytes, a PIL picture, or a
    list of these. In folders and globs only names with a picture's suffix count, in natural order.
    What wordmask itself wrote is passed over there: what a folder's ledger tells of, and names that
    match `skip`.
    """
    seen: set[str] = set()
    outputs = _Outputs(tuple(skip))
    for found in _each(sources, outputs):
        key = identity(found.path) if found.path is not None and found.error is None else None
        if key is None or key not in seen:
            yield found
        if key is not None:
            seen.add(key)


def natural(text: str) -> tuple[Any, ...]:
    """Sort key under which "img2" comes before "img10".

    >>> sorted(["img10", "img2", "Img1"], key=natural)
    ['Img1', 'img2', 'img10']
    """
    key: list[tuple[int, int, str]] = []
    for part in re.split(r"([0-9]+)", text):
        if part.isascii() and part.isdigit():
            key.append((0, int(part), ""))
        elif part:
            key.append((1, 0, part.casefold()))
    return (*key, (2, 0, text))


class _Outputs:
    """Tells what wordmask wrote from what a person put there."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self.count = 0  # of those that were passed over
        self._patterns = patterns
        self._made: dict[Path, dict[Path, Any]] = {}  # folder -> what its ledger tells of

    def hold(self, path: Path) -> bool:
        """Whether wordmask wrote the file at `path`."""
        if any(path.match(pattern) for pattern in self._patterns) or self._is_made(path):
            self.count += 1
            return True
        return False

    def _is_made(self, path: Path) -> bool:
        # A ledger tells of files in its own folder and, for Pascal VOC's, in those one below.
        for folder in (path.parent, path.parent.parent):
            if folder not in self._made:
                self._made[folder] = files_made_in(folder)
            made = self._made[folder].get(path)
            if made is not None and is_same(path, made):
                return True
        return False


def _each(sources: Any, outputs: _Outputs) -> Iterator[Found]:
    if isinstance(sources, str | Path):
        yield from _of_text(str(sources), outputs)
    elif _is_picture(sources):
        name = getattr(sources, "name", "") or getattr(sources, "filename", "")
        yield Found(sources, str(name or "the picture"))
    elif isinstance(sources, Iterable):
        for source in sources:
            yield from _each(source, outputs)
    else:
        kind = type(sources).__name__
        raise InputError(f"pictures are paths, arrays, bytes or lists of these, got {kind}")


def _is_picture(source: Any) -> bool:
    """An array, bytes, an open file, a PIL picture or one of our own."""
    if isinstance(source, Image | np.ndarray | bytes | bytearray | memoryview):
        return True
    return hasattr(source, "getexif") or hasattr(source, "read")


def _of_text(text: str, outputs: _Outputs) -> Iterator[Found]:
    if not text:
        yield _nothing("''", "a path is empty; the current folder is written as .")
    elif text == "-":
        yield Found(text, "stdin")
    elif text.startswith(("http://", "https://")):
        yield Found(text, text)
    elif text.startswith("@") and not os.path.lexists(text):
        yield from _of_list(text[1:], outputs)
    else:
        yield from _of_path(text, outputs)


def _of_path(text: str, outputs: _Outputs) -> Iterator[Found]:
    path = Path(text)
    if _is(path.is_dir):
        none = f"{text} holds no pictures ({' '.join(sorted(SUFFIXES))})"
        yield from _some(_walk(path, Path(), outputs), text, none, outputs)
    elif has_magic(text) and not _is(path.exists):  # a file may be called "cat[1].jpg"
        none = f"no picture matches {text}; is the pattern right, seen from {Path.cwd()}?"
        yield from _some(_of_glob(text, outputs), text, none, outputs)
    else:
        yield Found(text, text, path, Path(path.name))  # whatever it is, read() will tell


def _some(walked: Iterator[Found], text: str, none: str, outputs: _Outputs) -> Iterator[Found]:
    """What was found, or the error `none`."""
    before, empty = outputs.count, True
    for found in walked:
        empty = False
        yield found
    if empty and outputs.count > before:
        none = (
            f"{text} holds no pictures but {outputs.count - before} that wordmask made; "
            "to read those, name each of them"
        )
    if empty:
        yield _nothing(text, none)


def _of_glob(text: str, outputs: _Outputs) -> Iterator[Found]:
    matches = glob(text, recursive=True)  # noqa: PTH207  Path.glob cannot start at /
    for match in sorted(matches, key=natural):
        path = Path(match)
        if _is_wanted(path, outputs):
            yield Found(match, match, path, Path(path.name))


def _walk(folder: Path, below: Path, outputs: _Outputs) -> Iterator[Found]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: natural(entry.name))
    except OSError as error:
        yield _nothing(str(folder), f"{folder} cannot be listed: {error.strerror}")
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):  # a linked folder may lead back up
            yield from _walk(path, below / entry.name, outputs)
        elif _is_wanted(path, outputs):
            yield Found(str(path), str(path), path, below / entry.name)


def _is_wanted(path: Path, outputs: _Outputs) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.is_dir() and not outputs.hold(path)


def _of_list(text: str, outputs: _Outputs) -> Iterator[Found]:
    """One path a line; blank lines and lines that begin with # are passed over.

    "@-" is standard input.
    """
    try:
        lines = sys.stdin.read() if text == "-" else Path(text).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        yield _nothing(text, f"the list @{text} cannot be read: {reason}")
        return
    for line in lines.splitlines():
        if line.strip() and not line.startswith("#"):
            yield from _of_text(line.strip(), outputs)


def _nothing(name: str, message: str) -> Found:
    return Found(None, name, error=InputError(message))


def _is(test: Callable[[], bool]) -> bool:
    """False for a path that cannot even be asked about (too long, a zero byte); read() says why."""
    try:
        return test()
    except (OSError, ValueError):
        return False
