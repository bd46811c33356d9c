"""Own data in any format is read and looked at; what is broken is named before anything else."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image as Pictures

from own_drawings import WORDS, write_own
from wordmask.errors import FormatError, InputError
from wordmask.lab.data.inspect import inspect_data, refuse_broken, usable
from wordmask.lab.data.own import WHOLE, open_own


@pytest.mark.parametrize("format", ["coco", "labelstudio", "jsonl", "labelme", "yolo", "json"])
def test_every_format_gives_the_same_data(tmp_path, format):
    data = open_own(write_own(tmp_path / "mine", range(4), format))
    assert data.words == WORDS
    report = inspect_data(data)
    assert report.faults == []
    assert report.words == {"zorb": 4, "quill pad": 3}
    coco = open_own(write_own(tmp_path / "same", range(4)))
    for one, other in zip(data.samples, coco.samples, strict=True):
        found, wanted = data.truth(one).labels, coco.truth(other).labels
        assert (found != wanted).mean() < 0.002


def test_pictures_may_lie_elsewhere(tmp_path):
    path = write_own(tmp_path / "mine", range(2))
    shutil.move(tmp_path / "mine/images", tmp_path / "photos")
    assert inspect_data(open_own(path)).pictures_with("unreadable") == {"p00.png", "p01.png"}
    assert inspect_data(open_own(path, tmp_path / "photos")).faults == []


def test_a_folder_of_named_folders_names_whole_pictures(tmp_path):
    for word, number in (("red_kite", 1), ("heron", 2)):
        (tmp_path / word).mkdir()
        noise = np.random.default_rng(number).integers(0, 255, (8, 9, 3), np.uint8)
        Pictures.fromarray(noise).save(tmp_path / word / "a.png")
    data = open_own(tmp_path)
    assert data.words == ("heron", "red kite")
    assert WHOLE in data.notes
    truth = data.truth(data.samples[1])
    assert truth.result.names == ("red kite",)
    assert truth.result.masks.areas.tolist() == [72]


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(InputError, match="there is nothing at"):
        open_own(tmp_path / "none.json")


def break_data(folder):
    """One of each fault that a COCO file and its pictures can have."""
    path = write_own(folder, range(6))
    pictures = folder / "images"
    (pictures / "p00.png").write_bytes(b"no picture")
    Pictures.open(pictures / "p01.png").resize((20, 20)).save(pictures / "p01.png")
    shutil.copy(pictures / "p03.png", pictures / "p02.png")
    told = json.loads(path.read_text())
    id_of = {one["file_name"]: one["id"] for one in told["images"]}
    told["annotations"] = [
        one for one in told["annotations"] if one["image_id"] != id_of["p04.png"]
    ]
    empty = {"size": [96, 128], "counts": [96 * 128]}
    told["annotations"] += [
        {
            "id": 900 + one,
            "image_id": id_of["p05.png"],
            "category_id": 1,
            "segmentation": empty,
            "area": 0,
            "bbox": [0, 0, 0, 0],
            "iscrowd": 0,
        }
        for one in range(2)
    ]
    path.write_text(json.dumps(told))
    return path


def test_every_fault_is_found_and_told(tmp_path):
    test = inspect_data(open_own(write_own(tmp_path / "test", range(5, 7))))
    report = inspect_data(open_own(break_data(tmp_path / "mine")), test)
    found = {(fault.kind, fault.picture) for fault in report.faults}
    assert found == {
        ("unreadable", "p00.png"),
        ("size", "p01.png"),
        ("twice", "p03.png"),
        ("nothing", "p04.png"),
        ("empty", "p05.png"),
        ("leak", "p05.png"),
    }
    lines = "\n".join(report.lines("mine"))
    assert "2 regions without a pixel: p05.png" in lines
    assert "words with fewer than 10 pictures" in lines


def test_what_is_broken_is_refused_or_left_out(tmp_path):
    test = inspect_data(open_own(write_own(tmp_path / "test", range(5, 7))))
    data = open_own(break_data(tmp_path / "mine"))
    report = inspect_data(data, test)
    with pytest.raises(FormatError, match=r"cannot be read \(the first is p00.png\)") as caught:
        refuse_broken([report], test, skip=False)
    assert caught.value.mend.option == "skip_broken"
    refuse_broken([report], test, skip=True)
    assert [one.name for one in usable(data.samples, report)] == ["p02.png"]


def test_a_word_that_only_the_test_set_has_is_refused(tmp_path):
    test = inspect_data(open_own(write_own(tmp_path / "test", range(5, 7))))
    learn = inspect_data(open_own(write_own(tmp_path / "mine", range(1))))
    with pytest.raises(FormatError, match="never does: quill pad"):
        refuse_broken([learn], test, skip=False)


def test_data_without_a_word_is_refused(tmp_path):
    path = write_own(tmp_path / "mine", range(2))
    told = json.loads(path.read_text()) | {"annotations": []}
    path.write_text(json.dumps(told))
    report = inspect_data(open_own(path))
    with pytest.raises(FormatError, match="nothing to learn"):
        refuse_broken([report], report, skip=True)


def test_a_picture_that_is_there_twice_can_still_be_held_out(tmp_path):
    """The first of the two stands for both."""
    path = write_own(tmp_path / "mine", range(3))
    shutil.copy(tmp_path / "mine/images/p00.png", tmp_path / "mine/images/p02.png")
    data = open_own(path)
    report = inspect_data(data)
    kept = {one.name for one in usable(data.samples, report)}
    assert kept == set(report.digests.values()) == {"p00.png", "p01.png"}
