import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeing import see
from wordmask.core.image import Image
from wordmask.core.protocols import FeatureMap
from wordmask.errors import CapabilityError
from wordmask.lab.bench.options import WordOptions
from wordmask.lab.bench.window import Windowed, WindowedSeen, starts

CELL = 8


class Means:
    """One cell for 8 x 8 pixels: their mean colour, whatever window they are seen in."""

    name = "means"

    def encode(self, images):
        return [WindowedSeen(image) for image in images]

    def features(self, seen):
        return FeatureMap(cells(seen.image.pixels), seen.size)

    def embed_texts(self, phrases):
        return np.eye(3, dtype=np.float32)[: len(phrases)]


def look(engine, image):
    return engine.features(see(engine, image))


def cells(pixels):
    height, width = (side // CELL for side in pixels.shape[:2])
    return pixels.reshape(height, CELL, width, CELL, 3).mean((1, 3)).astype(np.float32)


@given(st.integers(1, 600), st.integers(1, 300), st.integers(1, 300))
def test_windows_cover_the_side_and_stay_inside(side, crop, stride):
    places = starts(side, crop, min(stride, crop))
    assert places[0] == 0
    assert places[-1] + crop >= side
    assert all(place + crop <= max(side, crop) for place in places)
    assert all(later - earlier <= crop for earlier, later in itertools.pairwise(places))


def test_windows_on_the_grid_give_what_the_whole_picture_gives():
    image = Image(np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8))
    whole = look(Means(), image)
    joined = look(Windowed(crop=32, stride=16, inner=Means()), image)
    assert joined.vectors == pytest.approx(whole.vectors)
    assert (joined.size, joined.scale) == (whole.size, whole.scale)


def test_a_picture_smaller_than_the_window_is_one_window():
    image = Image(np.full((16, 24, 3), 9, np.uint8))
    joined = look(Windowed(crop=64, stride=32, inner=Means()), image)
    assert (joined.vectors == 9).all()


def test_resized_but_still_of_the_pictures_size():
    image = Image(np.full((32, 64, 3), 9, np.uint8))
    found = look(Windowed(short_side=16, scale=7.0, inner=Means()), image)
    assert (found.vectors.shape, found.size, found.scale) == ((2, 4, 3), (32, 64), 7.0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, None),
        ({"slide_inference": True}, Windowed(crop=224, stride=112)),
        ({"logit_scale": 50.0}, Windowed(scale=50.0)),
        ({"preset": "voc21/sclip"}, Windowed(336, 224, 112, 65.0)),
        (
            {
                "preset": "voc20/sclip",
                "slide_inference": True,
                "slide_crop": 100,
                "slide_stride": 50,
            },
            Windowed(336, 100, 50, 40.0),
        ),
    ],
)
def test_options_go_before_the_preset(options, expected):
    assert Windowed.of(WordOptions(**options)) == expected


def test_a_window_without_an_engine():
    with pytest.raises(CapabilityError, match="an engine with dense features"):
        Windowed(crop=8, stride=8).embed_texts(["cat"])
