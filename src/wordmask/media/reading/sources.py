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

SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".heic", ".heif"]
)
OURS = (
    "*.masks.png",
    "*.overlay.png",
    "*.cutout.png",
    "*.labels.png",
)  # what earlier runs left beside the pictures


@dataclass(frozen=True, eq=False)
class Found:
    """One thing to read: a file, or what was handed over itself. Nothing has been opened yet."""

    source: Any
    name: str
    path: Path | None = None  # None for standard input, web addresses, arrays and bytes
    under: Path | None = None  # where it lay below the folder that was named: "trip/day 2/a.jpg"
    error: WordmaskError | None = None  # it cannot be read at all: no such file, an empty glob


def find(sources: Any, *, skip: Iterable[str] = OURS) -> Iterator[Found]:
    """What `sources` name, without opening anything: each file once, in the order given, folders in natural order.

    A source is a file, a folder (gone through with all below it, hidden ones not), a glob (`**` too), a list
    of paths in a text file as "@names.txt", "-", a web address, an array, bytes, a PIL picture, or a list of these.
    In folders and globs only names with a picture's suffix count, and none that matches `skip`.
    """
    seen: set[str] = set()
    skip = tuple(skip)
    for found in _each(sources, skip):
        key = identity(found.path) if found.path is not None and found.error is None else None
        if key is None or key not in seen:
            yield found
        if key is not None:
            seen.add(key)


def identity(path: Path | str) -> str:
    """One spelling for all the ways to name a file; a path that cannot exist stands for itself."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return str(path)


def natural(text: str) -> tuple[Any, ...]:
    """Sort key under which "img2" comes before "img10".

    >>> sorted(["img10", "img2", "Img1"], key=natural)
    ['Img1', 'img2', 'img10']
    """
    parts = re.split(r"([0-9]+)", text)
    key = tuple(
        (0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part.casefold())
        for part in parts
        if part
    )
    return (*key, (2, 0, text))


def _each(sources: Any, skip: tuple[str, ...]) -> Iterator[Found]:
    if isinstance(sources, str | Path):
        yield from _of_text(str(sources), skip)
    elif isinstance(sources, Image | np.ndarray | bytes | bytearray | memoryview) or hasattr(
        sources, "getexif"
    ):
        yield Found(
            sources,
            str(getattr(sources, "name", "") or getattr(sources, "filename", "") or "the picture"),
        )
    elif hasattr(sources, "read"):
        yield Found(sources, str(getattr(sources, "name", "") or "the picture"))
    elif isinstance(sources, Iterable):
        for source in sources:
            yield from _each(source, skip)
    else:
        raise InputError(
            f"pictures are paths, arrays, bytes or lists of these, got {type(sources).__name__}"
        )


def _of_text(text: str, skip: tuple[str, ...]) -> Iterator[Found]:
    if text == "-":
        yield Found(text, "stdin")
    elif text.startswith(("http://", "https://")):
        yield Found(text, text)
    elif text.startswith("@") and not os.path.lexists(text):
        yield from _of_list(text[1:], skip)
    else:
        yield from _of_path(text, skip)


def _of_path(text: str, skip: tuple[str, ...]) -> Iterator[Found]:
    path = Path(text)
    if _is(path.is_dir):
        empty = True
        for found in _walk(path, Path(), skip):
            empty = False
            yield found
        if empty:
            yield _nothing(text, f"{text} holds no pictures ({' '.join(sorted(SUFFIXES))})")
    elif has_magic(text) and not _is(path.exists):  # a file may be called "cat[1].jpg"
        matches = sorted(glob(text, recursive=True), key=natural)  # noqa: PTH207  Path.glob cannot start at /
        names = [Path(match) for match in matches if _counts(Path(match), skip)]
        for match in names:
            yield Found(str(match), str(match), match, Path(match.name))
        if not names:
            yield _nothing(
                text, f"no picture matches {text}; is the pattern right, seen from {Path.cwd()}?"
            )
    else:
        yield Found(text, text, path, Path(path.name))  # whatever it is, read() will tell


def _walk(folder: Path, below: Path, skip: tuple[str, ...]) -> Iterator[Found]:
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
            yield from _walk(path, below / entry.name, skip)
        elif _counts(path, skip):
            yield Found(str(path), str(path), path, below / entry.name)


def _counts(path: Path, skip: tuple[str, ...]) -> bool:
    return (
        path.suffix.lower() in SUFFIXES
        and not any(path.match(pattern) for pattern in skip)
        and not path.is_dir()
    )


def _of_list(text: str, skip: tuple[str, ...]) -> Iterator[Found]:
    """One path a line; blank lines and lines that begin with # say nothing. "@-" is standard input."""
    try:
        lines = sys.stdin.read() if text == "-" else Path(text).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        yield _nothing(
            text, f"the list @{text} cannot be read: {getattr(error, 'strerror', None) or error}"
        )
        return
    for line in lines.splitlines():
        if line.strip() and not line.startswith("#"):
            yield from _of_text(line.strip(), skip)


def _nothing(name: str, message: str) -> Found:
    return Found(None, name, error=InputError(message))


def _is(test: Callable[[], bool]) -> bool:
    """A path that cannot even be asked about (too long, a zero byte) is nothing; read() will say why."""
    try:
        return test()
    except (OSError, ValueError):
        return False
