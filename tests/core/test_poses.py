import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.core.poses import BONES, JOINTS, SPREADS, Poses
from wordmask.errors import InputError


def poses(*confidences):
    """One person for each confidence, all joints at (3, 4)."""
    rows = [np.tile(np.array([3, 4, value], np.float32), (17, 1)) for value in confidences]
    return Poses(np.stack(rows))


def test_every_bone_joins_two_known_joints():
    assert {name for bone in BONES for name in bone} == set(JOINTS)
    assert len(SPREADS) == len(JOINTS) == 17


def test_rows_can_be_chosen_and_keep_their_order():
    chosen = poses(0.1, 0.2, 0.3)[[2, 0]]
    assert chosen.joints[:, 0, 2].tolist() == pytest.approx([0.3, 0.1])


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=5), st.floats(0, 1))
def test_a_joint_is_there_from_the_threshold_on_but_never_at_zero(values, threshold):
    there = poses(*values).is_there(threshold)
    wanted = [value >= np.float32(threshold) and value > 0 for value in np.float32(values)]
    assert there.all(1).tolist() == there.any(1).tolist()
    assert there[:, 0].tolist() == wanted


def test_nobody_is_a_normal_answer():
    assert len(Poses.nobody()) == 0
    assert Poses.nobody().is_there(0.5).shape == (0, 17)


@pytest.mark.parametrize(
    ("joints", "said"),
    [
        pytest.param(np.zeros((2, 16, 3)), r"\(N, 17, 3\)", id="a joint too few"),
        pytest.param(np.zeros((17, 3)), r"\(N, 17, 3\)", id="no axis for people"),
        pytest.param(np.full((1, 17, 3), np.nan), "finite", id="no numbers"),
        pytest.param(np.full((1, 17, 3), 2.0), r"\[0, 1\]", id="surer than sure"),
    ],
)
def test_joints_that_cannot_be_are_refused(joints, said):
    with pytest.raises(InputError, match=said):
        Poses(joints)


def test_a_joint_that_has_no_place_is_told_with_those_that_have():
    assert Poses.nobody().place("left hip") == JOINTS.index("left hip")
    with pytest.raises(InputError, match="'tail' among nose"):
        Poses.nobody().place("tail")


def test_joints_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        poses(0.5).joints[0, 0, 0] = 1
