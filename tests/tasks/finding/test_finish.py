"""Candidates become a result."""

import numpy as np
import pytest

from wordmask.core.masks import Masks
from wordmask.tasks.finding.candidates import Candidates
from wordmask.tasks.finding.finish import QueryWords, Rules, finish, otsu


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([0.1, 0.12, 0.8, 0.9], 0.12, 0.8), ([0.5], 0, 0.5), ([0.4, 0.4, 0.4], 0, 0.4), ([], 0, 0)],
)
def test_otsu_parts_two_groups_and_lets_one_group_pass(values, low, high):
    assert low <= otsu(np.array(values)) <= high


def test_a_word_that_lost_all_its_pixels_had_to_beat_the_one_that_has_them():
    masks = np.zeros((3, 20, 20), bool)
    masks[0, :12], masks[1, 2:6, 2:6], masks[2, 14:] = True, True, True
    found = Candidates(
        Masks.from_dense(masks),
        ("",) * 3,
        np.full(3, np.nan, np.float32),
        np.array([0, 1, 2]),
        np.array([0.8, 0.5, 0.9], np.float32),
        threshold=0.4,
    )
    words = QueryWords(("cup", "spoon", "table"), ("cup", "spoon", "table"))
    result, threshold = finish(found, words, None, Rules())
    assert set(result.names) == {"cup", "table"}
    (spoon,) = result.absent
    assert spoon.best == pytest.approx(0.5)
    assert spoon.needed == pytest.approx(0.8)
    assert threshold.score == pytest.approx(0.4)
