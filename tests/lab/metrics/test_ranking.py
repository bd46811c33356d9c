import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score

from wordmask.errors import MaskError
from wordmask.lab.metrics import ranking


@given(arrays(bool, st.integers(1, 30)))
def test_average_precision_is_sklearns(hits):
    scores = np.arange(len(hits), 0, -1)
    if hits.any():
        assert ranking.average_precision(hits) == pytest.approx(
            average_precision_score(hits, scores)
        )
    else:
        assert np.isnan(ranking.average_precision(hits))


@given(arrays(bool, 12), arrays(np.int64, 12, elements=st.integers(0, 3)))
def test_weighted_average_precision_is_sklearns(hits, weights):
    scores = np.arange(len(hits), 0, -1)
    if hits[weights > 0].any():
        expected = average_precision_score(hits, scores, sample_weight=weights)
        assert ranking.average_precision(hits, weights) == pytest.approx(expected)
    else:
        assert np.isnan(ranking.average_precision(hits, weights))


def test_same_class_same_vector_is_found_first():
    labels = np.array([0, 0, 1, 1, 2, 2])
    hits = ranking.relevance(ranking.similarities(np.eye(3)[labels]), labels, np.arange(6))
    assert ranking.figures(hits) == {"recall@1": 1, "recall@5": 1, "recall@10": 1, "map": 1}


def test_shuffled_labels_give_chance():
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(400, 16))
    labels = draw.integers(0, 4, 400)
    found = ranking.figures(
        ranking.relevance(ranking.similarities(vectors), labels, np.arange(400))
    )
    assert found["map"] == pytest.approx(0.25, abs=0.03)
    assert found["recall@1"] == pytest.approx(0.25, abs=0.06)


def test_the_querys_own_picture_is_not_searched():
    scores = np.ones((3, 3))
    hits = ranking.relevance(scores, np.array([0, 0, 0]), np.array([5, 5, 6]))
    assert [len(row) for row in hits] == [1, 1, 2]


def test_recall_by_hand_and_when_nothing_could_be_right():
    assert ranking.recall_at(np.array([False, True]), 1) == 0
    assert ranking.recall_at(np.array([False, True]), 2) == 1
    nothing = [np.array([False, False])]
    assert np.isnan(ranking.recall_at(nothing[0], 5))
    assert np.isnan(ranking.figures(nothing)["map"])


def test_columns_must_fit():
    with pytest.raises(MaskError, match="do not fit"):
        ranking.relevance(np.ones((2, 2)), np.zeros(3), np.zeros(3))
