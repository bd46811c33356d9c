"""Sizes and frames from a file's own bytes: as a decoder finds them, quickly whatever comes."""

import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from wordmask.errors import ImageError
from wordmask.media.reading.headers import Head, head, sniff

sides = st.integers(1, 300)


def encoded(kind: str, wide: int, high: int, frames: int = 1, **options: object) -> BytesIO:
    pictures = [
        Pillow.fromarray(np.full((high, wide, 3), 60 * number, np.uint8))
        for number in range(1, frames + 1)
    ]
    out = BytesIO()
    several = {"save_all": True, "append_images": pictures[1:]} if frames > 1 else {}
    pictures[0].save(out, kind, **several, **options)
    return out


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("GIF", {}),
        ("BMP", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"big_tiff": True}),
    ],
)
@given(wide=sides, high=sides)
def test_sizes_are_those_that_were_written(kind, options, wide, high):
    assert head(encoded(kind, wide, high, **options), "a", 9) == Head(kind, wide, high)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "TIFF"])
@pytest.mark.parametrize("count", [2, 3])
def test_frames_are_counted(kind, count):
    assert head(encoded(kind, 8, 8, count), "a", 9).frames == count


def test_counting_stops_one_over_the_limit():
    for kind in ("GIF", "WEBP", "TIFF"):
        assert head(encoded(kind, 8, 8, 4), "a", 2).frames == 3


def test_an_old_bmp():
    assert head(
        BytesIO(b"BM" + bytes(12) + struct.pack("<IHH", 12, 7, 5) + bytes(40)), "a", 9
    ) == Head("BMP", 7, 5)


def test_a_bmp_from_the_top():
    assert head(
        BytesIO(b"BM" + bytes(12) + struct.pack("<Iii", 40, 7, -5) + bytes(40)), "a", 9
    ) == Head("BMP", 7, 5)


def test_a_tiff_in_the_other_byte_order():
    tags = struct.pack(">HHIHxx", 256, 3, 1, 7) + struct.pack(">HHII", 257, 4, 1, 5)
    data = b"MM\0*" + struct.pack(">IH", 8, 2) + tags + bytes(4)
    assert head(BytesIO(data), "a", 9) == Head("TIFF", 7, 5)


def test_a_tiff_whose_tile_is_larger_than_its_picture_counts_as_the_tile():
    tags = b"".join(
        struct.pack("<HHII", tag, 4, 1, value)
        for tag, value in ((256, 9), (257, 9), (322, 70_000), (323, 80_000))
    )
    data = b"II*\0" + struct.pack("<IH", 8, 4) + tags + bytes(4)
    assert head(BytesIO(data), "a", 9) == Head("TIFF", 70_000, 80_000)


MANY = 3_000_000
BUSY = {
    "JPEG padding": b"\xff\xd8\xff" + bytes(MANY),
    "JPEG marks": b"\xff\xd8\xff" + b"\x01\xff" * MANY,
    "PNG parts": b"\x89PNG\r\n\x1a\n"
    + struct.pack(">I4s13sI", 13, b"IHDR", bytes(13), 0x6FB0C6A6)
    + b"\0\0\0\0none" * MANY,
    "GIF blocks": b"GIF89a" + bytes(7) + b"\x21\xfe" + b"\x01x" * MANY + b"\0",
    "WebP parts": b"RIFF" + struct.pack("<I", 8 * MANY + 4) + b"WEBP" + b"none\0\0\0\0" * MANY,
    "TIFF tags": b"II+\0" + bytes(4) + struct.pack("<QQ", 16, 70_000) + bytes(20 * 70_000),
}


class Counting(BytesIO):
    """Counts how often it is asked."""

    reads = 0

    def read(self, count: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(count)


@pytest.mark.parametrize("name", BUSY)
def test_files_of_millions_of_parts_are_given_up_soon(name):
    file = Counting(BUSY[name])
    with pytest.raises(ImageError, match="busy is a broken"):
        head(file, "busy", 1000)
    assert file.reads < (3_000_000 if "GIF" in name else 1_000_000)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"GIF89a" + bytes(7) + b"\x3b", "holds no frame"),
        (b"\xff\xd8\xff\xd9\xff\xd9", "its size is missing"),
        (b"II*\0\x08\0\0\0\0\0\0\0\0\0", "its size is missing"),
        (b"RIFF\x0c\0\0\0WEBPnone\0\0\0\0" + bytes(10), "its size is missing"),
        (b"RIFF\xff\0\0\0WEBP", "263 bytes were promised, 12 are there"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\0IDAT\0\0\0\0", "does not begin with its size"),
        (b"BM", "ends too early"),
    ],
)
def test_broken_heads_say_what_is_wrong(data, said):
    with pytest.raises(ImageError, match=said):
        head(BytesIO(data), "a.png", 9)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp41", "MP4 video"),
        (b"\0\0\0", ""),
    ],
)
def test_relatives_of_mp4_are_told_apart(start, kind):
    assert sniff(start) == kind


@given(
    st.binary(max_size=200),
    st.sampled_from(
        [b"", b"\xff\xd8\xff", b"II*\0", b"MM\0+", b"GIF89a", b"BM", b"RIFF\x40\0\0\0WEBP"]
    ),
)
def test_whatever_is_sent_the_answer_is_a_head_or_an_image_error(data, start):
    try:
        found = head(BytesIO(start + data), "a", 5)
    except ImageError:
        return
    assert found.frames >= 0
