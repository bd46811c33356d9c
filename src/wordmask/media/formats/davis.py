"""Pictures of ids as DAVIS has them: a palette PNG for each frame, a pixel is an object's id."""

from pathlib import Path

import numpy as np

from wordmask.core.image import Array
from wordmask.core.result import Result
from wordmask.errors import FormatError
from wordmask.media.formats.ids import read_numbers, write_palette
from wordmask.media.formats.records import FormatOptions

MOST = 255  # ids fit in a byte


def write_davis(result: Result, path: Path) -> Path:
    """The ids of the objects; of overlapping ones the best is seen. 0 is the background."""
    if result.track_ids is None:
        raise FormatError(f"{path.name}: a picture of objects needs their ids; the result has none")
    if len(result) and not 1 <= result.track_ids.min() <= result.track_ids.max() <= MOST:
        raise FormatError(
            f"{path.name}: ids of objects are 1 to {MOST} here, got {result.track_ids.max()}; "
            "use jsonl"
        )
    pixels = np.zeros(result.size, np.uint8)
    for row in range(len(result) - 1, -1, -1):
        result.masks.paint(pixels, row, result.track_ids[row])
    write_palette(pixels, path)
    return path


def read_objects(path: Path, options: FormatOptions | None = None) -> dict[int, Array]:
    """Id -> mask (H, W) bool, of a PNG of ids; what is black and white is one object, 1."""
    numbers = read_numbers(path, options or FormatOptions())
    if numbers.ndim == 3:
        if (numbers != numbers[..., :1]).any():
            raise FormatError(
                f"{path.name} has colours; a picture of objects is grey or has a palette"
            )
        numbers = numbers[..., 0]
    values = np.unique(numbers[numbers > 0]).tolist()
    if not values:
        raise FormatError(f"{path.name} shows no object: all of its pixels are 0")
    if values == [MOST] or values == [(1 << 16) - 1]:
        return {1: np.asarray(numbers > 0)}
    return {value: np.asarray(numbers == value) for value in values}
