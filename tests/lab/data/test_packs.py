import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wordmask.lab.data.packs import Packs, decode_rle, tight_box


@given(arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_run_lengths_decode_as_coco_encodes_them(mask):
    rle = pytest.importorskip("pycocotools.mask")
    code = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
    code["counts"] = code["counts"].decode()
    np.testing.assert_array_equal(decode_rle(code), mask)


def test_every_picture_of_every_set_is_a_record(packs_folder):
    packs = Packs(packs_folder)
    assert {s: sum(r.set == s for r in packs.records) for s in packs.info} == {"voc": 6, "coco": 5}


def test_labels_boxes_and_stuff_of_one_picture(packs_folder):
    packs = Packs(packs_folder)
    record = next(r for r in packs.records if r.set == "voc")
    labels = packs.load(record)
    own, stuff = labels.maps
    row = packs.vocabulary.row_of
    assert set(np.unique(own)) == {row["voc", c] for c in ("background", "cat", "person")}
    assert set(np.unique(stuff)) == {row["stuff", "wall"]}
    assert [packs.vocabulary.rows[r.row].name for r in labels.regions] == ["cat", "person"]
    assert labels.boxes.rows.tolist() == [row["coco", "person"], row["coco", "cup"]]


def test_what_coco_leaves_unlabelled_is_none_of_its_words(packs_folder):
    packs = Packs(packs_folder)
    labels = packs.load(next(r for r in packs.records if r.set == "coco"))
    assert (labels.maps[0] == packs.vocabulary.row_of["coco", "none"]).any()
    assert len(labels.regions) == 2


def test_words_left_out_of_training_are_ignored_everywhere(packs_folder):
    packs = Packs(packs_folder, frozenset({"cat"}))
    for record in packs.records:
        labels = packs.load(record)
        seen = {packs.vocabulary.rows[r].name for m in labels.maps for r in np.unique(m) if r >= 0}
        assert "cat" not in seen
        assert "cat" not in {packs.vocabulary.rows[r.row].name for r in labels.regions if r.row >= 0}


def test_a_box_has_exclusive_ends():
    mask = np.zeros((5, 6), bool)
    mask[1:3, 2:6] = True
    assert tight_box(mask).tolist() == [2, 1, 6, 3]
