"""Everybody in a box: the peaks of MoveNet's map of middles."""

import numpy as np

from seeing import see
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.protocols import GroupPoseModel
from wordmask.engines.movenet.decode import Heads, decode_all


def heads(*middles):
    """Answers with people whose middles (row, column, logit) and joints are at one cell."""
    made = Heads(*(np.full((48, 48, depth), -9.0, np.float32) for depth in (17, 1, 34, 34)))
    made.reach[:], made.offsets[:] = 0, 0
    for row, column, logit in middles:
        made.middles[row, column] = logit
        made.joints[row, column] = logit
    return made


def test_everybody_whose_middle_stands_out_is_found_the_surest_first():
    found = decode_all(heads((10, 12, 1.0), (30, 40, 3.0)))
    assert found[:, 0, :2].tolist() == [[160, 120], [48, 40]]


def test_one_person_is_not_found_twice():
    assert len(decode_all(heads((20, 20, 3.0), (21, 22, 2.0)))) == 1


def test_faint_middles_are_nobody():
    assert decode_all(heads((20, 20, -3.0))).shape == (0, 17, 3)


def test_the_engine_answers_in_the_pictures_coordinates():
    movenet = engines.load("movenet", need=(GroupPoseModel,)).get(GroupPoseModel)
    image = Image(np.full((50, 60, 3), 200, np.uint8))
    found = movenet.all_poses(see(movenet, image), np.array([5, 5, 55, 45]))
    assert found.joints.shape[1:] == (17, 3)
