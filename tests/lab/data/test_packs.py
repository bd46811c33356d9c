"""The packs on disk: which records there are, and what lies beside them."""

import json

import cv2
import numpy as np
import pytest

from wordmask.lab.data import open_data
from wordmask.lab.data.packs import TeacherBox, read_packs


def test_every_picture_of_every_set_is_a_record(packs_folder):
    packs = read_packs(packs_folder)
    counts = {name: sum(one.set == name for one in packs.records) for name in packs.sets}
    assert counts == {"voc": 6, "coco": 5}
    assert packs.stuff == ("wall", "sky")


def test_benches_read_the_same_samples(packs_folder):
    packs = read_packs(packs_folder)
    for name in packs.sets:
        data = open_data(packs_folder / name)
        assert data.samples == tuple(one.sample for one in packs.records if one.set == name)
        assert data.classes == packs.sets[name].classes


def test_teachers_and_captions_lie_beside_their_picture(packs_folder, tmp_path):
    packs = read_packs(packs_folder)
    record = packs.records[0]
    assert record.boxes == (
        TeacherBox(80, 40, 120, 80, 0, 0.9),
        TeacherBox(0, 0, 20, 20, 2, 0.3),
    )
    assert record.teacher_map("pseudo_stuff").shape == (48, 64)
    assert record.teacher_map("pseudo_voc") is None
    assert record.depth() is None


@pytest.fixture
def with_more(tmp_path):
    """A pack with captions and with depth kept as JPEG, as NYU's is."""
    pytest.importorskip("pycocotools")
    from drawn_packs import write_packs

    folder = write_packs(tmp_path) / "voc"
    (folder / "captions.json").write_text(json.dumps({"00": ["a cat beside a person"]}))
    (folder / "depth").mkdir()
    cv2.imwrite(str(folder / "depth/00.jpg"), np.full((96, 128), 90, np.uint8))
    return read_packs(tmp_path)


def test_captions_and_depth_are_read(with_more):
    first, second = with_more.records[:2]
    assert (first.captions, second.captions) == (("a cat beside a person",), ())
    assert (first.depth().dtype, first.depth().shape) == (np.uint8, (96, 128))
    assert abs(int(first.depth()[5, 5]) - 90) <= 1
    assert second.depth() is None
