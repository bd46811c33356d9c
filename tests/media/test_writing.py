"""Pictures are written in the format that the suffix names, and only pixels that it can hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wordmask.errors import FormatError
from wordmask.media.reading.read import read
from wordmask.media.writing import encode_picture, write_picture


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 5), st.just(3))),
    st.sampled_from([".png", ".tif", ".bmp"]),
)
def test_lossless_pictures_come_back_to_the_pixel(pixels, suffix):
    assert (read(encode_picture(pixels, suffix)).pixels == pixels).all()


def test_pictures_of_every_kind_are_written(tmp_path):
    grey = np.array([[0, 200]], np.uint8)
    assert read(write_picture(tmp_path / "a.png", grey)).pixels[..., 0].tolist() == [[0, 200]]
    assert read(write_picture(tmp_path / "b.png", grey > 0)).pixels[..., 0].tolist() == [[0, 255]]
    deep = read(write_picture(tmp_path / "c.PNG", np.array([[0, 65535]], np.uint16)))
    assert deep.pixels[..., 0].tolist() == [[0, 255]]
    clear = read(write_picture(tmp_path / "d.png", np.zeros((2, 2, 4), np.uint8)))
    assert clear.pixels.min() == 255
    smooth = np.full((16, 16, 3), (200, 30, 90), np.uint8)
    for suffix in (".jpg", ".jpeg", ".webp"):
        back = read(write_picture(tmp_path / f"e{suffix}", smooth)).pixels
        assert np.abs(back.astype(int) - smooth).max() < 8


def test_the_same_pixels_give_the_same_bytes():
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    assert encode_picture(pixels) == encode_picture(pixels.copy(order="F"))


@pytest.mark.parametrize(
    ("name", "pixels", "said"),
    [
        ("a.pgn", np.zeros((2, 2), np.uint8), r"'\.pgn'.*Did you mean '\.png'"),
        ("a.png", np.zeros((2, 2, 2), np.uint8), r"got \(2, 2, 2\)"),
        ("a.png", np.zeros((2, 2, 1), np.uint8), r"got \(2, 2, 1\)"),
        ("a.png", np.zeros((0, 2), np.uint8), r"got \(0, 2\)"),
        ("a.png", np.zeros((2, 2)), "got float64"),
        (
            "a.jpg",
            np.zeros((2, 2), np.uint16),
            "16-bit pictures are written as .png or .tif, not as JPEG",
        ),
        ("a.jpg", np.zeros((2, 2, 4), np.uint8), "JPEG has no alpha"),
    ],
)
def test_pixels_that_no_picture_can_hold(name, pixels, said, tmp_path):
    with pytest.raises(FormatError, match=said):
        write_picture(tmp_path / name, pixels)
    assert list(tmp_path.iterdir()) == []
