import numpy as np
import pytest

from wordmask.core.image import Image, frozen
from wordmask.errors import ImageError


def test_size_is_height_then_width():
    assert Image(np.zeros((2, 5, 3), np.uint8)).size == (2, 5)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        pytest.param("cat.jpg", "numpy array, got str", id="a path"),
        pytest.param(np.zeros((2, 5), np.uint8), r"\(H, W, 3\)", id="grey"),
        pytest.param(np.zeros((2, 5, 4), np.uint8), r"\(H, W, 3\)", id="alpha"),
        pytest.param(np.zeros((3, 2, 5), np.uint8), r"\(H, W, 3\)", id="channels first"),
        pytest.param(np.zeros((2, 5, 3), np.float32), "uint8, got float32", id="floats"),
        pytest.param(np.zeros((0, 5, 3), np.uint8), "empty", id="no rows"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_way_out(pixels, message):
    with pytest.raises(ImageError, match=message):
        Image(pixels)


def test_pixels_are_read_only_and_not_copied():
    pixels = np.zeros((2, 5, 3), np.uint8)
    image = Image(pixels)
    with pytest.raises(ValueError, match="read-only"):
        image.pixels[0, 0] = 1
    assert np.shares_memory(image.pixels, pixels)
    assert pixels.flags.writeable  # the caller's own array stays as it was


def test_digest_knows_the_shape_and_not_the_name():
    tall, wide = np.zeros((6, 2, 3), np.uint8), np.zeros((2, 6, 3), np.uint8)
    assert Image(tall).digest != Image(wide).digest
    assert Image(tall, "a").digest == Image(tall.copy(), "b").digest
    assert Image(np.ascontiguousarray(tall[::-1])).digest == Image(tall[::-1]).digest


def test_repr_says_width_times_height():
    assert repr(Image(np.zeros((2, 5, 3), np.uint8), "cat.jpg")) == "<Image cat.jpg 5 x 2>"
    assert "unnamed" in repr(Image(np.zeros((1, 1, 3), np.uint8)))


def test_frozen_leaves_the_original_writable():
    array = np.zeros(3)
    view = frozen(array)
    array[0] = 1
    assert view.tolist() == [1, 0, 0]
    assert not view.flags.writeable
