import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from figures import standing
from wordmask.core.poses import BONES, JOINTS
from wordmask.ops.limbs import PART_JOINTS, PARTS, label_parts

BOX = (10, 5, 110, 215)
ALL = np.ones(17, bool)


def figure() -> tuple[np.ndarray, np.ndarray]:
    """A thick figure (220, 120) and its joints (17, 2)."""
    joints = standing(BOX)[:, :2]
    canvas = np.zeros((220, 120), np.uint8)
    for one, other in BONES:
        ends = [joints[JOINTS.index(name)].astype(int).tolist() for name in (one, other)]
        cv2.line(canvas, ends[0], ends[1], 1, 12)
    cv2.circle(canvas, (60, 26), 16, 1, -1)
    corners = [joints[JOINTS.index(name)].astype(int).tolist() for name in PART_JOINTS["torso"]]
    cv2.fillConvexPoly(canvas, cv2.convexHull(np.array(corners)), 1)
    return canvas.astype(bool), joints


def test_each_joint_of_a_limb_lies_in_its_part():
    mask, joints = figure()
    labels = label_parts(mask, joints, ALL)
    for part in ("head", "left arm", "right arm", "left leg", "right leg"):
        for name in PART_JOINTS[part][1:]:
            x, y = joints[JOINTS.index(name)].astype(int)
            assert PARTS[labels[y, x]] == part, name
    assert PARTS[labels[80, 60]] == "torso"


def test_left_is_the_persons_own():
    mask, joints = figure()
    labels = label_parts(mask, joints, ALL)
    left = np.nonzero(labels == PARTS.index("left arm"))[1].mean()
    right = np.nonzero(labels == PARTS.index("right arm"))[1].mean()
    assert left > 60 > right


def test_a_limb_whose_joints_are_not_known_goes_to_its_neighbours():
    mask, joints = figure()
    there = np.array(
        [not ("left" in name and ("elbow" in name or "wrist" in name)) for name in JOINTS]
    )
    labels = label_parts(mask, joints, there)
    assert PARTS.index("left arm") not in labels
    assert (labels >= 0).sum() == mask.sum()


def test_hips_that_are_not_seen_leave_a_torso_below_the_shoulders():
    mask, joints = figure()
    there = np.array(["hip" not in n and "knee" not in n and "ankle" not in n for n in JOINTS])
    labels = label_parts(mask, joints, there)
    assert PARTS[labels[90, 60]] == "torso"


@given(arrays(bool, (9, 8)), arrays(bool, 17), st.integers(0, 99))
def test_a_piece_of_the_mask_has_parts_everywhere_or_nowhere(mask, there, seed):
    joints = np.random.default_rng(seed).uniform(-5, 14, (17, 2))
    labels = label_parts(mask, joints, there)
    assert (labels[~mask] == -1).all()
    _, ids = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    for piece in range(1, ids.max() + 1):
        inside = labels[ids == piece]
        assert (inside >= 0).all() or (inside == -1).all()


def test_a_piece_without_a_joint_is_no_part():
    mask, joints = figure()
    mask[:4, :4] = True
    labels = label_parts(mask, joints, ALL)
    assert (labels[:4, :4] == -1).all()
    assert (labels >= 0).sum() == mask.sum() - 16


@pytest.mark.parametrize("there", [np.zeros(17, bool), np.arange(17) == 9])
def test_without_a_joint_that_tells_a_part_there_is_none(there):
    mask, joints = figure()
    assert (label_parts(mask, joints, there) == -1).all()
