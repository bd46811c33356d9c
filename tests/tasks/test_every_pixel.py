"""A word for every pixel, from the regions of `segment`."""

import numpy as np
import pytest

from drawing import paint_discs
from wordmask import engines
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.protocols import Proposals
from wordmask.errors import CapabilityError, OptionError
from wordmask.tasks.segment import SegmentOptions, segment

RED, BLUE = (255, 0, 0), (0, 0, 255)
EVERY_PIXEL = SegmentOptions(every_pixel=True)


@pytest.fixture(scope="module")
def fake():
    return engines.load("fake")


@pytest.fixture(scope="module")
def image():
    """Two discs on white."""
    return paint_discs((240, 320), (80, 80, 40, RED), (230, 150, 50, BLUE))


def test_every_pixel_has_a_word_and_none_that_got_some_is_absent(fake, image):
    words = Text(("red", "blue", "zebra"))
    plain, found = segment(image, words, fake), segment(image, words, fake, EVERY_PIXEL)
    assert found.masks.union().all()
    assert found.masks.areas.sum() == 240 * 320
    named = plain.label_map()
    assert (found.label_map()[named >= 0] == named[named >= 0]).all()
    assert not {one.phrase for one in found.absent} & set(found.names)


def test_words_that_are_not_reported_keep_their_pixels(fake, image):
    options = SegmentOptions(vocabulary=("blue", "white"), every_pixel=True)
    found = segment(image, Text(("red",)), fake, options)
    white = (image.pixels == 255).all(-1)
    assert set(found.names) == {"red"}
    assert found.masks.union()[white].mean() < 0.02  # along the edge


def test_the_rest_is_either_a_word_or_other():
    with pytest.raises(OptionError, match="panoptic and every_pixel"):
        SegmentOptions(every_pixel=True, panoptic=True)


class Boxer:
    """A detector without dense features."""

    name = "boxer"

    def __init__(self, fake):
        self._fake = fake.parts[0]

    def encode(self, images):
        return self._fake.encode(images)

    def propose(self, seen, phrases):
        boxes = np.array([[30, 30, 130, 130]], np.float32)
        return Proposals(boxes, np.array([0.8], np.float32), np.array([0]))


class Cutter(Boxer):
    name = "cutter"
    propose = None

    def cut(self, seen, prompts):
        return self._fake.cut(seen, prompts)


def test_it_needs_to_be_known_where_words_are_probable(fake, image):
    models = Models("boxer+cutter", (Boxer(fake), Cutter(fake)))
    assert segment(image, Text(("red",)), models).names == ("red",)
    with pytest.raises(CapabilityError, match="every_pixel needs dense features"):
        segment(image, Text(("red",)), models, EVERY_PIXEL)
