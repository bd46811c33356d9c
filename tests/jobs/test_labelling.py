"""A folder that is labelled by hand."""

import json
import zipfile
from threading import Thread

import cv2
import numpy as np
import pytest

from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import InputError
from wordmask.jobs.labelling import LABELS, LabelFolder, read_labels
from wordmask.media import formats
from wordmask.media.formats import FormatOptions, Named, own

SIZE = (120, 160)
PICTURE = cv2.imencode(".png", np.zeros((*SIZE, 3), np.uint8))[1].tobytes()


def labels(*places: tuple[int, int], word: str = "disc") -> dict:
    """Own JSON of squares of 20 pixels."""
    masks = np.zeros((len(places), *SIZE), bool)
    for mask, (x, y) in zip(masks, places, strict=True):
        mask[y : y + 20, x : x + 20] = True
    result = Result.of(Masks.from_dense(masks), (word,), label_ids=[0] * len(places))
    return own.encode(Named("x", result), FormatOptions())


@pytest.fixture
def folder(tmp_path):
    for name in ("b.png", "a.png", "trip/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(PICTURE)
    return LabelFolder(tmp_path)


def test_a_picture_that_has_gone_is_not_listed_and_may_come_again(folder):
    (folder.folder / "b.png").unlink()
    assert [one.name for one in folder.list_pictures()] == ["a.png", "trip/c.png"]
    folder.add_picture("b.png", PICTURE)
    assert [one.name for one in folder.list_pictures()] == ["a.png", "b.png", "trip/c.png"]


def test_labels_are_kept_beside_the_pictures(folder):
    assert [one.name for one in folder.list_pictures()] == ["a.png", "b.png", "trip/c.png"]
    assert folder.write("trip/c.png", 0, True, labels((5, 5))) == (1, True)
    again = LabelFolder(folder.folder)
    assert again.read("trip/c.png").value["regions"] == labels((5, 5))["regions"]
    assert again.list_pictures()[2] == ("trip/c.png", 1, True, 1)
    (result,) = formats.load(folder.folder / LABELS / "trip/c.png.json")
    assert result.names == ("disc",)


def test_who_saw_an_old_revision_overwrites_nothing(folder):
    assert folder.write("a.png", 0, False, labels((5, 5))).accepted
    assert folder.write("a.png", 0, False, labels((50, 50))) == (1, False)
    assert folder.read("a.png").value["regions"] == labels((5, 5))["regions"]
    assert folder.write_words(0, ["cat"]) == (1, True)
    assert folder.write_words(0, ["dog"]) == (1, False)
    assert folder.read_words() == (1, ["cat"])


def test_of_many_at_once_one_is_first(folder):
    other = LabelFolder(folder.folder)  # as a second server has it
    answers = []
    threads = [
        Thread(target=lambda one=one: answers.append(one.write("a.png", 0, False, labels((5, 5)))))
        for one in (folder, other) * 8
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(answer.accepted for answer in answers) == 1


@pytest.mark.parametrize("name", ["../a.png", "c.png", "/etc/passwd", "a.png\0", "", "trip"])
def test_no_name_leads_to_another_file(folder, name):
    with pytest.raises(InputError, match="no picture"):
        folder.read(name)
    with pytest.raises(InputError, match="no picture"):
        folder.write(name, 0, False, labels())


def test_what_cannot_be_read_again_is_not_written(folder):
    broken = labels((5, 5))
    broken["regions"][0]["mask"]["counts"] = "0"
    with pytest.raises(InputError):
        folder.write("a.png", 0, False, broken)
    assert folder.read("a.png").revision == 0


def test_a_file_of_somebody_else_stays(folder):
    theirs = folder.folder / LABELS / "a.png.json"
    theirs.parent.mkdir()
    theirs.write_text('{"notes": "mine"}')
    with pytest.raises(InputError, match="was not made here"):
        folder.write("a.png", 0, False, labels())
    assert json.loads(theirs.read_text()) == {"notes": "mine"}


@pytest.mark.parametrize(
    ("form", "suffix"),
    [("coco", ".json"), ("labelstudio", ".json"), ("yolo", ".zip"), ("labelme", ".zip")],
)
def test_what_is_exported_can_be_imported(folder, tmp_path, form, suffix):
    folder.write("a.png", 0, True, labels((5, 5), (50, 50)))
    folder.write("trip/c.png", 0, True, labels((100, 60), word="square"))
    out = folder.export(form, tmp_path / f"all{suffix}")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    for name in ("a.png", "trip_c.png", "c.png"):
        (fresh / name).write_bytes(PICTURE)
    if form == "yolo":  # its lines tell shares of a size that they do not tell
        with zipfile.ZipFile(out, "a") as archive:
            archive.write(fresh / "a.png", "a.png")
            archive.write(fresh / "c.png", "trip_c.png")
    other = LabelFolder(fresh)
    other.write("a.png", 0, False, labels((5, 5)))
    regions, pictures = other.add(read_labels(out.name, out.read_bytes()))
    assert (regions, pictures) == (2, 2), "the one that is there already stays as it is"
    assert other.read("a.png").revision == 2
    names = {region["label"] for region in other.read("a.png").value["regions"]}
    assert names == {"disc"}


def test_regions_without_a_name_stay_without(folder, tmp_path):
    value = labels((5, 5))
    value["regions"][0]["label"] = None
    folder.write("a.png", 0, True, value)
    (item,) = formats.load_named(folder.export("coco", tmp_path / "all.json"))
    assert item.result.names == ("",)


def test_an_import_that_leads_outside_or_is_for_other_pictures(folder, tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../out.json", json.dumps(labels((5, 5)) | {"image": "a.png"}))
    assert folder.add(read_labels("x.zip", path.read_bytes())) == (1, 1)
    assert not (tmp_path.parent / "out.json").exists()
    with pytest.raises(InputError, match="none of these pictures"):
        folder.add(read_labels("x.json", json.dumps(labels() | {"image": "zebra.png"}).encode()))
    with pytest.raises(InputError, match="archive"):
        read_labels("x.zip", b"PK no archive")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.json", b" " * 50_000_000)
    with pytest.raises(InputError, match="too much"):
        read_labels("x.zip", path.read_bytes())


def test_a_folder_without_pictures(tmp_path):
    with pytest.raises(InputError, match="holds no pictures"):
        LabelFolder(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        LabelFolder(tmp_path / "nowhere")
