"""A label for every pixel; probabilities of words; the linter."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.prompts import Text
from wordmask.core.protocols import FeatureMap
from wordmask.ops.pool import coverage
from wordmask.tasks.dense import DenseOptions, decide, dense
from wordmask.tasks.finding.wordmaps import (
    DOUBT,
    PEAK,
    WordMaps,
    doubt_absent_words,
    otsu,
    softmax,
    spread,
)
from wordmask.tasks.lint import lint


@pytest.fixture(scope="module")
def fake():
    return engines.load("fake")


def drawn():
    pixels = np.full((120, 160, 3), 255, np.uint8)
    cv2.rectangle(pixels, (0, 0), (79, 119), (255, 0, 0), -1)
    return Image(pixels, "half red")


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


def test_planes_are_spread_edge_to_edge_at_half_pixel_centres():
    vectors = np.zeros((1, 2, 2), np.float32)
    vectors[0, 0, 0] = vectors[0, 1, 1] = 1
    image = Image(np.zeros((4, 8, 3), np.uint8))
    labels = decide(image, maps_of(vectors, np.eye(2, dtype=np.float32)), DenseOptions())
    assert (labels == [[0, 0, 0, 0, 1, 1, 1, 1]]).all()


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_probabilities_sum_to_one_with_and_without_none(words, seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 30, (words, 7)).astype(np.float32)
    for none in (None, rng.normal(0, 30, 7).astype(np.float32)):
        planes = softmax(logits, none)
        assert planes.shape == (words + 1, 7)
        assert planes.sum(0) == pytest.approx(1)
    assert (softmax(logits, None)[-1] == 0).all()


@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_words_that_peak_nowhere_leave_their_share_to_none(words, cells, seed):
    logits = np.random.default_rng(seed).normal(0, 4, (words, cells)).astype(np.float32)
    before = softmax(logits, np.zeros(cells, np.float32))
    after = before.copy()
    doubt_absent_words(after, 0.5)
    for plane, doubted in zip(before[:-1], after[:-1], strict=True):
        absent = np.sort(plane)[-PEAK:].mean() < 0.5
        assert doubted == pytest.approx(plane * (DOUBT if absent else 1))
    assert after.sum(0) == pytest.approx(1, abs=1e-5)


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


def test_cells_are_spread_by_their_logarithms():
    halfway = spread(np.array([[0.9, 0.1]], np.float32), (1, 3))
    assert halfway[0] == pytest.approx([0.9, 0.3, 0.1])
    assert spread(np.zeros((2, 2), np.float32), (4, 4)).max() < 1e-3


def test_calibration_is_a_line_in_log_odds():
    vectors = np.ones((1, 1, 1), np.float32)
    maps = maps_of(vectors, np.ones((1, 1), np.float32), calibration=(2.0, 0.0, 0.0))
    assert maps.calibrated(np.array([0.5, 0.8]), np.ones(2)) == pytest.approx([0.5, 16 / 17])


def test_calibration_may_trust_large_regions_more():
    vectors = np.ones((1, 1, 1), np.float32)
    maps = maps_of(vectors, np.ones((1, 1), np.float32), calibration=(1.0, 0.0, 0.5))
    whole = np.prod(maps.size)
    assert maps.calibrated(np.array([0.5, 0.5]), np.array([whole, whole / 4])) == pytest.approx(
        [0.5, 1 / 3]
    )


def test_coverage_counts_the_share_of_each_cell():
    mask = np.zeros((4, 6), bool)
    mask[0, 0] = mask[2:, 3:] = True
    (shares,) = coverage(Masks.from_dense(mask), (2, 2))
    assert shares.tolist() == [[pytest.approx(1 / 6), 0], [0, 1]]


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 5),
    st.integers(1, 5),
    st.integers(0, 2**32 - 1),
)
def test_coverage_keeps_the_area(height, width, rows, columns, seed):
    rows, columns = min(rows, height), min(columns, width)
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    (shares,) = coverage(Masks.from_dense(mask), (rows, columns))
    cells_y = (2 * np.arange(height) + 1) * rows // (2 * height)
    cells_x = (2 * np.arange(width) + 1) * columns // (2 * width)
    area = (
        np.bincount(cells_y, minlength=rows)[:, None]
        * np.bincount(cells_x, minlength=columns)[None]
    )
    assert (shares * area).sum() == pytest.approx(mask.sum())


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([0.1, 0.12, 0.8, 0.9], 0.12, 0.8), ([0.5], 0, 0.5), ([0.4, 0.4, 0.4], 0, 0.4), ([], 0, 0)],
)
def test_otsu_parts_two_groups_and_lets_one_group_pass(values, low, high):
    assert low <= otsu(np.array(values)) <= high


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("cat", "Cats"), "collision"),
        (("t-shirt", "tshirt"), "collision"),
        (("dog", "hot dog"), "one inside the other"),
        (("a " + "very " * 12 + "long phrase",), "long phrase"),
        (("cup", "plate"), "no background"),
    ],
)
def test_the_linter_finds(words, kind):
    assert kind in [warning.kind for warning in lint(Text(words))]


@pytest.mark.parametrize("words", [("cat",), ("cat", "wall"), ("glass", "floor"), ("bus", "sky")])
def test_the_linter_lets_good_lists_pass(words):
    assert lint(Text(words)) == []


def test_the_linter_compares_meanings_where_an_engine_knows_them(fake):
    found = lint(Text(("red", "crimson red thing", "wall")), fake, near=-1.0)
    assert "near-synonyms" in [warning.kind for warning in found]
