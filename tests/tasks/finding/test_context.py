"""What the picture as a whole says: words along the axes of a space of four."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.core.classes import ClassEvidence, ClassMaps, ClassNames, ContextEvidence
from wordmask.core.once import Once
from wordmask.core.protocols import FeatureMap
from wordmask.tasks.finding.wordmaps import WordMaps

DOG, CAT, VIOLIN, NONSENSE = np.eye(4, dtype=np.float32)


def context(*log_odds: float, offset: float = 0.0) -> ContextEvidence:
    """A picture that says so of the four words."""
    direction = np.array([*log_odds, offset], np.float32)
    return ContextEvidence(Once(lambda: direction), 0.5, 2.0, -4.0, 1.0, 0.5, 0.0)


def maps_of(seen: ContextEvidence | None, presence: float = 0.0) -> WordMaps:
    """Cells that show a dog, less surely a cat; a violin is judged by classes."""
    names = ClassNames(np.stack([DOG, CAT]), VIOLIN[None], np.ones((1, 1), bool))
    flat = np.full((1, 2, 3), 0.5, np.float32)
    classes = ClassMaps((flat,), np.full(1, 0.5, np.float32), np.zeros(2, np.float32))
    evidence = ClassEvidence(names, Once(lambda: classes), 0.5, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    vectors = np.tile((DOG * 0.8 + CAT * 0.6).astype(np.float32), (2, 3, 1))
    features = FeatureMap(vectors, (2, 3), 10.0, np.full((2, 3), 6, np.float32), classes=evidence)
    words = np.stack([DOG, CAT, VIOLIN, NONSENSE])
    return WordMaps(
        replace(features, context=seen, presence=presence), words, np.arange(len(words))
    )


def test_a_likely_word_gains_and_an_unlikely_one_loses():
    plain = maps_of(None).probabilities[:, 0, 0]
    told = maps_of(context(-8, 3, 0, 0)).probabilities[:, 0, 0]
    assert told[1] > plain[1]
    assert told[0] < plain[0]


def test_words_that_the_vectors_never_learned_are_left_alone():
    plain, told = (maps_of(seen)._needed_peaks for seen in (None, context(-8, 3, 9, 9)))
    assert told[2:].tolist() == plain[2:].tolist()
    planes = maps_of(context(0, 0, 9, 9)).probabilities
    assert planes[2:4] == pytest.approx(maps_of(context(0, 0, -9, -9)).probabilities[2:4])


def test_an_unlikely_word_needs_a_higher_peak():
    unlikely, likely = maps_of(context(-4, 4, 0, 0), presence=0.5)._needed_peaks[:2]
    assert unlikely == pytest.approx(1 / (1 + np.exp(-2)))
    assert likely == pytest.approx(1 / (1 + np.exp(2)))


@given(*[st.floats(-50, 50)] * 4)
def test_probabilities_stay_probabilities(dog, cat, violin, nonsense):
    planes = maps_of(context(dog, cat, violin, nonsense), presence=0.5).probabilities
    assert np.isfinite(planes).all()
    assert planes.sum(0) == pytest.approx(1, abs=1e-5)


def test_a_word_is_as_likely_as_its_likeliest_spelling():
    maps = maps_of(context(-5, 2, 0, 0))
    both = WordMaps(maps.features, maps.texts[:2], np.array([0]))
    assert both._context_odds.tolist() == [2.0]
