"""People with their joints in files, from Python."""

import numpy as np
import pytest

import wordmask
from drawing import box_mask
from wordmask.core.poses import JOINTS
from wordmask.errors import FormatError

RNG = np.random.default_rng(0)


@pytest.fixture
def people():
    masks = np.stack([box_mask((90, 120), (10, 5, 50, 80)), box_mask((90, 120), (60, 5, 110, 80))])
    result = wordmask.Result.of(
        wordmask.Masks.from_dense(masks), ["person"], scores=[0.9, 0.8], label_ids=[0, 0]
    )
    joints = RNG.uniform(10, 80, (2, len(JOINTS), 3)).round(2)
    joints[..., 2] = 0.9
    return wordmask.People(
        result, wordmask.Poses(joints), wordmask.Result.nothing((90, 120)), np.zeros(0, int)
    )


@pytest.mark.parametrize("name", ["people.json", "people.coco.json"])
def test_joints_are_read_as_they_were_written(people, tmp_path, name):
    path = wordmask.save_people(people, tmp_path / name)
    found = wordmask.read_people(path)
    assert np.allclose(found.poses.joints[..., :2], people.poses.joints[..., :2], atol=0.006)
    assert (found.result.masks.dense() == people.result.masks.dense()).all()
    assert set(found.owners.tolist()) == {0, 1}


def test_files_without_joints_are_told(people, tmp_path):
    with pytest.raises(FormatError, match="holds no joints; write a"):
        wordmask.save_people(people, tmp_path / "people.png")
    people.result.save(tmp_path / "regions.json")
    with pytest.raises(FormatError, match="holds no joints; read_result"):
        wordmask.read_people(tmp_path / "regions.json")
