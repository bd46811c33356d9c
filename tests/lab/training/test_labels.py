"""What a record says in the rows of the vocabulary: its own labels, and what teachers add."""

import cv2
import numpy as np
import pytest

from wordmask.lab.data.packs import read_packs
from wordmask.lab.training.labels import IGNORE, LabelReader


@pytest.fixture
def reader(packs_folder) -> LabelReader:
    return LabelReader(read_packs(packs_folder))


def record_of(reader: LabelReader, name: str):
    return next(record for record in reader.packs.records if record.set == name)


def test_labels_boxes_and_stuff_of_one_picture(reader):
    labels = reader.read(record_of(reader, "voc"))
    own, stuff = labels.maps
    row = reader.vocabulary.row_of
    assert set(np.unique(own)) == {row["voc", c] for c in ("background", "cat", "person")}
    assert set(np.unique(stuff)) == {row["stuff", "wall"]}
    names = [reader.vocabulary.rows[one].name for one in labels.regions.rows]
    assert sorted(names) == ["cat", "person"]
    assert labels.boxes.rows.tolist() == [row["coco", "person"], row["coco", "cup"]]
    assert labels.boxes.xyxy.tolist() == [[80, 40, 120, 80], [0, 0, 20, 20]]


def test_what_coco_leaves_unlabelled_is_none_of_its_words(reader):
    labels = reader.read(record_of(reader, "coco"))
    assert (labels.maps[0] == reader.vocabulary.row_of["coco", "none"]).any()
    assert len(labels.regions.rows) == 2


def test_words_left_out_of_training_are_ignored_everywhere(packs_folder):
    reader = LabelReader(read_packs(packs_folder), ["cat", "cup"])
    names = {row: one.name for row, one in enumerate(reader.vocabulary.rows)}
    for record in reader.packs.records:
        labels = reader.read(record)
        rows = np.unique(np.concatenate([one.ravel() for one in labels.maps]))
        seen = {names[row] for row in [*rows, *labels.regions.rows, *labels.boxes.rows] if row >= 0}
        assert not {"cat", "cup"} & seen


def test_a_left_out_word_is_not_taken_for_none(packs_folder):
    reader = LabelReader(read_packs(packs_folder), ["cat"])
    record = record_of(reader, "coco")
    cat = reader.packs.sets["coco"].truth(record.sample).labels == 1
    assert set(np.unique(reader.read(record).maps[0][cat])) == {IGNORE}


def write_blob(packs_folder, record, box, value):
    """A VOC teacher's map, half as large as the picture, with one box of a value."""
    folder = packs_folder / record.set / "pseudo_voc"
    folder.mkdir(exist_ok=True)
    x0, y0, x1, y1 = (side // 2 for side in box)
    blobs = np.zeros((48, 64), np.uint8)
    blobs[y0:y1, x0:x1] = value
    cv2.imwrite(str(folder / f"{record.stem}.png"), blobs)


@pytest.mark.parametrize(
    ("box", "value", "is_trusted"),
    [
        pytest.param((80, 40, 120, 80), 2, True, id="fills the sure box of its word"),
        pytest.param((80, 40, 100, 80), 2, False, id="fills half of the box"),
        pytest.param((80, 40, 120, 80), 1, False, id="another word"),
        pytest.param((0, 0, 20, 20), 2, False, id="no sure box there"),
        pytest.param((80, 40, 120, 80), 99, False, id="a value that is no class"),
    ],
)
def test_a_blob_is_a_mask_where_it_agrees_with_a_box(tmp_path, box, value, is_trusted):
    pytest.importorskip("pycocotools")
    from drawn_packs import write_packs

    packs = read_packs(write_packs(tmp_path))
    reader = LabelReader(packs)
    record = record_of(reader, "voc")
    before = reader.read(record)
    write_blob(tmp_path, record, box, value)
    after = reader.read(record)
    added = len(after.regions.rows) - len(before.regions.rows)
    assert (added, len(after.maps) - len(before.maps)) == (is_trusted, is_trusted)
    if is_trusted:
        assert after.regions.masks.boxes[-1].tolist() == list(box)
        assert after.regions.rows[-1] == reader.vocabulary.row_of["voc", "person"]
        assert (after.maps[1] == after.regions.rows[-1]).sum() == after.regions.masks.areas[-1]
