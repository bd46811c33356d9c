"""Anything that decides an output, as plain JSON, so that a ledger can tell two jobs apart."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.files import digest


def plain(value: Any) -> Any:
    """The value as JSON holds it; arrays, which may be large, by their digest.

    >>> plain({"at": Path("a"), "box": (1, 2)})
    {'at': 'a', 'box': [1, 2]}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, np.ndarray):
        content = sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return f"{value.dtype} {value.shape} {content}"
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value) if isinstance(value, Path) else repr(value)


def digest_of_file(path: Path | str | None) -> str:
    """sha256 of the file's content; "" where there is no file, which its reader will tell."""
    try:
        return digest(Path(path or ""))
    except (OSError, ValueError):
        return ""
