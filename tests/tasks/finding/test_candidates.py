"""Candidates of the ways, joined."""

import numpy as np

from wordmask.core.masks import Masks
from wordmask.tasks.finding.candidates import Candidates


def one(columns: slice, weights=None) -> Candidates:
    mask = np.zeros((1, 4, 6), bool)
    mask[:, 1:3, columns] = True
    return Candidates(Masks.from_dense(mask), ("point",), np.ones(1), None, None, weights)


def test_joined_sets_weigh_their_pixels_only_where_one_of_them_does():
    soft = (np.full((2, 2), 0.5, np.float32),)
    assert Candidates.join([one(slice(0, 2)), one(slice(3, 5))]).weights is None
    hard, weighed = Candidates.join([one(slice(0, 2)), one(slice(3, 5), soft)]).weights
    np.testing.assert_array_equal(hard, np.ones((2, 2)))
    np.testing.assert_array_equal(weighed, soft[0])
