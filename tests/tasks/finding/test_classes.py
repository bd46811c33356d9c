"""Words judged by classes: four classes, words along the axes of a space of four."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawing import draw
from wordmask.core.classes import ClassEvidence, ClassMaps, ClassNames
from wordmask.core.masks import Masks
from wordmask.core.once import Once
from wordmask.core.protocols import FeatureMap
from wordmask.tasks.finding.classes import MOST, choose_judges, class_planes, class_shares
from wordmask.tasks.finding.wordmaps import WordMaps

DOG, CELLO, VIOLIN, NONSENSE = np.eye(4, dtype=np.float32)
# Class 0 is a cello, 1 and 2 are violins, 3 has no name that anyone asks for.
NAMES = ClassNames(
    DOG[None],
    np.stack([CELLO, VIOLIN]),
    np.array([[True, False, False, False], [False, True, True, False]]),
)


def evidence(local: np.ndarray, whole: np.ndarray | None = None) -> ClassEvidence:
    """The opinion of one pass, (4, h, w) probabilities."""
    whole = np.full(4, 0.25, np.float32) if whole is None else whole
    summary = np.zeros(8, np.float32)
    maps = ClassMaps((local.astype(np.float32),), whole, summary)
    return ClassEvidence(NAMES, Once(lambda: maps), 0.5, 1.0, 0.0, 0.0, 1.0, -4.0, 3.0)


def of_class(label: int, size: tuple[int, int] = (2, 3)) -> np.ndarray:
    """(4, h, w): every cell is sure of one class."""
    local = np.full((4, *size), 0.01)
    local[label] = 0.97
    return local


def test_a_word_is_judged_by_vectors_classes_or_nobody():
    texts = np.stack([DOG, VIOLIN, NONSENSE])
    judges = choose_judges(NAMES, texts, np.arange(3))
    assert judges.by_class.rows.tolist() == [1]
    assert judges.by_class.members.tolist() == [[0, 1, 1, 0]]
    assert not len(judges.supported.rows)
    assert judges.unknown.tolist() == [False, False, True]


def test_a_word_means_what_any_of_its_spellings_means():
    texts = np.stack([NONSENSE, VIOLIN, NONSENSE, DOG, CELLO])
    judges = choose_judges(NAMES, texts, np.array([0, 3]))
    assert judges.by_class.rows.tolist() == [0]
    assert judges.supported.rows.tolist() == [1]  # it is learned: vectors judge it
    assert not judges.unknown.any()


def test_classes_of_one_word_add_up_and_the_whole_picture_counts():
    local = np.full((4, 1, 1), 0.25)
    members = np.array([[0, 1, 1, 0]], np.float32)
    _, even = class_planes(evidence(local), members, (1, 1))
    assert even[0, 0, 0] == pytest.approx(0.5)
    whole = np.array([0.01, 0.49, 0.49, 0.01], np.float32)
    assert class_planes(evidence(local, whole), members, (1, 1))[1][0, 0, 0] > 0.8


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10**6))
def test_words_of_a_cell_leave_something_to_none(height, width, seed):
    local = np.random.default_rng(seed).dirichlet(np.ones(4), (3, 4)).transpose(2, 0, 1)
    members = np.array([[1, 0, 0, 0], [0, 1, 1, 0], [1, 1, 1, 1]], np.float32)
    rows, planes = class_planes(evidence(local), members, (height, width))
    assert planes.shape == (len(rows), height, width)
    assert (planes >= 0).all()
    assert (planes.sum(0) <= MOST + 1e-5).all()


def test_a_mask_shows_what_the_classes_under_it_say():
    local = np.concatenate([of_class(0), of_class(1)], axis=2)  # a cello left, a violin right
    masks = Masks.from_dense(np.stack([draw("###...", "###..."), draw("...###", "...###")]))
    members = np.array([[1, 0, 0, 0], [0, 1, 1, 0]], np.float32)
    shares = class_shares(evidence(local), members, masks)
    assert shares.argmax(1).tolist() == [0, 1]


def maps_of(words: np.ndarray, local: np.ndarray) -> WordMaps:
    """Vectors that see a dog everywhere, and classes that see `local`."""
    vectors = np.tile(DOG, (2, 3, 1))
    none = np.zeros((2, 3), np.float32)
    features = FeatureMap(vectors, (2, 3), 10.0, none, classes=evidence(local))
    return WordMaps(features, words, np.arange(len(words)))


def test_sure_classes_take_a_cell_from_the_words_of_the_vectors():
    maps = maps_of(np.stack([DOG, VIOLIN]), of_class(1))
    assert (maps.probabilities.argmax(0) == 1).all()
    np.testing.assert_allclose(maps.probabilities.sum(0), 1, atol=1e-5)


def test_classes_that_see_nothing_of_it_leave_a_cell_to_the_vectors():
    maps = maps_of(np.stack([DOG, VIOLIN]), of_class(3))
    assert (maps.probabilities[0] > 0.9).all()


def test_words_that_classes_judge_alone_can_be_absent():
    maps = maps_of(VIOLIN[None], of_class(3))
    assert (maps.probabilities[0] < 0.05).all()
    assert np.isfinite(maps.probabilities).all()


def test_regions_are_named_by_both_kinds_of_evidence():
    masks = Masks.from_dense(np.ones((1, 2, 3), bool))
    words = np.stack([DOG, VIOLIN])
    seen = maps_of(words, of_class(2)).of_regions(masks)
    other = maps_of(words, of_class(3)).of_regions(masks)
    assert (seen.argmax(1).item(), other.argmax(1).item()) == (1, 0)
    np.testing.assert_allclose(seen.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize(("seen", "gains"), [(0, True), (3, False)])
def test_classes_support_a_learned_word_that_they_see(seen, gains):
    maps = maps_of(np.stack([DOG, NONSENSE]), of_class(seen))
    both = WordMaps(maps.features, np.stack([DOG, CELLO, NONSENSE]), np.array([0, 2]))  # dog|cello
    alone, together = maps.probabilities[0].mean(), both.probabilities[0].mean()
    assert (together > alone + 1e-5) == gains
