"""A word for every pixel."""

import numpy as np
import pytest

from drawing import box_mask, paint
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.prompts import Text
from wordmask.core.protocols import FeatureMap
from wordmask.tasks.dense import DenseOptions, dense, label_pixels
from wordmask.tasks.finding.wordmaps import WordMaps


@pytest.fixture(scope="module")
def fake():
    return engines.load("fake")


def drawn():
    """The left half is red."""
    return paint((120, 160), (box_mask((120, 160), (0, 0, 80, 120)), (255, 0, 0)))


@pytest.mark.parametrize("refine", ["none", "pamr", "snap"])
def test_each_pixel_gets_the_word_of_its_colour(fake, refine):
    found = dense(drawn(), Text(("red", "white")), fake, DenseOptions(refine=refine))
    labels = found.label_map()
    assert (labels[:, :76] == 0).all()
    assert (labels[:, 84:] == 1).all()


def test_without_none_every_pixel_has_a_word(fake):
    labels = dense(drawn(), Text(("red",)), fake, DenseOptions(none=False)).label_map()
    assert (labels == 0).all()


def test_with_none_only_what_the_word_names_is_labelled(fake):
    labels = dense(drawn(), Text(("red",)), fake).label_map()
    assert (labels[:, :76] == 0).all()
    assert (labels[:, 84:] == -1).all()


def maps_of(vectors, words, **more):
    height, width, _ = vectors.shape
    return WordMaps(
        FeatureMap(vectors, (height * 4, width * 4), **more), words, np.arange(len(words))
    )


def test_planes_are_interpolated_edge_to_edge_at_half_pixel_centres():
    vectors = np.zeros((1, 2, 2), np.float32)
    vectors[0, 0, 0] = vectors[0, 1, 1] = 1
    image = Image(np.zeros((4, 8, 3), np.uint8))
    labels = label_pixels(image, maps_of(vectors, np.eye(2, dtype=np.float32)), DenseOptions())
    assert (labels == [[0, 0, 0, 0, 1, 1, 1, 1]]).all()


def test_where_no_word_wins_a_cell_no_pixel_has_one():
    vectors = np.tile(np.array([1, 0], np.float32), (2, 3, 1))
    maps = maps_of(vectors, np.array([[0, 1]], np.float32), none=np.full((2, 3), 9, np.float32))
    image = Image(np.zeros((*maps.size, 3), np.uint8))
    assert (label_pixels(image, maps, DenseOptions()) == -1).all()
    assert (label_pixels(image, maps, DenseOptions(none=False)) == 0).all()
