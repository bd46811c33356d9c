"""Text and JSON from strangers: limits before anything is built, then checks on every value.

Each check takes the value's place (`where`) for its message and returns the value as what it is.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.errors import FormatError
from wordmask.media.formats.records import FormatOptions
from wordmask.media.reading.limits import human

Kinds = type | tuple[type, ...]


# ---- text


def read_text(path: Path, options: FormatOptions) -> bytes:
    """The bytes of a file that is not larger than `options.max_bytes`."""
    try:
        size = path.stat().st_size
        if size > options.max_bytes:
            most = human(options.max_bytes, "B")
            raise FormatError(
                f"{path} has {human(size, 'B')}, the limit is {most}; "
                "raise max_bytes if you trust it"
            )
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror or error}") from None


def parse_json(data: bytes, where: str, options: FormatOptions) -> Any:
    """The JSON value. Size and depth are checked before anything is built."""
    if len(data) > options.max_bytes:
        raise FormatError(
            f"{where} has {human(len(data), 'B')}, the limit is {human(options.max_bytes, 'B')}"
        )
    depth = _depth(data)
    if depth > options.max_depth:
        raise FormatError(
            f"{where} is nested {depth} deep, the limit is {options.max_depth}; "
            "is it one of our files?"
        )
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise FormatError(f"{where} is not JSON: {error}") from None


def read_json(path: Path, options: FormatOptions) -> Any:
    """The JSON value in a file."""
    return parse_json(read_text(path, options), path.name, options)


def dump_json(value: Any) -> str:
    """One line of JSON with a newline."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        # Half a surrogate pair, from a file name that is not Unicode, can only be written escaped.
        text = json.dumps(value, allow_nan=False)
    return text + "\n"


def _depth(data: bytes) -> int:
    """How many brackets are open at once, at most; brackets inside strings do not count."""
    bare = re.sub(rb'"(?:[^"\\]|\\.)*+"', b"", data, flags=re.DOTALL)
    marks = np.frombuffer(bare, np.uint8)
    marks = marks[np.isin(marks, np.frombuffer(b"[]{}", np.uint8))]
    steps = np.where(np.isin(marks, np.frombuffer(b"[{", np.uint8)), 1, -1)
    return int(np.cumsum(steps).max(initial=0))


# ---- values


def take(mapping: Any, key: str, kinds: Kinds, where: str) -> Any:
    """`mapping[key]`, which must be there and be of one of the kinds."""
    if not isinstance(mapping, dict):
        raise FormatError(f"{where} must be an object, got {_short(mapping)}")
    if key not in mapping:
        keys = ", ".join(map(str, list(mapping)[:12])) or "nothing"
        raise FormatError(f"{where} has no {key!r}; it has {keys}")
    return check_kind(mapping[key], kinds, f"{where}: {key}")


def check_kind(value: Any, kinds: Kinds, where: str) -> Any:
    """`value`, which must be of one of the kinds. True and False are no numbers."""
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        names = " or ".join(sorted(kind.__name__ for kind in kinds))
        raise FormatError(f"{where} must be {names}, got {_short(value)}")
    return value


def check_members(value: Any, kinds: Kinds, where: str) -> list[Any]:
    """`value`, which must be a list whose members are of one of the kinds."""
    return [check_kind(member, kinds, where) for member in check_kind(value, list, where)]


def number(value: Any, where: str) -> float:
    """A finite number."""
    value = check_kind(value, (int, float), where)
    if not -1e15 < value < 1e15:  # neither NaN, nor infinite, nor an integer too large for a float
        raise FormatError(f"{where} must be a finite number, got {_short(value)}")
    return float(value)


def numbers(value: Any, where: str) -> Array:
    """A flat list of numbers as (n,) float64."""
    rows = check_kind(value, list, where)
    try:
        array = np.array(rows, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise FormatError(f"{where} must be a list of numbers, got {_short(value)}") from None
    if array.ndim != 1 or any(isinstance(row, str) for row in rows):
        raise FormatError(f"{where} must be a flat list of numbers, got {_short(value)}")
    return array


def pairs(value: Any, where: str) -> Array:
    """A list of pairs [x, y], at least one, as (n, 2) float64."""
    rows = check_kind(value, list, where)
    if not rows or not all(isinstance(row, list) and len(row) == 2 for row in rows):
        raise FormatError(f"{where} must be pairs [x, y]")
    flat = [number(side, where) for row in rows for side in row]
    return np.array(flat, np.float64).reshape(-1, 2)


def integer(value: Any, where: str) -> int:
    """An id: an integer that fits into 64 bits."""
    if not -(2**63) <= check_kind(value, int, where) < 2**63:
        raise FormatError(f"{where} must be an integer of at most 64 bits, got {_short(value)}")
    return int(value)


def optional_integer(value: Any, where: str) -> int | None:
    return None if value is None else integer(value, where)


def score_of(value: Any, where: str) -> float:
    """A number in [0, 1]."""
    score = number(value, where)
    if not 0 <= score <= 1:
        raise FormatError(f"{where} must lie in [0, 1], got {score:g}")
    return score


def size_of(sides: Sequence[Any], where: str, options: FormatOptions) -> Size:
    """(height, width), at most what `options.limits` allow."""
    if len(sides) != 2:
        raise FormatError(f"{where}: a size is [height, width], got {len(sides)} values")
    height, width = sides
    options.limits.check_size(
        where, integer(width, f"{where}: width"), integer(height, f"{where}: height")
    )
    return height, width


def size_in(mapping: Any, keys: tuple[str, str], where: str, options: FormatOptions) -> Size:
    """The size that stands under two keys, height first."""
    return size_of([take(mapping, key, int, where) for key in keys], where, options)


def plain(value: Any) -> float:
    """A number for JSON: a float32 as the shortest text that reads back to it.

    >>> plain(np.float32(0.91))
    0.91
    """
    return float(str(value)) if isinstance(value, np.floating) else float(value)


def _short(value: Any) -> str:
    """The value, or the name of its type, in at most 60 characters."""
    shown = isinstance(value, str | int | float | bool | None)
    text = repr(value) if shown else type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."
