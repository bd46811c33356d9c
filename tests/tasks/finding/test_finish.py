"""Candidates become a result."""

import numpy as np
import pytest

from wordmask.tasks.finding.finish import otsu


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([0.1, 0.12, 0.8, 0.9], 0.12, 0.8), ([0.5], 0, 0.5), ([0.4, 0.4, 0.4], 0, 0.4), ([], 0, 0)],
)
def test_otsu_parts_two_groups_and_lets_one_group_pass(values, low, high):
    assert low <= otsu(np.array(values)) <= high
