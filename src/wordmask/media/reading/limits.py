"""How large a picture or a video may be, checked before anything is decoded.

An error names the picture, what it has, and the field that raises the limit. `Limits()` is for
pictures of one's own; `Limits.server()` is for those that strangers send.

| field | `Limits()` | `Limits.server()` | what it bounds |
|---|---|---|---|
| max_bytes | 512 MB | 25 MB | the file, or the bytes of a stream |
| max_pixels | 50 MP | 50 MP | width x height |
| max_side | 65,535 px | 16,384 px | the longer side |
| max_frames | 1,000 | 1,000 | frames of a GIF, WebP or PNG; the first is read |
| max_pages | 1,000 | 1 | pages of a TIFF; the first is read |
"""

import re
from dataclasses import dataclass
from math import ceil, inf
from typing import Annotated

from annotated_types import Ge, Gt

from wordmask.core.options import check
from wordmask.errors import ImageError, Mend, OptionError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "HEIF")
UNITS = {"max_bytes": "B", "max_pixels": "P"}  # the other limits are plain counts
_FACTORS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True)
class Limits:
    """The most that a picture may have, and the formats that are read.

    >>> Limits(max_pixels=amount("3GP")).max_pixels
    3000000000
    """

    max_bytes: Annotated[int, Ge(1)] = 512_000_000
    """Bytes of the file."""
    max_pixels: Annotated[int, Ge(1)] = 50_000_000
    """Width x height."""
    max_side: Annotated[int, Ge(1)] = 65_535
    """Pixels along the longer side."""
    max_frames: Annotated[int, Ge(1)] = 1_000
    """Frames of an animation; only the first is read."""
    max_pages: Annotated[int, Ge(1)] = 1_000
    """Pages of a TIFF; only the first is read."""
    formats: tuple[str, ...] = FORMATS
    """What is read, by content; the suffix of a file decides nothing."""

    def __post_init__(self) -> None:
        check(self)
        for name in self.formats:
            if name not in FORMATS:
                raise OptionError(f"no such picture format: {name!r}; known: {', '.join(FORMATS)}")

    @classmethod
    def server(cls) -> "Limits":
        """For pictures that strangers send."""
        return cls(
            max_bytes=25_000_000,
            max_side=16_384,
            max_pages=1,
            formats=("JPEG", "PNG", "WEBP", "TIFF"),
        )

    def check_bytes(self, name: str, count: int) -> None:
        if count > self.max_bytes:
            raise _over(f"{name} has {human(count, 'B')}", "max_bytes", self.max_bytes, count)

    def check_size(self, name: str, width: int, height: int) -> None:
        if width < 1 or height < 1:
            raise ImageError(f"{name} is empty: {width} x {height}")
        pixels, side = width * height, max(width, height)
        if pixels > self.max_pixels:
            got = f"{name} is {width:,} x {height:,} ({human(pixels, 'P')})"
            raise _over(got, "max_pixels", self.max_pixels, pixels)
        if side > self.max_side:
            raise _over(f"{name} is {width:,} x {height:,}", "max_side", self.max_side, side)

    def check_frames(self, name: str, count: int, *, pages: bool = False) -> None:
        """`count` may stop at one over the limit: nobody need count on."""
        field, noun = ("max_pages", "pages") if pages else ("max_frames", "frames")
        limit = getattr(self, field)
        if count > limit:
            raise _over(f"{name} has over {limit:,} {noun}", field, limit, count)


@dataclass(frozen=True)
class VideoLimits:
    """The most that a video may have; one of your own may be of any length."""

    max_bytes: Annotated[float, Gt(0)] = inf
    """Bytes of the file."""
    max_seconds: Annotated[float, Gt(0)] = inf
    """Length."""
    max_pixels: Annotated[int, Ge(1)] = 50_000_000
    """Width x height of a frame."""

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def server(cls) -> "VideoLimits":
        """For videos that strangers send: 200 MB, 10 minutes, 4K."""
        return cls(max_bytes=200_000_000, max_seconds=600.0, max_pixels=4096 * 2304)

    def check_bytes(self, name: str, count: int) -> None:
        if count > self.max_bytes:
            got = f"{name} has {human(count, 'B')}"
            raise _over(got, "max_bytes", int(self.max_bytes), count)

    def check_seconds(self, name: str, seconds: float) -> None:
        if seconds > self.max_seconds:
            raise ImageError(
                f"{name} is longer than {self.max_seconds:g} s",
                mend=Mend("max_seconds", str(ceil(seconds))),
            )

    def check_frame(self, name: str, width: int, height: int) -> None:
        pixels = width * height
        if pixels > self.max_pixels:
            got = f"{name} has frames of {width:,} x {height:,} ({human(pixels, 'P')})"
            raise _over(got, "max_pixels", self.max_pixels, pixels)


def amount(text: str | int) -> int:
    """A number as people write it, in powers of ten.

    >>> amount("50 MP"), amount("1.5GB"), amount("16,384"), amount(7)
    (50000000, 1500000000, 16384, 7)
    """
    match = re.fullmatch(
        r"([0-9][0-9_,]*(?:\.[0-9]+)?) ?([KMGT]?)(?:P|B|PX)?", str(text).strip().upper()
    )
    if match is None:
        raise OptionError(f"expected a number such as 50MP, 1.5GB or 16384, got {text!r}")
    return round(float(re.sub("[_,]", "", match[1])) * _FACTORS[match[2]])


def human(count: float, unit: str) -> str:
    """A count in three figures.

    >>> human(2_516_582_400, "P"), human(178_956_970, "P"), human(11, "B")
    ('2.52 GP', '179 MP', '11 B')
    """
    for prefix in ("", "k", "M", "G"):
        if count < 999.5 or prefix == "G":
            break
        count /= 1000
    if count >= 99.5 or not prefix:
        number = f"{count:,.0f}"
    elif count >= 10:
        number = f"{count:.1f}"
    else:
        number = f"{count:.3g}"
    return f"{number.removesuffix('.0')} {prefix}{unit}"


def round_up(count: int, unit: str = "") -> str:
    """The next round figure that is enough, as `amount` reads it.

    >>> round_up(2_516_582_400, "P"), round_up(1_234)
    ('3GP', '1234')
    """
    if not unit:
        return str(count)
    prefix = next(prefix for prefix in ("T", "G", "M", "K", "") if count >= _FACTORS[prefix])
    return f"{-(-count // _FACTORS[prefix])}{prefix}{unit}"


def _over(got: str, field: str, limit: int, enough: int) -> ImageError:
    """The error for a limit that is exceeded; a limit of `enough` would let the picture through."""
    unit = UNITS.get(field, "")
    most = human(limit, unit) if unit else f"{limit:,}"
    return ImageError(f"{got}; the limit is {most}", mend=Mend(field, round_up(enough, unit)))
