"""Probabilities of words in cells, and what becomes of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.core.protocols import FeatureMap
from wordmask.ops.odds import softmax_in_place
from wordmask.tasks.finding.wordmaps import (
    ABSENT_SHARE,
    PEAK_CELLS,
    WordMaps,
    interpolate,
    raise_likely_words,
    suppress_absent_words,
)


def maps_of(vectors, words, **more):
    height, width, _ = vectors.shape
    return WordMaps(
        FeatureMap(vectors, (height * 4, width * 4), **more), words, np.arange(len(words))
    )


def random_planes(words: int, cells: int, seed: int, none: float) -> np.ndarray:
    """(words + 1, cells) probabilities; `none` is the logit of "none of these"."""
    logits = np.random.default_rng(seed).normal(0, 4, (words, cells)).astype(np.float32)
    planes = np.concatenate([logits, np.full((1, cells), none, np.float32)])
    softmax_in_place(planes)
    return planes


@given(st.integers(1, 5), st.integers(0, 2**32 - 1), st.sampled_from([-np.inf, -40, 0, 40]))
def test_probabilities_sum_to_one_with_and_without_none(words, seed, none):
    planes = random_planes(words, 7, seed, none)
    assert planes.sum(0) == pytest.approx(1)
    assert (planes[-1] == 0).all() == (none == -np.inf)


@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_words_that_peak_nowhere_leave_their_share_to_none(words, cells, seed):
    before = random_planes(words, cells, seed, 0)
    after = before.copy()
    suppress_absent_words(after, np.full(words, 0.5, np.float32))
    for plane, left in zip(before[:-1], after[:-1], strict=True):
        absent = np.sort(plane)[-PEAK_CELLS:].mean() < 0.5
        assert left == pytest.approx(plane * (ABSENT_SHARE if absent else 1))
    assert after.sum(0) == pytest.approx(1, abs=1e-5)


@given(st.integers(1, 6), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_gains_are_gains_of_logits_and_probabilities_stay_probabilities(words, cells, seed):
    before = random_planes(words, cells, seed, 0)
    gains = np.random.default_rng(seed).uniform(-1, 1, words).astype(np.float32)
    after = before.copy()
    raise_likely_words(after, gains)
    assert after.sum(0) == pytest.approx(1, abs=1e-5)
    likely = gains > 0
    assert (after[:-1][~likely] <= before[:-1][~likely] + 1e-6).all()


def test_a_word_that_is_sure_somewhere_gains_nothing():
    sure = np.array([[1.0, 0.2], [0.0, 0.8]], np.float32).repeat(PEAK_CELLS, 1)
    unsure = np.array([[0.3, 0.2], [0.7, 0.8]], np.float32).repeat(PEAK_CELLS, 1)
    for planes, gained in ((sure, False), (unsure, True)):
        after = planes.copy()
        raise_likely_words(after, np.ones(1, np.float32))
        assert (after[0, -1] > planes[0, -1] + 1e-3) == gained


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
