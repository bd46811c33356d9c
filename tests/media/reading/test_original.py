"""Depth, alpha and grey survive an edit; what did not change keeps every bit."""

import cv2
import numpy as np
import pytest
from PIL import Image as Pil

from wordmask.core.image import Image
from wordmask.errors import ImageError, MaskError
from wordmask.media.reading.limits import Limits
from wordmask.media.reading.original import encode_original, read_original

RNG = np.random.default_rng(0)


def written(path, pixels: np.ndarray):
    """A PNG or TIFF of any depth and channels, RGB order."""
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(
        pixels.shape[2] if pixels.ndim == 3 else 1
    )
    assert cv2.imwrite(str(path), pixels if order is None else cv2.cvtColor(pixels, order))
    return path


def noise(dtype: str, *shape: int) -> np.ndarray:
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


SHAPES = [(dtype, channels) for dtype in ("uint8", "uint16") for channels in ((), (3,), (4,))]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(("dtype", "channels"), SHAPES)
def test_every_depth_and_alpha_comes_back_where_nothing_changed(tmp_path, suffix, dtype, channels):
    pixels = noise(dtype, 12, 9, *channels)
    original = read_original(written(tmp_path / f"a{suffix}", pixels))
    after = original.image.pixels.copy()
    after[3:6, 2:5] = 77
    out = original.with_edit(Image(after))
    same = np.ones((12, 9), bool)
    same[3:6, 2:5] = False
    wide = np.repeat(pixels[..., None], 3, 2) if out.ndim == 3 and pixels.ndim == 2 else pixels
    assert out.dtype == pixels.dtype
    assert (out[same] == wide[same]).all()
    if channels == (4,):
        assert (out[..., 3] == pixels[..., 3]).all()
    low = out[~same][..., :3] if out.ndim == 3 else out[~same]
    assert (np.abs((low >> 8 if dtype == "uint16" else low).astype(int) - 77) <= 1).all()


@pytest.mark.parametrize(("dtype", "channels"), SHAPES)
def test_png_holds_what_was_made(tmp_path, dtype, channels):
    pixels = noise(dtype, 7, 5, *channels)
    (tmp_path / "out.png").write_bytes(encode_original(pixels))
    assert encode_original(pixels) == encode_original(pixels)
    back = read_original(tmp_path / "out.png").pixels
    assert back.dtype == pixels.dtype
    assert (back == pixels).all()


def test_a_grey_picture_stays_grey_until_it_gets_colour(tmp_path):
    original = read_original(written(tmp_path / "a.png", noise("uint8", 8, 8)))
    grey, colour = original.image.pixels.copy(), original.image.pixels.copy()
    grey[2, 2] = 9
    colour[2, 2] = (250, 3, 3)
    assert original.with_edit(Image(grey)).ndim == 2
    tinted = original.with_edit(Image(colour))
    assert tinted.shape == (8, 8, 3)
    assert tinted[2, 2].tolist() == [250, 3, 3]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_with_alpha_is_upright(tmp_path, orientation):
    pixels = noise("uint8", 6, 4, 4)
    exif = Pil.Exif()
    exif[0x0112] = orientation
    Pil.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    original = read_original(tmp_path / "a.png")
    assert original.pixels.shape[:2] == original.seen.size
    opaque = original.pixels[..., 3] == 255
    with Pil.open(tmp_path / "a.png") as opened:
        turns = {
            2: "FLIP_LEFT_RIGHT",
            3: "ROTATE_180",
            4: "FLIP_TOP_BOTTOM",
            5: "TRANSPOSE",
            6: "ROTATE_270",
            7: "TRANSVERSE",
            8: "ROTATE_90",
        }
        upright = opened.transpose(Pil.Transpose[turns[orientation]]) if orientation > 1 else opened
        assert (np.asarray(upright) == original.pixels).all()
    assert (original.seen.pixels[opaque] == original.image.pixels[opaque]).all()


def test_jpeg_and_palette_pictures_are_plain_rgb(tmp_path):
    plain = Pil.fromarray(noise("uint8", 16, 16, 3))
    plain.save(tmp_path / "a.jpg")
    plain.quantize(8).save(tmp_path / "b.png")
    for name in ("a.jpg", "b.png"):
        original = read_original(tmp_path / name)
        assert (original.pixels == original.image.pixels).all()
        assert original.image.name


def test_limits_hold_and_another_size_is_refused(tmp_path):
    path = written(tmp_path / "a.png", noise("uint16", 40, 40, 3))
    with pytest.raises(ImageError, match="set max_pixels="):
        read_original(path, Limits(max_pixels=100))
    with pytest.raises(MaskError, match="the edit is"):
        read_original(path).with_edit(Image(np.zeros((2, 2, 3), np.uint8)))


@pytest.mark.parametrize(("dtype", "channels"), SHAPES)
def test_alpha_is_told_in_eight_bits(tmp_path, dtype, channels):
    pixels = noise(dtype, 12, 9, *channels)
    alpha = read_original(written(tmp_path / "a.png", pixels)).alpha
    if channels == (4,):
        assert (alpha == pixels[..., 3] >> (8 if dtype == "uint16" else 0)).all()
    else:
        assert alpha is None
