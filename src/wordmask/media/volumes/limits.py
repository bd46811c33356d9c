"""How large a volume may be, checked before anything is inflated or read.

Only the header of a packed file is inflated first. What it promises is held against the limits, and
then no byte more than it promises is inflated.
"""

import gzip
import zlib
from dataclasses import dataclass
from io import BufferedIOBase
from math import prod
from pathlib import Path
from typing import IO, Annotated, Any

from annotated_types import Ge

from wordmask.core.options import check
from wordmask.errors import FormatError, ImageError, Mend
from wordmask.media.reading.limits import human, round_up

GZIP = b"\x1f\x8b"
SMALL = 1 << 20  # bytes up to which no ratio is asked for: little harm can come of them
PIECE = 1 << 22


@dataclass(frozen=True)
class VolumeLimits:
    """The most that a volume may have."""

    max_inflated: Annotated[int, Ge(1)] = 512 << 20
    """Bytes of the voxels, as they lie in memory."""
    max_ratio: Annotated[int, Ge(1)] = 200
    """How many times larger than the packed file."""
    max_voxels: Annotated[int, Ge(1)] = 512**3
    """Voxels."""

    def __post_init__(self) -> None:
        check(self)

    def check_shape(self, name: str, shape: tuple[int, ...], itemsize: int) -> int:
        """Raise for a volume that is too large or none at all; the bytes that it takes."""
        sides = " x ".join(f"{side:,}" for side in shape)
        if not shape or min(shape) < 1:
            raise FormatError(f"{name} is said to be {sides} voxels; every side needs at least one")
        count = prod(shape)
        if count > self.max_voxels:
            raise ImageError(
                f"{name} is said to be {sides} voxels ({human(count, '')}); "
                f"the limit is {human(self.max_voxels, '')}",
                mend=Mend("max_voxels", round_up(count)),
            )
        if count * itemsize > self.max_inflated:
            raise ImageError(
                f"{name} needs {human(count * itemsize, 'B')} for its voxels; "
                f"the limit is {human(self.max_inflated, 'B')}",
                mend=Mend("max_inflated", round_up(count * itemsize, "B")),
            )
        return count * itemsize

    def check_ratio(self, name: str, inflated: int, packed: int) -> None:
        """Raise for a small file that promises a large volume."""
        ratio = -(-inflated // max(packed, 1))
        if inflated > SMALL and ratio > self.max_ratio:
            raise ImageError(
                f"{name} of {human(packed, 'B')} would inflate to {human(inflated, 'B')}, "
                f"{ratio:,} times as much; the limit is {self.max_ratio:,}",
                mend=Mend("max_ratio", str(ratio)),
            )


def is_packed(path: Path) -> bool:
    """Whether a file is gzip, whatever its name says."""
    with path.open("rb") as file:
        return file.read(2) == GZIP


def open_file(path: Path) -> IO[bytes] | gzip.GzipFile:
    """The file's bytes, inflated as they are read."""
    return gzip.open(path, "rb") if is_packed(path) else path.open("rb")


def read_exactly(file: BufferedIOBase | Any, count: int, name: str) -> bytearray:
    """`count` bytes from where the file stands; an error where it ends before."""
    found = bytearray()
    try:
        while len(found) < count:
            piece = file.read(min(PIECE, count - len(found)))
            if not piece:
                break
            found += piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FormatError(f"{name} is cut or damaged: {error}") from error
    if len(found) < count:
        raise FormatError(
            f"{name} is cut: {human(len(found), 'B')} of {human(count, 'B')} are there; "
            "copy it again"
        )
    return found
