"""Whatever comes in, an upright RGB picture of 8 bits goes out, and notes say what changed."""

import logging
import sys
import threading
import warnings
from io import BytesIO, StringIO
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as Pillow

from wordmask.core.image import Image
from wordmask.errors import ImageError
from wordmask.media.reading.limits import Limits
from wordmask.media.reading.read import read, read_all, read_noted

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
# Two columns, three rows: no turn and no mirror leaves it as it is.
FLAG = np.array([[RED, GREEN], [BLUE, WHITE], [RED, RED]], np.uint8)


def encode(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    out = BytesIO()
    Pillow.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def blocks(pixels: np.ndarray, side: int = 16) -> np.ndarray:
    """Each pixel as a block, so that lossy formats keep its colour."""
    return pixels.repeat(side, 0).repeat(side, 1)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP", "GIF"])
def test_lossless_formats_read_to_the_pixel(kind):
    image, notes = read_noted(encode(FLAG, kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert (image.pixels == FLAG).all()
    assert notes == ()


def test_jpeg_reads_upright_and_in_rgb():
    pixels = read(encode(blocks(FLAG), "JPEG", quality=95, subsampling=0)).pixels
    assert np.abs(pixels[8::16, 8::16].astype(int) - FLAG).max() < 8


def test_heic_reads_where_the_plug_in_is_there():
    heif = pytest.importorskip("pillow_heif", reason="HEIC needs the plug-in pillow-heif")
    out = BytesIO()
    heif.from_pillow(Pillow.fromarray(blocks(FLAG, 32))).save(out, quality=95)
    pixels = read(out.getvalue()).pixels
    assert np.abs(pixels[16::32, 16::32].astype(int) - FLAG).max() < 30


def test_heic_without_the_plug_in_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(
        ImageError, match=r"phone\.heic is a HEIC picture; .* pip install 'wordmask"
    ):
        read(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), name="phone.heic")


# How a camera held so stores the upright FLAG: EXIF 2.32, tag 0x0112.
STORED = {
    1: FLAG,
    2: FLAG[:, ::-1],
    3: FLAG[::-1, ::-1],
    4: FLAG[::-1],
    5: FLAG.swapaxes(0, 1),
    6: np.rot90(FLAG),
    7: FLAG[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90(FLAG, -1),
}


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG"])
@pytest.mark.parametrize("orientation", STORED)
def test_all_eight_orientations_read_upright(kind, orientation):
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    stored = blocks(np.ascontiguousarray(STORED[orientation]))
    options = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    pixels = read(encode(stored, kind, exif=exif.tobytes(), **options)).pixels
    assert pixels.shape == (48, 32, 3)
    assert np.abs(pixels[8::16, 8::16].astype(int) - FLAG).max() < 20


def test_a_broken_exif_block_does_not_lose_the_picture():
    data = encode(FLAG, "PNG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\0\0")
    assert (read(data).pixels == FLAG).all()


def test_an_exif_block_that_its_parser_chokes_on_does_not_lose_the_picture(monkeypatch):
    def choke(picture: object) -> object:
        raise SyntaxError("not a TIFF file")

    monkeypatch.setattr("PIL.Image.Image.getexif", choke)
    assert (read(encode(FLAG, "PNG")).pixels == FLAG).all()


def test_a_pil_picture_with_what_ours_refuses_says_why():
    with pytest.raises(ImageError, match="must lie in"):
        read(Pillow.fromarray(np.array([[7.5]], np.float32)))


GREY16 = np.array([[0, 257 * 10], [32768, 65535]], np.uint16)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_and_said(kind):
    image, notes = read_noted(encode(GREY16, kind))
    assert image.pixels[..., 0].tolist() == [[0, 10], [128, 255]]
    assert (image.pixels == image.pixels[..., :1]).all()
    assert notes == ("16-bit, 0 to 65535 scaled to 0 to 255 (brightest pixel: 65535)",)


def test_12_bits_in_16_are_scaled_by_what_12_bits_hold():
    image, (note,) = read_noted(np.array([[0, 4095], [2048, 16]], np.uint16))
    assert image.pixels[..., 0].tolist() == [[0, 255], [128, 1]]
    assert "0 to 4095" in note


def test_16_bit_colour_is_scaled_and_said():
    cv2 = pytest.importorskip("cv2")
    rgb = np.array([[[65535, 0, 257 * 9]]], np.uint16)
    _, data = cv2.imencode(".png", rgb[..., ::-1])
    image, notes = read_noted(data.tobytes())
    assert image.pixels.tolist() == [[[255, 0, 9]]]
    assert notes == ("16 bits a colour, of which the upper 8 are kept",)


def test_what_was_changed_goes_to_the_log(caplog):
    with caplog.at_level(logging.INFO, "wordmask.media"):
        read(GREY16, name="dark")
    assert caplog.messages == [
        "dark: 16-bit, 0 to 65535 scaled to 0 to 255 (brightest pixel: 65535)"
    ]


def test_alpha_is_laid_on_white():
    rgba = np.array([[(200, 0, 100, 255), (200, 0, 100, 0), (200, 0, 100, 51)]], np.uint8)
    for source in (rgba, encode(rgba, "PNG"), Pillow.fromarray(rgba)):
        image, notes = read_noted(source)
        assert image.pixels.tolist() == [[[200, 0, 100], [255, 255, 255], [244, 204, 224]]]
        assert notes == ("alpha laid on white",)


def test_full_alpha_changes_nothing_and_says_nothing():
    image, notes = read_noted(np.dstack([FLAG, np.full(FLAG.shape[:2], 255, np.uint8)]))
    assert (image.pixels == FLAG).all()
    assert notes == ()


@pytest.mark.parametrize("mode", ["P", "RGB", "L"])
def test_a_transparent_colour_counts_as_alpha(mode):
    picture = Pillow.new(mode, (2, 1), 0)
    picture.putpixel((1, 0), 1 if mode == "P" else 90 if mode == "L" else (90, 90, 90))
    if mode == "P":
        picture.putpalette([0, 0, 0, 90, 90, 90])
    out = BytesIO()
    picture.save(out, "PNG", transparency=(0, 0, 0) if mode == "RGB" else 0)
    assert read(out.getvalue()).pixels[0].tolist() == [[255] * 3, [90] * 3]


def test_cmyk_is_converted_and_said():
    out = BytesIO()
    Pillow.new("CMYK", (4, 4), (0, 0, 0, 255)).save(out, "TIFF")
    image, notes = read_noted(out.getvalue())
    assert image.pixels.max() == 0
    assert notes == ("CMYK converted to RGB",)


def test_the_first_frame_is_read_and_the_others_are_said():
    frames = [Pillow.new("RGB", (4, 4), colour) for colour in (RED, GREEN, BLUE)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        out = BytesIO()
        frames[0].save(out, kind, save_all=True, append_images=frames[1:])
        image, notes = read_noted(out.getvalue())
        assert np.abs(image.pixels[0, 0].astype(int) - RED).max() < 5
        assert notes == (f"the first of 3 {'pages' if kind == 'TIFF' else 'frames'}",)


@pytest.mark.parametrize(
    ("array", "pixels"),
    [
        pytest.param(np.array([[7]], np.uint8), [7, 7, 7], id="grey"),
        pytest.param(np.array([[[7]]], np.uint8), [7, 7, 7], id="one channel"),
        pytest.param(np.array([[[7, 255]]], np.uint8), [7, 7, 7], id="grey and alpha"),
        pytest.param(np.array([[[1, 2, 3]]], np.uint8), [1, 2, 3], id="rgb"),
        pytest.param(np.array([[[1, 2, 3]]], np.int64), [1, 2, 3], id="widened"),
        pytest.param(np.array([[[1, 2, 3, 0]]], np.uint8), [255] * 3, id="transparent"),
        pytest.param(np.array([[True]]), [255] * 3, id="mask"),
        pytest.param(np.array([[[0.0, 0.5, 1.0]]]), [0, 128, 255], id="floating"),
        pytest.param(np.array([[[65535, 0, 32896]]], np.uint16), [255, 0, 128], id="16-bit rgb"),
    ],
)
def test_arrays_of_every_kind(array, pixels):
    assert read(array).pixels.tolist() == [[pixels]]


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, 40, 50), np.uint8), r"channels come last: array.transpose\(1, 2, 0\)"),
        (np.zeros((2, 3, 4, 3), np.uint8), "one picture at a time"),
        (np.zeros((0, 4), np.uint8), "empty"),
        (np.array([[1.5]]), r"must lie in \[0, 1\], got 1.5 to 1.5"),
        (np.array([[np.nan]]), "NaN"),
        (np.array([[-1]]), "must lie in 0 to 65,535, got -1"),
        (np.array([["a"]]), "expected numbers, got <U1"),
    ],
)
def test_arrays_that_are_no_pictures(array, said):
    with pytest.raises(ImageError, match=said):
        read(array)


@given(arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(3))))
def test_writing_and_reading_a_png_changes_nothing(pixels):
    assert (read(encode(pixels, "PNG")).pixels == pixels).all()


def test_the_array_can_change_afterwards_and_the_picture_does_not():
    array = FLAG.copy()
    image = read(array)
    array[:] = 0
    assert (image.pixels == FLAG).all()


def test_a_picture_of_ours_comes_back_as_it_is():
    image = Image(FLAG, "flag")
    assert read(image) is image


def test_paths_pil_pictures_and_files_bring_their_names(tmp_path):
    path = tmp_path / "flag.png"
    path.write_bytes(encode(FLAG, "PNG"))
    with path.open("rb") as file, Pillow.open(path) as picture:
        for source in (path, str(path), file, picture):
            assert read(source).name == str(path)
        assert read(picture, name="mine").name == "mine"


def test_a_cut_pil_picture_is_an_image_error():
    with (
        Pillow.open(BytesIO(encode(blocks(FLAG), "JPEG")[:-60])) as picture,
        pytest.raises(ImageError, match="broken"),
    ):
        read(picture)


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=BytesIO(encode(FLAG, "PNG"))))
    image = read("-")
    assert image.name == "stdin"
    assert (image.pixels == FLAG).all()


def test_a_stream_without_end_is_left_after_the_limit():
    class Endless:
        given = 0

        def read(self, count: int) -> bytes:
            self.given += count
            return bytes(count)

    stream = Endless()
    with pytest.raises(ImageError, match="set max_bytes="):
        read(stream, Limits(max_bytes=3_000_000))
    assert stream.given == 3_000_001


def test_files_that_cannot_be_read_are_image_errors():
    closed = BytesIO()
    closed.close()
    for file, said in (
        (StringIO("x"), "mode 'rb'"),
        (closed, "cannot be read: I/O operation on closed"),
    ):
        with pytest.raises(ImageError, match=said):
            read(file)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nowhere.png", "nowhere.png is not there"),
        ("/", "is a folder; read_all"),
        ("/dev/null", "no regular file; pipes: use -"),
        ("a\0b.png", "is not a path"),
        ("x" * 5000, "cannot be read: File name too long"),
        ("https://example.org/a.png", "not fetched unless you allow it; set web"),
        (7, "a picture is a path, bytes, .* got int"),
    ],
)
def test_what_cannot_be_a_picture_is_said(source, said):
    with pytest.raises(ImageError, match=said):
        read(source)


def test_many_threads_read_at_once_and_leave_the_warnings_as_they_were():
    data, filters, results = encode(FLAG, "PNG"), list(warnings.filters), []

    def work() -> None:
        results.extend((read(data).pixels == FLAG).all() for _ in range(30))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 180
    assert warnings.filters == filters


def test_read_all_yields_a_picture_or_an_error_for_each(tmp_path):
    (tmp_path / "2 good.png").write_bytes(encode(FLAG, "PNG"))
    (tmp_path / "10 bad.png").write_bytes(b"nothing of the kind")
    (tmp_path / "11 deep.png").write_bytes(encode(GREY16, "PNG"))
    good, bad, deep, lost = read_all([tmp_path, "lost.png"])
    assert (good.image.pixels == FLAG).all()
    assert good.path == tmp_path / "2 good.png"
    assert isinstance(bad.error, ImageError)
    assert bad.name in str(bad.error)
    assert deep.notes[0].startswith("16-bit")
    assert "not there" in str(lost.error)


def test_read_all_opens_nothing_before_it_is_asked(tmp_path):
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(encode(FLAG, "PNG"))
    items = read_all(tmp_path)
    assert next(items).image is not None
    (tmp_path / "2.png").write_bytes(b"")
    assert "empty" in str(next(items).error)
