"""Joints through COCO and own JSON."""

import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from drawing import draw_masks
from figures import standing
from wordmask.core.poses import JOINTS, Poses
from wordmask.core.result import Result
from wordmask.errors import FormatError
from wordmask.media import formats
from wordmask.media.formats.records import Named

BOXES = ((0, 0, 2, 2), (1, 0, 4, 2))


def people(confidence=0.75) -> Named:
    masks = draw_masks("##../##..", ".###/.###")
    result = Result.of(masks, ("person",), scores=[0.5, 0.9], label_ids=[0, 0])
    joints = np.stack([standing(box, confidence) for box in BOXES])[::-1]
    return Named("two.jpg", result, poses=Poses(joints))


def save(path, format=None, confidence=0.75):
    formats.save_named([people(confidence)], path, format)
    return path


def alter(path, change):
    """The file with a change to its first region."""
    value = json.loads(path.read_text())
    change(value["annotations" if "annotations" in value else "regions"][0])
    path.write_text(json.dumps(value))
    return path


@pytest.mark.parametrize("name", ["a.json", "a.coco.json"])
def test_joints_come_back_beside_their_regions(tmp_path, name):
    (found,) = formats.load_named(save(tmp_path / name))
    assert found.result.scores.tolist() == pytest.approx([0.9, 0.5])
    assert np.abs(found.poses.joints - people().poses.joints).max() < 0.006


def test_coco_reads_the_keypoints(tmp_path, capsys):
    data = COCO(str(save(tmp_path / "a.coco.json")))
    (category,) = data.loadCats(data.getCatIds())
    assert category["keypoints"][5] == "left_shoulder"
    assert max(max(pair) for pair in category["skeleton"]) == 17
    annotation = data.loadAnns(data.getAnnIds())[0]
    assert annotation["num_keypoints"] == 17
    assert annotation["keypoints"][2::3] == [2] * 17


def test_joints_that_are_not_there_are_zero_in_coco(tmp_path):
    value = json.loads(save(tmp_path / "a.coco.json", confidence=0.1).read_text())
    assert value["annotations"][0]["keypoints"] == [0] * 51
    assert value["annotations"][0]["num_keypoints"] == 0


def test_cocos_own_marks_become_confidences(tmp_path):
    def hide(entry):
        entry.pop("joint_scores")
        entry["keypoints"][2::3] = [0, 1, *[2] * 15]

    (found,) = formats.load_named(alter(save(tmp_path / "a.coco.json"), hide))
    assert found.poses.joints[0, :3, 2].tolist() == [0, 0.5, 1]


def test_a_region_without_joints_stands_beside_one_with_them(tmp_path):
    path = alter(save(tmp_path / "a.coco.json"), lambda entry: entry.pop("keypoints"))
    (found,) = formats.load_named(path)
    assert found.poses.is_there(0.1).any(1).tolist() == [False, True]


def test_other_skeletons_are_passed_over(tmp_path):
    path = alter(save(tmp_path / "a.coco.json"), lambda entry: entry.update(keypoints=[1, 1, 2]))
    (found,) = formats.load_named(path)
    assert found.poses.is_there(0.1).any(1).tolist() == [False, True]


def test_files_without_joints_have_no_poses(tmp_path):
    formats.save(people().result, tmp_path / "a.json")
    (found,) = formats.load_named(tmp_path / "a.json")
    assert found.poses is None


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("a.json", {"joints": [[1, 2, 3]]}, "list of 17 rows"),
        ("a.json", {"joints": [[1, 2]] * 17}, r"\[x, y, confidence\]"),
        ("a.json", {"joints": [[1, 2, 7]] * 17}, r"lies in \[0, 1\]"),
        ("a.coco.json", {"keypoints": [1, 2, 9] * 17}, "marks of keypoints"),
        ("a.coco.json", {"joint_scores": [3] * 17}, r"lies in \[0, 1\]"),
    ],
)
def test_joints_that_cannot_be_are_refused_with_their_place(tmp_path, name, change, said):
    path = alter(save(tmp_path / name), lambda entry: entry.update(change))
    with pytest.raises(FormatError, match=said):
        formats.load_named(path)


def test_the_names_are_cocos():
    assert len(JOINTS) == 17
