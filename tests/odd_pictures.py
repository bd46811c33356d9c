"""A folder of pictures as strangers send them: cut, flipped, lying, huge, misnamed, unusual.

`make(folder, count=500, seed=0)` writes them, the same ones every time; or, from a shell:
python tests/odd_pictures.py FOLDER
"""

import os
import random
import struct
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

SUFFIXES = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "WEBP": ".webp",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "GIF": ".gif",
    "HEIF": ".heic",
}
STRANGERS = {
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "pdf": b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n",
    "psd": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 9, 9, 8, 3) + bytes(12),
    "fits": b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800),
    "zip": b"PK\3\4" + bytes(30),
    "ico": b"\0\0\1\0\1\0\x10\x10" + bytes(20),
    "text": b"not found\n",
    "nothing": b"",
}


def make(folder: Path | str, count: int = 500, seed: int = 0) -> list[Path]:
    """Write `count` odd pictures into `folder`, made if need be; their paths, sorted by name."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, (label, suffix, data) in enumerate(_cases(count, random.Random(seed))):
        path = folder / f"{number:03d} {label}{suffix}"
        with suppress(OSError):  # some file systems refuse names that are no UTF-8
            path.write_bytes(data)
            paths.append(path)
    return paths


def _cases(count: int, chance: random.Random) -> list[tuple[str, str, bytes]]:
    """(what it is, suffix, bytes): each hand-made case once, then spoiled pictures for the rest."""
    cases = [(f"{name} named png", ".png", data) for name, data in STRANGERS.items()]
    cases += [(name, SUFFIXES[kind], build()) for name, kind, build in _BOMBS]
    cases += _unusual()
    whole = _whole()
    while len(cases) < count:
        kind = chance.choice(sorted(whole))
        data, (how, spoil) = chance.choice(whole[kind]), chance.choice(_SPOILERS)
        cases.append((f"{kind} {how}", SUFFIXES[kind], spoil(data, chance)))
    chance.shuffle(cases)
    return cases[:count]


def picture(mode: str = "RGB", size_wh: tuple[int, int] = (37, 23)) -> Pillow.Image:
    """A ramp with a disc."""
    y, x = np.mgrid[: size_wh[1], : size_wh[0]]
    red = (255 * x / max(size_wh[0], 1)).astype(np.uint8)
    disc = ((x - size_wh[0] / 2) ** 2 + (y - size_wh[1] / 2) ** 2 < 64).astype(np.uint8) * 200
    rgb = Pillow.fromarray(np.dstack([red, disc, (255 - red)]))
    if mode in ("I;16", "I", "F"):
        grey = red.astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode])
        return Pillow.fromarray(grey / np.float32(255) if mode == "F" else grey * 257)
    return rgb.convert(mode)


def encoded(
    kind: str, mode: str = "RGB", size_wh: tuple[int, int] = (37, 23), **options: object
) -> bytes:
    out = BytesIO()
    picture(mode, size_wh).save(out, kind, **options)
    return out.getvalue()


def png(width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 0) -> bytes:
    """A PNG with right checksums around whatever is claimed of it."""

    def part(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", rows) + part(b"IEND", b"")


def png_bomb(width: int, height: int) -> bytes:
    """A true PNG, all of whose rows are there: black, a thousandth of its size."""
    press = zlib.compressobj(1)
    row = bytes(1 + 3 * width)
    rows = b"".join(press.compress(row) for _ in range(height)) + press.flush()
    return png(width, height, rows, colour=2)


def gif_frames(count: int) -> bytes:
    """1 x 1, `count` times."""
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + frame * count + b"\x3b"


def webp_frames(count: int) -> bytes:
    single = encoded("WEBP", size_wh=(1, 1), lossless=True)[12:]
    body = bytes(16) + single
    frame = b"ANMF" + struct.pack("<I", len(body)) + body
    head = (
        b"VP8X"
        + struct.pack("<I", 10)
        + b"\x02"
        + bytes(9)
        + b"ANIM"
        + struct.pack("<IIH", 6, 0, 0)
    )
    chunks = b"WEBP" + head + frame * count
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def looped_tiff() -> bytes:
    """Its only page says that the next page is itself."""
    data = bytearray(encoded("TIFF"))
    (page,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, page)
    struct.pack_into("<I", data, page + 2 + 12 * entries, page)
    return bytes(data)


def lying_tiff(tag: int, value: int) -> bytes:
    """One number among its tags is another."""
    data = bytearray(encoded("TIFF"))
    (page,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, page)
    for at in range(page + 2, page + 2 + 12 * entries, 12):
        if struct.unpack_from("<H", data, at)[0] == tag:
            struct.pack_into("<HIi", data, at + 2, 4, 1, value)
    return bytes(data)


def gif_wide() -> bytes:
    """The canvas is 1 x 1, its first frame is 65,535 x 65,535."""
    return gif_frames(1).replace(
        struct.pack("<HHHH", 0, 0, 1, 1), struct.pack("<HHHH", 0, 0, 65535, 65535)
    )


_BOMBS: list[tuple[str, str, Callable[[], bytes]]] = [
    ("51 MP", "PNG", lambda: png_bomb(8500, 6000)),
    ("179 MP", "PNG", lambda: png_bomb(14920, 12000)),
    ("16 exapixels", "PNG", lambda: png(2**31 - 1, 2**31 - 1, b"x")),
    ("10,000 frames", "GIF", lambda: gif_frames(10_000)),
    ("10,000 frames", "WEBP", lambda: webp_frames(10_000)),
    ("frame beyond canvas", "GIF", gif_wide),
    ("looped", "TIFF", looped_tiff),
    ("65,000 wide", "TIFF", lambda: lying_tiff(256, 65_000)),
    ("3 GP high", "TIFF", lambda: lying_tiff(257, 80_000_000)),
    ("no width", "TIFF", lambda: lying_tiff(256, 0)),
    ("two billion strips", "TIFF", lambda: lying_tiff(278, 2**31 - 1)),
    ("no size", "PNG", lambda: png(0, 0, zlib.compress(b""))),
    ("too few rows", "PNG", lambda: png(40, 40, zlib.compress(bytes(41)))),
    ("too many rows", "PNG", lambda: png(4, 4, zlib.compress(bytes(50_000)))),
    ("depth 3", "PNG", lambda: png(4, 4, zlib.compress(bytes(20)), depth=3)),
    ("colour 9", "PNG", lambda: png(4, 4, zlib.compress(bytes(20)), colour=9)),
]


def _unusual() -> list[tuple[str, str, bytes]]:
    """Nothing wrong with these: they must read."""
    modes = {
        "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
        "TIFF": ["1", "L", "RGB", "RGBA", "CMYK", "I;16", "F", "P"],
        "JPEG": ["L", "RGB", "CMYK"],
        "WEBP": ["RGB", "RGBA"],
        "BMP": ["1", "L", "P", "RGB"],
        "GIF": ["1", "L", "P", "RGB"],
    }
    fine = [
        (f"fine {kind} {m}", SUFFIXES[kind], encoded(kind, m))
        for kind in modes
        for m in modes[kind]
    ]
    fine += [
        (f"fine {wh[0]} x {wh[1]}", ".png", encoded("PNG", "RGB", wh))
        for wh in ((1, 1), (4000, 1), (1, 4000))
    ]
    kinds = sorted(modes)
    for kind, other in zip(kinds, kinds[1:] + kinds[:1], strict=True):
        fine.append((f"fine {kind} misnamed", SUFFIXES[other], encoded(kind)))
    fine.append(("fine many frames", ".gif", gif_frames(20)))
    fine.append(("fine\nname of two lines", ".png", encoded("PNG")))
    fine.append((os.fsdecode(b"fine caf\xe9, no UTF-8"), ".png", encoded("PNG")))
    return fine


def _whole() -> dict[str, list[bytes]]:
    """Pictures to be spoiled, several ways of writing each format."""
    whole = {
        "PNG": [
            encoded("PNG"),
            encoded("PNG", "P"),
            encoded("PNG", "RGBA", compress_level=0),
            encoded("PNG", "I;16"),
        ],
        "JPEG": [
            encoded("JPEG"),
            encoded("JPEG", progressive=True),
            encoded("JPEG", "L", exif=_exif()),
        ],
        "WEBP": [encoded("WEBP"), encoded("WEBP", "RGBA", lossless=True), webp_frames(3)],
        "TIFF": [
            encoded("TIFF", compression=way)
            for way in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")
        ],
        "BMP": [encoded("BMP"), encoded("BMP", "P")],
        "GIF": [encoded("GIF"), gif_frames(3)],
    }
    try:
        import pillow_heif
    except ImportError:
        return whole
    heic = BytesIO()
    pillow_heif.from_pillow(picture(size_wh=(64, 64))).save(heic)
    return whole | {"HEIF": [heic.getvalue()]}


def _exif() -> bytes:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(1, len(data))]


def _flip(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 4, 40))):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def _flip_head(data: bytes, chance: random.Random) -> bytes:
    return _flip(data[:64], chance) + data[64:]


def _blank(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data))
    length = chance.randrange(1, 200)
    return data[:start] + chance.choice((b"\0", b"\xff")) * length + data[start + length :]


def _lose(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(8, len(data))
    return data[:start] + data[start + chance.randrange(1, 30) :]


def _insert(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(8, len(data))
    return data[:start] + chance.randbytes(chance.randrange(1, 60)) + data[start:]


def _magic_only(data: bytes, chance: random.Random) -> bytes:
    return data[:16] + chance.randbytes(400)


def _twice(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(1, len(data))] + data


_SPOILERS: list[tuple[str, Callable[[bytes, random.Random], bytes]]] = [
    ("cut", _cut),
    ("flipped", _flip),
    ("flipped in its head", _flip_head),
    ("blanked", _blank),
    ("with a piece lost", _lose),
    ("with noise put in", _insert),
    ("noise after its first bytes", _magic_only),
    ("cut and begun again", _twice),
]

if __name__ == "__main__":
    print(f"{len(make(sys.argv[1]))} odd pictures in {sys.argv[1]}")
