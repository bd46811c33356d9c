"""Run-length codes as COCO writes them: runs down the columns, background first.

A code is `{"size": [height, width], "counts": [...] or "..."}`. The compressed string holds each
count as 5-bit groups, low first, from the fourth on as the difference to the count two before.
"""

from operator import index
from typing import Any

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.errors import MaskError

MAX_BOX_PIXELS = 1 << 30  # one mask's box; beyond that a code is a bomb, not a mask
BLOCK = 1 << 18  # pixels that are turned into columns at a time


def pack(counts: Array) -> str:
    """Counts as COCO's compressed string.

    >>> pack(np.array([6, 1, 40, 4]))
    '61X13'
    """
    values = counts.astype(np.int64)
    values[3:] -= counts[1:-2]
    digits = []
    unfinished = np.ones(len(values), bool)
    while unfinished.any():
        digit = values & 31
        values >>= 5
        # The last group's bit 16 is the sign: stop once the rest is all sign.
        more = np.where(digit & 16, values != -1, values != 0)
        digits.append(np.where(unfinished, (digit | (more << 5)) + 48, 0))
        unfinished &= more
    rows = np.stack(digits, 1) if digits else np.zeros((0, 1), np.int64)
    return bytes(rows[rows > 0].astype(np.uint8)).decode("ascii")


def unpack(text: str | bytes) -> Array:
    """Counts from COCO's compressed string."""
    # What is not ASCII becomes bytes above 'o', which are refused below.
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
    groups = np.frombuffer(data, np.uint8).astype(np.int64) - 48
    if not len(groups):
        return np.zeros(0, np.int64)
    if (groups < 0).any() or (groups > 63).any():
        raise MaskError("not a run-length string: it holds characters outside '0'..'o'")
    ends = (groups & 32) == 0
    if not ends[-1]:
        raise MaskError("the run-length string is cut off in the middle of a count")
    first = np.flatnonzero(np.r_[True, ends[:-1]])
    place = np.arange(len(groups)) - np.repeat(first, np.diff(np.r_[first, len(groups)]))
    if place.max() > 10:
        raise MaskError("the run-length string holds a count of more than 55 bits")
    values = np.add.reduceat((groups & 31) << (5 * place), first)
    last = np.flatnonzero(ends)
    values -= np.where(groups[last] & 16, np.int64(1) << (5 * (place[last] + 1)), 0)
    # Counts 3, 5, 7 ... and 4, 6, 8 ... are sums of differences down each parity.
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def runs_of_crop(size: Size, corner: Array, crop: Array) -> Array:
    """COCO counts of a mask given as its tight crop; the full mask is never built."""
    return runs_of_spans(size, *spans_of_crop(size, corner, crop))


def spans_of_crop(size: Size, corner: Array, crop: Array) -> tuple[Array, Array]:
    """Start and end of every run of a crop, down the columns of the picture, in order."""
    if not crop.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    height = size[0]
    start = int(corner[0]) * height + int(corner[1])
    # A run begins and ends in one column, so the places alternate: start, end, start, end ...
    places = start + np.concatenate([_borders(crop, block, height) for block in _blocks(crop)])
    return places[0::2], places[1::2]


def runs_of_spans(size: Size, starts: Array, ends: Array) -> Array:
    """COCO counts of runs in order; runs that touch are one."""
    height, width = size
    if not len(starts):
        return np.array([height * width], np.int64)
    joined = starts[1:] == ends[:-1]  # down to the bottom, on from the top of the next column
    starts, ends = starts[np.r_[True, ~joined]], ends[np.r_[~joined, True]]
    borders = np.stack([starts, ends], 1).ravel()
    counts: Array = np.diff(np.r_[0, borders, height * width])
    return counts[:-1] if counts[-1] == 0 else counts


def crop_of_runs(size: Size, counts: Array) -> tuple[tuple[int, int], Array]:
    """Corner (x0, y0) and tight crop of COCO counts."""
    height = size[0]
    check_runs(size, counts)
    borders = np.cumsum(counts)
    starts, ends = borders[0::2][: len(counts) // 2], borders[1::2]
    full = ends > starts
    starts, ends = starts[full], ends[full]
    if not len(starts):
        return (0, 0), np.zeros((0, 0), bool)
    x0, x1 = int(starts[0] // height), int((ends[-1] - 1) // height) + 1
    crosses = starts // height != (ends - 1) // height
    y0 = 0 if crosses.any() else int((starts % height).min())
    y1 = height if crosses.any() else int(((ends - 1) % height).max()) + 1
    if (x1 - x0) * height > MAX_BOX_PIXELS:
        raise MaskError(
            f"a mask of {x1 - x0} x {height} pixels is over the limit of {MAX_BOX_PIXELS}; "
            "is the size right?"
        )
    steps = np.zeros((x1 - x0) * height + 1, np.int8)
    np.add.at(steps, starts - x0 * height, 1)
    np.add.at(steps, ends - x0 * height, -1)
    columns = np.cumsum(steps[:-1], dtype=np.int8).view(bool).reshape(x1 - x0, height)
    return (x0, y0), np.ascontiguousarray(columns[:, y0:y1].T)


def check_runs(size: Size, counts: Array) -> None:
    """Raise unless the counts cover the picture exactly."""
    height, width = size
    if height <= 0 or width <= 0:
        raise MaskError(f"a picture of {height} x {width} has no pixels")
    if (counts < 0).any():
        raise MaskError(f"a run is negative: {int(counts.min())}")
    got = int(counts.sum())
    if got != height * width or (len(counts) and int(counts.max()) > height * width):
        raise MaskError(
            f"runs sum to {got} pixels, the picture has {height * width} ({height} x {width}); "
            "is the size given as (height, width)?"
        )


def counts_of(code: Any) -> tuple[Size, Array]:
    """Size and counts of a COCO code, plain or compressed."""
    if not isinstance(code, dict) or "size" not in code or "counts" not in code:
        raise MaskError(f"a run-length code has the keys size and counts, got {str(code)[:80]}")
    size, counts = code["size"], code["counts"]
    try:
        height, width = (index(side) for side in size)
        array = unpack(counts) if isinstance(counts, str | bytes) else _whole(counts)
    except (TypeError, ValueError, OverflowError) as error:
        raise (
            error if isinstance(error, MaskError) else MaskError(f"broken run-length code: {error}")
        ) from None
    return (height, width), array


def _whole(counts: Any) -> Array:
    """Plain counts: whole numbers only, where numpy would cut 1.9 to 1 and read "1" as 1."""
    given = np.asarray(counts)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise MaskError(f"counts are a list of whole numbers, got {str(counts)[:80]}")
    return given.astype(np.int64)


def _blocks(crop: Array) -> list[slice]:
    """Columns that are looked at together: turned as a whole, a large crop leaves the cache."""
    step = max(1, BLOCK // crop.shape[0])
    return [slice(k, k + step) for k in range(0, crop.shape[1], step)]


def _borders(crop: Array, columns: slice, height: int) -> Array:
    """Where runs start and end in these columns, from the crop's corner, down the picture."""
    block = crop[:, columns].T
    padded = np.zeros((block.shape[0], block.shape[1] + 2), bool)
    padded[:, 1:-1] = block
    changes = np.flatnonzero(padded[:, 1:] != padded[:, :-1])
    column, row = np.divmod(changes, padded.shape[1] - 1)
    places: Array = (column + columns.start) * height + row
    return places
