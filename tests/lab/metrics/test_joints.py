import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.core.poses import SPREADS
from wordmask.lab.metrics.joints import oks


def real(labelled=17):
    """Joints on a line, of which the first are labelled."""
    joints = np.zeros((17, 3))
    joints[:, 0] = 10 * np.arange(17)
    joints[:labelled, 2] = 2
    return joints


def test_joints_at_their_places_are_perfect_whatever_the_others_say():
    found = real()[:, :2]
    found[5:] = 999
    assert oks(found, real(5), 900.0) == pytest.approx(1)


def test_one_spread_away_is_worth_exp_of_minus_a_half():
    """COCO's own definition, with a distance of twice the spread times the person's size."""
    found = real()[:, :2] + np.stack([np.zeros(17), 2 * np.array(SPREADS) * 30], 1)
    assert oks(found, real(), 900.0) == pytest.approx(np.exp(-0.5))


def test_without_a_labelled_joint_there_is_nothing_to_say():
    assert np.isnan(oks(real()[:, :2], real(0), 900.0))


@given(st.floats(0, 500), st.floats(1, 50))
def test_farther_is_never_better(distance, more):
    near, far = (real()[:, :2] + (0, gap) for gap in (distance, distance + more))
    assert 0 <= oks(far, real(), 900.0) <= oks(near, real(), 900.0) <= 1
