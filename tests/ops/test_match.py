from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wordmask.core.masks import Masks
from wordmask.errors import InputError
from wordmask.ops import match

costs = arrays(
    np.float64, st.tuples(st.integers(0, 4), st.integers(0, 4)), elements=st.integers(0, 9)
)


def test_the_total_counts_not_the_greedy_best():
    # Greedy takes 0.0 first and is left with 0.9.
    assert match.assign(np.array([[0.0, 0.1], [0.1, 0.9]]), gate=1.0).tolist() == [[0, 1], [1, 0]]


def test_a_pair_at_the_gate_is_made_and_one_above_is_not():
    cost = np.array([[0.5, 9.0], [9.0, 0.51]])
    assert match.assign(cost, gate=0.5).tolist() == [[0, 0]]


def test_a_cheap_pair_is_not_given_up_for_a_forbidden_one():
    assert match.assign(np.array([[0.1, 0.4], [0.0, np.inf]]), gate=0.3).tolist() == [[1, 0]]


@given(costs, st.integers(-1, 9))
def test_no_other_choice_of_pairs_is_cheaper(cost, gate):
    pairs = match.assign(cost, gate)
    assert (np.diff(pairs[:, 0]) > 0).all()
    assert len(set(pairs[:, 1].tolist())) == len(pairs)
    assert (cost[pairs[:, 0], pairs[:, 1]] <= gate).all()

    def total(chosen):
        return sum(min(cost[row, column] - gate, 0) for row, column in chosen)

    rows, columns = cost.shape
    wide, tall = (range(columns), range(rows)) if rows <= columns else (range(rows), range(columns))
    choices = (list(zip(tall, chosen, strict=True)) for chosen in permutations(wide, len(tall)))
    every = [choice if rows <= columns else [(b, a) for a, b in choice] for choice in choices]
    assert total(pairs.tolist()) == min(total(choice) for choice in every)


@given(costs)
def test_the_unmatched_are_the_rest(cost):
    pairs = match.assign(cost, gate=4)
    for side, count in enumerate(cost.shape):
        rest = match.alone(pairs, count, side)
        assert sorted([*rest.tolist(), *pairs[:, side].tolist()]) == list(range(count))


@pytest.mark.parametrize("cost", [np.array([[np.nan]]), np.array([[-np.inf]]), np.zeros(3)])
def test_costs_that_are_no_costs_are_refused(cost):
    with pytest.raises(InputError, match="costs are"):
        match.assign(cost, gate=1.0)


def test_masks_are_paired_by_iou():
    truth = Masks.from_dense(np.array([[[1, 1, 0, 0]], [[0, 0, 1, 1]]], bool))
    found = Masks.from_dense(np.array([[[0, 0, 0, 1]], [[1, 1, 1, 0]]], bool))
    assert match.by_iou(truth, found).tolist() == [[0, 1], [1, 0]]
    assert match.by_iou(truth, found, least=0.6).tolist() == [[0, 1]]
    assert match.by_iou(truth, Masks.empty((1, 4))).shape == (0, 2)
