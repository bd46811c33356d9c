"""Probabilities of words in cells, and what becomes of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.core.masks import Masks
from wordmask.core.protocols import FeatureMap
from wordmask.tasks.finding.wordmaps import WordMaps, interpolate


def maps_of(vectors, words, **more):
    height, width, _ = vectors.shape
    return WordMaps(
        FeatureMap(vectors, (height * 4, width * 4), **more), words, np.arange(len(words))
    )


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_the_winners_are_the_words_that_are_highest_somewhere(words, seed):
    rng = np.random.default_rng(seed)
    maps = maps_of(
        rng.normal(size=(3, 4, 8)).astype(np.float32),
        rng.normal(size=(words, 8)).astype(np.float32),
    )
    ids, planes = maps.winners((3, 4))
    assert ids.tolist() == sorted({*maps.probabilities.argmax(0).ravel().tolist(), words})
    assert planes == pytest.approx(maps.probabilities[ids])


def test_cells_are_interpolated_by_their_logarithms():
    halfway = interpolate(np.array([[0.9, 0.1]], np.float32), (1, 3))
    assert halfway[0] == pytest.approx([0.9, 0.3, 0.1])
    assert interpolate(np.zeros((2, 2), np.float32), (4, 4)).max() < 1e-3


def test_calibration_is_a_line_in_log_odds():
    vectors = np.ones((1, 1, 1), np.float32)
    maps = maps_of(vectors, np.ones((1, 1), np.float32), calibration=(2.0, 0.0, 0.0))
    assert maps.calibrate(np.array([0.5, 0.8]), np.ones(2)) == pytest.approx([0.5, 16 / 17])


def test_calibration_may_trust_large_regions_more():
    vectors = np.ones((1, 1, 1), np.float32)
    maps = maps_of(vectors, np.ones((1, 1), np.float32), calibration=(1.0, 0.0, 0.5))
    whole = np.prod(maps.size)
    assert maps.calibrate(np.array([0.5, 0.5]), np.array([whole, whole / 4])) == pytest.approx(
        [0.5, 1 / 3]
    )


def test_a_region_is_not_named_by_what_it_lies_on():
    person, bag = np.eye(2, dtype=np.float32)
    vectors = np.tile(person, (6, 6, 1))
    vectors[2:4, 2:4] = 0.75 * person + 0.66 * bag  # rather a person, but less so than around it
    dense = np.zeros((2, 24, 24), bool)
    dense[0, 8:16, 8:16] = True
    dense[1] = True
    maps = maps_of(vectors, np.stack([person, bag]), scale=2.0)
    inside = maps.under(Masks.from_dense(dense))
    named = maps.of_regions(Masks.from_dense(dense))
    assert inside[:, :2].argmax(1).tolist() == [0, 0]
    assert named[:, :2].argmax(1).tolist() == [1, 0]  # the whole picture has nothing around it
    np.testing.assert_allclose(named.sum(1), 1, atol=1e-5)
