"""People, their joints and parts, with drawn people and models that say what they are told."""

import numpy as np
import pytest

from drawing import box_mask, disc, paint
from figures import Figures, Groups, standing
from wordmask import engines
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.poses import JOINTS, Poses
from wordmask.core.prompts import Boxes, Text
from wordmask.errors import CapabilityError, PromptError
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.pose import PoseOptions, pose
from wordmask.tasks.posing.cutting import (
    OTHERS,
    OWN,
    PersonCuts,
    cut_boxes,
    cut_by_joints,
    joint_clicks,
)
from wordmask.tasks.posing.groups import split_groups

SIZE = (120, 160)
RED, BLUE = (255, 0, 0), (0, 0, 255)
LEFT, RIGHT = (10, 10, 60, 110), (90, 30, 150, 110)


def two_people():
    """A red and a blue square "person"."""
    return paint(SIZE, (box_mask(SIZE, LEFT), RED), (box_mask(SIZE, RIGHT), BLUE))


def models(*parts):
    return Models("fake+test", (*engines.load("fake").parts, *parts))


def test_one_person_in_each_box_with_joints_of_the_same_row():
    found = pose(two_people(), models(Figures()), Boxes(np.array([RIGHT, LEFT], np.float32)))
    assert found.result.names == ("person", "person")
    assert len(found.poses) == 2
    for row in range(2):
        x0, y0, x1, y1 = found.result.masks.boxes[row]
        nose = found.poses.joints[row, 0, :2]
        assert x0 <= nose[0] <= x1
        assert y0 <= nose[1] <= y1
    assert found.result.why[0].prompt.startswith("box ")


def test_words_find_people_and_parts_say_whose_they_are():
    found = pose(two_people(), models(Figures()), Text(("red", "blue")))
    assert sorted(found.result.names) == ["blue", "red"]
    assert set(found.parts.names) == {
        "head", "torso", "left arm", "right arm", "left leg", "right leg",
    }  # fmt: skip
    for row, owner in enumerate(found.owners):
        part, whole = found.parts.masks.one(row), found.result.masks.one(owner)
        assert not (part & ~whole).any()


def test_parts_of_one_person_share_no_pixel_and_cover_it():
    found = pose(two_people(), models(Figures()), Text(("red",)))
    stack = found.parts.masks.dense()
    assert (stack.sum(0) == found.result.masks.one(0)).all()


def test_nobody_is_a_clear_answer():
    found = pose(two_people(), models(Figures()), Text(("green",)))
    assert (len(found.result), len(found.poses), len(found.parts), len(found.owners)) == (
        0,
        0,
        0,
        0,
    )
    assert [word.phrase for word in found.result.absent] == ["green"]


@pytest.mark.parametrize("options", [PoseOptions(refine=False), PoseOptions(parts=False)])
def test_each_step_can_be_left_out(options):
    found = pose(two_people(), models(Figures()), Boxes(np.array([LEFT], np.float32)), options)
    assert len(found.result) == 1
    assert bool(len(found.parts)) == options.parts


def test_a_person_at_the_edge_of_the_picture_is_a_person():
    corner = (100, 60, 160, 120)
    image = paint(SIZE, (box_mask(SIZE, corner), RED))
    found = pose(image, models(Figures()), Boxes(np.array([corner], np.float32)))
    assert found.result.masks.boxes[0].tolist() == list(corner)
    assert len(found.parts)


@pytest.mark.parametrize(
    ("box", "said"),
    [
        pytest.param((np.nan, 0, 5, 5), "finite", id="no number"),
        pytest.param((5, 5, 5, 9), "is empty", id="empty"),
        pytest.param((500, 0, 600, 50), "outside the picture of 160 x 120", id="outside"),
    ],
)
def test_a_box_that_cannot_be_is_told(box, said):
    with pytest.raises(PromptError, match=said):
        pose(two_people(), models(Figures()), Boxes(np.array([box], np.float32)))


def test_without_joints_in_a_model_the_error_says_what_to_join():
    with pytest.raises(CapabilityError, match="PoseModel"):
        pose(two_people(), models(), Text(("red",)))


def test_other_joints_than_cocos_are_refused():
    class Hands(Figures):
        def poses(self, seen, boxes):
            return Poses(np.zeros((len(boxes), 1, 3)), ("thumb",))

    with pytest.raises(CapabilityError, match="thumb"):
        pose(two_people(), models(Hands()), Text(("red",)))


# ---- which points are clicked


def test_own_joints_are_wanted_and_those_of_others_are_not():
    boxes = np.array([(0, 0, 100, 100), (60, 0, 160, 100)], np.float32)
    poses = Poses(np.stack([standing(boxes[0]), standing(boxes[1])]))
    clicks = joint_clicks(0, boxes, poses, 0.5)
    assert (clicks.kinds == OWN).sum() == 17
    others = clicks.xy[clicks.kinds == OTHERS]
    assert len(others)
    assert (others[:, 0] <= 100).all()
    gaps = np.linalg.norm(others[:, None] - clicks.xy[:17][None], axis=-1)
    assert gaps.min() > 8


def test_joints_that_are_unsure_or_far_outside_the_box_are_not_clicked():
    box = np.array([(0, 0, 100, 100)], np.float32)
    joints = standing(box[0])
    joints[:5, 2] = 0.1
    joints[16, :2] = (300, 300)
    clicks = joint_clicks(0, box, Poses(joints[None]), 0.5)
    assert len(clicks.xy) == 11


def test_a_mask_is_only_replaced_by_one_that_the_segmenter_thinks_better():
    image = two_people()
    view = View(image, models(Figures()), Trace())
    box = np.array([LEFT], np.float32)
    poses = Poses(standing(LEFT)[None])
    disc_mask = disc(SIZE, (35, 60), 20)
    for estimate, is_kept in ((1.0, True), (0.0, False)):
        before = PersonCuts(
            masks=one_mask(disc_mask),
            logits=cut_boxes(view, box).logits,
            quality=np.array([estimate], np.float32),
            prompts=("given",),
        )
        after = cut_by_joints(view, before, box, poses, 0.5)
        assert (after.prompts[0] == "given") == is_kept
        assert (after.masks.one(0) == disc_mask).all() == is_kept


def one_mask(mask):
    return Masks.from_dense(mask[None])


# ---- people who touch


def test_a_region_of_two_people_becomes_two():
    """One colour, so that words see one region; the pose model sees two people in it."""
    image = paint(
        SIZE, (box_mask(SIZE, LEFT), RED), (box_mask(SIZE, (60, 30, 120, 110)), (255, 0, 40))
    )
    people = (LEFT, (60, 30, 120, 110))
    both = models(Groups(people=people))
    view = View(image, both, Trace())
    region = pose(image, models(Figures()), Boxes(np.array([(10, 10, 120, 110)], np.float32)))
    whole = region.result.replace(masks=one_mask(box_mask(SIZE, LEFT) | box_mask(SIZE, people[1])))
    parted = split_groups(view, whole, 0.5)
    assert len(parted) == 2
    assert parted.names == ("person", "person")
    assert parted.masks.iou(parted.masks)[0, 1] < 0.3


def test_joints_that_lie_outside_the_region_are_of_somebody_else():
    both = models(Groups(people=(LEFT, (200, 200, 260, 300))))
    view = View(two_people(), both, Trace())
    region = pose(two_people(), models(Figures()), Text(("red",))).result
    assert len(split_groups(view, region, 0.5)) == 1


def test_every_joint_has_a_place_in_the_figure():
    assert standing(LEFT).shape == (len(JOINTS), 3)


def test_a_cut_that_reaches_far_beyond_what_words_found_is_not_kept():
    view = View(two_people(), models(Figures()), Trace())
    box = np.array([LEFT], np.float32)
    small = PersonCuts(
        masks=one_mask(disc(SIZE, (35, 60), 15)),
        logits=cut_boxes(view, box).logits,
        quality=np.array([0.0], np.float32),
        prompts=("given",),
    )
    poses = Poses(standing(LEFT)[None])
    assert cut_by_joints(view, small, box, poses, 0.5, 0.1).prompts == ("given",)
    assert cut_by_joints(view, small, box, poses, 0.5).prompts != ("given",)
