import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.lab.metrics import answers


@pytest.mark.parametrize(("said", "score"), [(0, 0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1), (10, 1)])
def test_accuracy_of_vqa_is_the_mean_over_every_nine_of_ten(said, score):
    people = ["yes"] * said + ["no"] * (10 - said)
    nines = [people[:k] + people[k + 1 :] for k in range(10)]
    by_hand = np.mean([min(nine.count("yes") / 3, 1) for nine in nines])
    assert answers.accuracy("Yes!", people) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(score)


def test_one_answer_is_right_or_wrong():
    assert answers.accuracy("the dog", ["Dog"]) == 1
    assert answers.accuracy("white and black", ["black and white"]) == 1
    assert answers.accuracy("dogs", ["dog"]) == 0


def test_effective_reliability_punishes_what_is_wholly_wrong():
    right, answered = np.array([1, 0.3, 0, 0]), np.array([True, True, True, False])
    assert answers.effective_reliability(right, answered).tolist() == [1, 0.3, -1, 0]


def test_the_surest_come_first():
    right, scores = np.array([0, 1, 1, 0.0]), np.array([0.1, 0.9, 0.8, 0.5])
    coverage, risk = answers.risk_coverage(right, scores)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert risk.tolist() == pytest.approx([0, 0, 1 / 3, 0.5])
    assert answers.coverage_at(right, scores, 0.1) == 0.5
    assert answers.coverage_at(1 - right, scores, 0.1) == 0


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1))
def test_all_answered_risks_the_mean(rows):
    right, scores = np.array(rows).T
    coverage, risk = answers.risk_coverage(right, scores)
    assert coverage[-1] == 1
    assert risk[-1] == pytest.approx(1 - right.mean(), abs=1e-9)
