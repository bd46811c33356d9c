import numpy as np
import pytest
from PIL import Image as Pil

from drawing import box_mask
from figures import standing
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.poses import JOINTS, Poses
from wordmask.core.result import Result
from wordmask.media.drawing.skeleton import PART_COLOURS, draw_parts, draw_people, draw_skeletons
from wordmask.ops.limbs import PARTS

SIZE, BOX = (200, 120), (15, 10, 105, 190)


def grey():
    return Image(np.full((*SIZE, 3), 120, np.uint8))


def poses(confidence=0.9):
    return Poses(standing(BOX, confidence)[None])


def drawn(confidence=0.9):
    picture = Pil.fromarray(grey().pixels)
    return np.asarray(draw_skeletons(picture, poses(confidence), 0.3))


def pixel(picture, name):
    x, y = standing(BOX)[JOINTS.index(name), :2]
    return picture[int(y), int(x)]


@pytest.mark.parametrize(
    ("joint", "part"),
    [("left wrist", "left arm"), ("right wrist", "right arm"), ("left ankle", "left leg"),
     ("right knee", "right leg"), ("nose", "head")],
)  # fmt: skip
def test_a_joint_has_the_colour_of_its_part(joint, part):
    assert np.abs(pixel(drawn(), joint).astype(int) - PART_COLOURS[part]).max() < 12


def test_unsure_joints_are_not_drawn():
    assert (drawn(0.2) == 120).all()


def test_left_and_right_differ_in_every_limb():
    for limb in ("arm", "leg"):
        assert PART_COLOURS[f"left {limb}"] != PART_COLOURS[f"right {limb}"]
    assert set(PART_COLOURS) == set(PARTS)


def test_a_picture_of_nobody_is_the_picture():
    nobody = Result.nothing(SIZE, image=grey())
    picture = draw_people(nobody, Poses.nobody(), 0.3)
    assert (np.asarray(picture.convert("RGB")) == 120).all()


def test_parts_have_the_colours_of_their_bones():
    masks = Masks.from_dense(np.stack([box_mask(SIZE, (20, 20, 50, 60))]))
    parts = Result.of(masks, PARTS, label_ids=[PARTS.index("left arm")], image=grey())
    picture = np.asarray(draw_parts(parts, grey()).convert("RGB")).astype(int)
    red, green, blue = picture[57, 23]
    assert red > green > blue


def test_people_at_the_edge_are_drawn_as_far_as_they_reach():
    joints = standing((-60, -40, 60, 90))[None]
    picture = draw_skeletons(Pil.fromarray(grey().pixels), Poses(joints), 0.3)
    assert picture.size == SIZE[::-1]
