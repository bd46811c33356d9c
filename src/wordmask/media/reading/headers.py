"""What a file is and how large, read from its own bytes: nothing is decoded, no library is asked.

This is the list of what is allowed in: a file that is not recognised here never meets a decoder.
Its suffix plays no part.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple
from zlib import crc32

from wordmask.errors import ImageError


class Head(NamedTuple):
    """Format, size and number of frames; counting stops at `most_frames` + 1."""

    format: str
    width: int
    height: int
    frames: int = 1


class BrokenHeader(Exception):  # noqa: N818  no error yet: `head` makes it one, with the name
    """The file ends or contradicts itself; the text says how."""


def head(file: BinaryIO, name: str, most_frames: int) -> Head:
    """Format, size and frames of the picture in `file` (seekable, at any position)."""
    file.seek(0)
    start = file.read(64)
    kind = sniff(start)
    if kind not in _PARSERS:
        raise ImageError(
            f"{name} {_what_it_is(kind, start)}; "
            "pictures are read as JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC"
        )
    try:
        return _PARSERS[kind](file, most_frames)
    except BrokenHeader as broken:
        raise ImageError(
            f"{name} is a broken {kind} picture: {broken}; copy or export it again"
        ) from None
    except (struct.error, OverflowError):
        raise ImageError(
            f"{name} is a broken {kind} picture: its header is cut or points nowhere; "
            "copy or export it again"
        ) from None


def sniff(start: bytes) -> str:
    """The format of a file from its first bytes: Pillow's name for it, a refused kind, or ""."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    if start[4:8] == b"ftyp":
        return _sniff_ftyp(start)
    for magic, kind in _MAGIC.items():
        if start.startswith(magic):
            return kind
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    return "SVG or XML" if text.startswith((b"<?xml", b"<svg", b"<!DOCTYPE")) else ""


_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    # Known, and refused by name: decoders of these run programs, read other files or guess.
    b"%!PS": "EPS",
    b"\xc5\xd0\xd3\xc6": "EPS",
    b"%PDF": "PDF",
    b"8BPS": "PSD",
    b"SIMPLE  =": "FITS",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\0\0\1\0": "ICO",
    b"PK\3\4": "ZIP",
    b"\x1f\x8b": "gzip",
    b"\x1aE\xdf\xa3": "Matroska video",
}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def _sniff_ftyp(start: bytes) -> str:
    length = min(max(struct.unpack(">I", start[:4])[0], 16), len(start))
    brands = {start[8:12]} | {start[at : at + 4] for at in range(16, length, 4)}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIF" if brands & _HEIC_BRANDS else "MP4 video"


def _what_it_is(kind: str, start: bytes) -> str:
    if not start:
        return "is empty (0 bytes)"
    return f"is {kind} by its content" if kind else f"is no picture: it begins with {start[:8]!r}"


# A file of millions of empty parts would take minutes; real ones have a part every few kilobytes.
MOST_PARTS = 200_000
MOST_GIF_PARTS = 2_500_000  # of 255 bytes: more than the largest file has


def _tick(parts: Iterator[int]) -> None:
    if next(parts, None) is None:
        raise BrokenHeader("it is cut into millions of parts")


def _png(file: BinaryIO, most_frames: int) -> Head:
    """Every chunk's checksum is compared: a damaged file is an error, not a half grey picture."""
    del most_frames  # the count stands in the header
    file.seek(8)
    size, frames, kind = None, 1, b""
    parts = iter(range(MOST_PARTS))
    while kind != b"IEND":
        _tick(parts)
        length, kind = struct.unpack(">I4s", _exactly(file, 8))
        if size is None and (kind, length) != (b"IHDR", 13):
            raise BrokenHeader("it does not begin with its size")
        check = crc32(kind)
        body = b""
        while length:
            part = _exactly(file, min(length, 1 << 20))
            check, length, body = crc32(part, check), length - len(part), body or part
        if struct.unpack(">I", _exactly(file, 4))[0] != check:
            raise BrokenHeader(f"its part {kind.decode('latin-1')} fails its checksum")
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        elif kind == b"acTL":
            frames = struct.unpack(">I", body[:4])[0]
    width, height = size or (0, 0)
    return Head("PNG", width, height, frames)


def _jpeg(file: BinaryIO, most_frames: int) -> Head:
    del most_frames
    file.seek(2)
    parts = iter(range(MOST_PARTS))
    while True:
        _tick(parts)
        if _exactly(file, 1) != b"\xff":
            continue  # padding between segments, which libjpeg skips too
        mark = _exactly(file, 1)[0]
        if mark in (0x00, 0xFF, 0x01) or 0xD0 <= mark <= 0xD8:
            continue
        if mark in (0xD9, 0xDA):
            raise BrokenHeader("its size is missing")
        length = struct.unpack(">H", _exactly(file, 2))[0]
        if 0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC):
            _, height, width = struct.unpack(">BHH", _exactly(file, 5))
            return Head("JPEG", width, height)
        file.seek(max(length - 2, 0), 1)


def _gif(file: BinaryIO, most_frames: int) -> Head:
    file.seek(6)
    width, height, flags = struct.unpack("<HHBxx", _exactly(file, 7))
    _skip_palette(file, flags)
    frames, parts = 0, iter(range(MOST_GIF_PARTS))
    while frames <= most_frames:
        mark = file.read(1)
        if mark == b"\x21":
            _exactly(file, 1)
        elif mark == b"\x2c":
            frames += 1
            left, top, wide, high, flags = struct.unpack("<HHHHB", _exactly(file, 9))
            if frames == 1:  # a decoder grows the canvas to hold its first frame
                width, height = max(width, left + wide), max(height, top + high)
            _skip_palette(file, flags)
            _exactly(file, 1)
        elif frames:
            break  # the trailer, or a missing one after whole frames
        else:
            raise BrokenHeader("it holds no frame")
        if not _skip_blocks(file, parts) and frames <= 1:
            raise BrokenHeader("it ends inside its first frame")
    return Head("GIF", width, height, frames)


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), 1)


def _skip_blocks(file: BinaryIO, parts: Iterator[int]) -> bool:
    """Skip the sub-blocks that begin here; False where the file ends within."""
    while length := file.read(1):
        _tick(parts)
        if length == b"\0":
            return True
        file.seek(length[0], 1)
    return False


def _bmp(file: BinaryIO, most_frames: int) -> Head:
    del most_frames
    file.seek(14)
    (length,) = struct.unpack("<I", _exactly(file, 4))
    if length == 12:  # OS/2
        width, height = struct.unpack("<HH", _exactly(file, 4))
    else:
        width, height = struct.unpack("<ii", _exactly(file, 8))
    return Head("BMP", width, abs(height))  # a negative height means rows from the top


def _webp(file: BinaryIO, most_frames: int) -> Head:
    file.seek(4)
    (total,) = struct.unpack("<I", _exactly(file, 4))
    if file.seek(0, 2) < total + 8:
        raise BrokenHeader(f"{total + 8:,} bytes were promised, {file.tell():,} are there")
    at, size, frames = 12, None, 0
    parts = iter(range(MOST_PARTS))
    while at + 8 <= total + 8 and frames <= most_frames:
        _tick(parts)
        file.seek(at)
        kind, length = struct.unpack("<4sI", _exactly(file, 8))
        if size is None:
            size = _webp_size(kind, _exactly(file, 10))
        frames += kind == b"ANMF"
        at += 8 + length + length % 2
    if size is None:
        raise BrokenHeader("its size is missing")
    return Head("WEBP", *size, max(frames, 1))


def _webp_size(kind: bytes, body: bytes) -> tuple[int, int] | None:
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _tiff(file: BinaryIO, most_frames: int) -> Head:
    """Pages are a linked list, which a hostile file can close into a ring."""
    file.seek(0)
    order = "<" if _exactly(file, 2) == b"II" else ">"
    big = struct.unpack(order + "H", _exactly(file, 2))[0] == 43
    word, count, entry = ("Q", "Q", 20) if big else ("I", "H", 12)
    file.seek(8 if big else 4)
    seen: list[int] = []
    first: dict[int, int] = {}
    (at,) = struct.unpack(order + word, _exactly(file, struct.calcsize(word)))
    visited: set[int] = set()
    while at and len(seen) <= most_frames:
        if at in visited:
            raise BrokenHeader("its pages run in a ring")
        visited.add(at)
        seen.append(at)
        file.seek(at)
        (entries,) = struct.unpack(order + count, _exactly(file, struct.calcsize(count)))
        if entries > 0xFFFF:
            raise BrokenHeader(f"a page with {entries:,} tags")
        table = _exactly(file, entries * entry)
        first = first or _tiff_tags(table, order, entry)
        (at,) = struct.unpack(order + word, _exactly(file, struct.calcsize(word)))
    if 256 not in first or 257 not in first:
        raise BrokenHeader("its size is missing")
    # A tile may be larger than its picture, and is decoded whole.
    width, height = max(first[256], first.get(322, 0)), max(first[257], first.get(323, 0))
    return Head("TIFF", width, height, len(seen))


def _tiff_tags(table: bytes, order: str, entry: int) -> dict[int, int]:
    """The value of each of a page's tags that holds one whole number."""
    tags = {}
    for at in range(0, len(table), entry):
        tag, kind = struct.unpack(order + "HH", table[at : at + 4])
        code = {1: "B", 3: "H", 4: "I", 16: "Q"}.get(kind)
        value_at = at + (12 if entry == 20 else 8)
        if code and struct.calcsize(code) <= at + entry - value_at:
            tags[tag] = struct.unpack_from(order + code, table, value_at)[0]
    return tags


def _heif(file: BinaryIO, most_frames: int) -> Head:
    """The plug-in tells the size when it opens the file, for which it decodes nothing."""
    del most_frames, file
    return Head("HEIF", 1, 1)


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise BrokenHeader("it ends too early")
    return data


_PARSERS = {
    "PNG": _png,
    "JPEG": _jpeg,
    "GIF": _gif,
    "BMP": _bmp,
    "WEBP": _webp,
    "TIFF": _tiff,
    "HEIF": _heif,
}
