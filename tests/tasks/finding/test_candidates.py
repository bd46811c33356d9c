"""Candidates of the ways, joined."""

import numpy as np
import pytest

from drawing import draw_masks
from wordmask.core.masks import Masks
from wordmask.tasks.finding.candidates import Candidates, describe_box, describe_point


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


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        (describe_point((3.4, 7.6)), "point 3,8"),
        (describe_point((3, 7), "not"), "not 3,7"),
        (describe_box((1, 2, 30.6, 40)), "box 1,2,31,40"),
    ],
)
def test_prompts_are_described_in_whole_pixels(got, wanted):
    assert got == wanted


def test_rows_keep_every_column_in_step():
    masks = draw_masks(("#.",), (".#",), ("##",))
    found = Candidates(
        masks,
        ("a", "b", "c"),
        np.array([0.1, 0.2, 0.3]),
        np.array([5, 6, 7]),
        np.array([0.4, 0.5, 0.6]),
        tuple(crop.astype(np.float32) for crop in masks.crops),
        threshold=0.25,
    )
    part = found[np.array([2, 0])]
    assert (part.prompts, part.threshold) == (("c", "a"), 0.25)
    assert part.masks.areas.tolist() == [2, 1]
    assert part.label_ids.tolist() == [7, 5]
    assert part.scores.tolist() == [0.6, 0.4]
    assert [weights.shape for weights in part.weights] == [(1, 2), (1, 1)]
    assert part.without_scores().scores is None
