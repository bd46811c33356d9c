"""Numbers for JSON: numpy's become Python's, what is not a number becomes null."""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """The same value in what JSON has.

    >>> plain({"a": np.float64("nan"), "b": (np.int32(3), 0.5)})
    {'a': None, 'b': [3, 0.5]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if isfinite(value) else None
    return str(value) if isinstance(value, Path) else value
