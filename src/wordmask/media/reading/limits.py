"""How large a picture or a video may be, checked before anything is decoded.

Every limit is one field here and one option on the command line (`max_pixels` is `--max-pixels`); the error
names the picture, what it has, and the option that raises the limit. `Limits()` is what the command line and
the Python door use; `Limits.server()` is what strangers get.

| field | command line | server | what it bounds |
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

from wordmask.errors import ImageError, OptionError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "HEIF")
_FACTORS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True)
class Limits:
    """The most that a picture may have, and the formats that are read.

    >>> Limits(max_pixels=amount("3GP")).max_pixels
    3000000000
    """

    max_bytes: int = 512_000_000
    """Bytes of the file."""
    max_pixels: int = 50_000_000
    """Width x height."""
    max_side: int = 65_535
    """Pixels along the longer side."""
    max_frames: int = 1_000
    """Frames of an animation; only the first is read."""
    max_pages: int = 1_000
    """Pages of a TIFF; only the first is read."""
    formats: tuple[str, ...] = FORMATS
    """What is read, by content; the suffix of a file decides nothing."""

    def __post_init__(self) -> None:
        for field in ("max_bytes", "max_pixels", "max_side", "max_frames", "max_pages"):
            _at_least_one(field, getattr(self, field))
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
            raise ImageError(
                _over(name, f"has {human(count, 'B')}", "max_bytes", self.max_bytes, count)
            )

    def check_size(self, name: str, width: int, height: int) -> None:
        if width < 1 or height < 1:
            raise ImageError(f"{name} is empty: {width} x {height}")
        pixels = width * height
        if pixels > self.max_pixels:
            got = f"is {width:,} x {height:,} ({human(pixels, 'P')})"
            raise ImageError(_over(name, got, "max_pixels", self.max_pixels, pixels))
        if max(width, height) > self.max_side:
            got = f"is {width:,} x {height:,}"
            raise ImageError(_over(name, got, "max_side", self.max_side, max(width, height)))

    def check_frames(self, name: str, count: int, *, pages: bool = False) -> None:
        """`count` may stop at one over the limit: nobody need count on."""
        field = "max_pages" if pages else "max_frames"
        limit = getattr(self, field)
        if count > limit:
            noun = "pages" if pages else "frames"
            raise ImageError(_over(name, f"has over {limit:,} {noun}", field, limit, count))


@dataclass(frozen=True)
class VideoLimits:
    """The most that a video may have. On one's own machine its length is free; `server()` is for strangers."""

    max_bytes: float = inf
    """Bytes of the file."""
    max_seconds: float = inf
    """Length."""
    max_pixels: int = 50_000_000
    """Width x height of a frame."""

    def __post_init__(self) -> None:
        for field in ("max_bytes", "max_seconds", "max_pixels"):
            if not getattr(self, field) > 0:
                raise OptionError(f"{field} must be more than 0, got {getattr(self, field)}")

    @classmethod
    def server(cls) -> "VideoLimits":
        """200 MB, 10 minutes, 4K."""
        return cls(max_bytes=200_000_000, max_seconds=600.0, max_pixels=4096 * 2304)

    def check(
        self, name: str, *, size_bytes: int = 0, seconds: float = 0.0, wh: tuple[int, int] = (0, 0)
    ) -> None:
        if size_bytes > self.max_bytes:
            got = f"has {human(size_bytes, 'B')}"
            raise ImageError(_over(name, got, "max_bytes", int(self.max_bytes), size_bytes))
        if seconds > self.max_seconds:
            fix = f"longer videos need {_flag('max_seconds')} {ceil(seconds)}"
            raise ImageError(f"{name} is longer than {self.max_seconds:g} s; {fix}")
        if wh[0] * wh[1] > self.max_pixels:
            got = f"has frames of {wh[0]:,} x {wh[1]:,} ({human(wh[0] * wh[1], 'P')})"
            raise ImageError(_over(name, got, "max_pixels", self.max_pixels, wh[0] * wh[1]))


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
    """`human(2_516_582_400, "P")` is "2.5 GP"."""
    for prefix in ("", "k", "M", "G"):
        if count < 999.5 or prefix == "G":
            break
        count /= 1000
    number = (
        f"{count:,.0f}"
        if count >= 99.5 or not prefix
        else f"{count:.3g}"
        if count < 10
        else f"{count:.1f}"
    )
    return f"{number.removesuffix('.0')} {prefix}{unit}"


def _over(name: str, got: str, field: str, limit: int, enough: int) -> str:
    unit = {"max_bytes": "B", "max_pixels": "P"}.get(field, "")
    most = human(limit, unit) if unit else f"{limit:,}"
    return (
        f"{name} {got}; the limit is {most}: raise it with {_flag(field)} {_round_up(enough, unit)}"
    )


def _flag(field: str) -> str:
    return "--" + field.replace("_", "-")


def _round_up(count: int, unit: str) -> str:
    """The next round figure that is enough, as `amount` reads it."""
    if not unit:
        return str(count)
    prefix = next(prefix for prefix in ("T", "G", "M", "K", "") if count >= _FACTORS[prefix])
    return f"{-(-count // _FACTORS[prefix])}{prefix}{unit}"


def _at_least_one(field: str, value: int) -> None:
    if value < 1:
        raise OptionError(f"{field} must be at least 1, got {value}")
