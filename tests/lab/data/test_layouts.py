"""Every public data set, drawn small in the layout that its makers give it."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures
from scipy.io import savemat

from wordmask.core.masks import Masks
from wordmask.errors import FormatError, InputError, MissingExtraError
from wordmask.lab.data import class_names, names, open_data

SIZE = (4, 6)


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pictures.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(path)


def grey(path: Path, *values: int) -> None:
    """A label map of equal vertical stripes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    row = np.repeat(np.array(values, np.uint8), SIZE[1] // len(values))
    Pictures.fromarray(np.tile(row, (SIZE[0], 1))).save(path)


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def voc(root):
    text(root / "VOC2012/ImageSets/Segmentation/val.txt", "p1\n")
    picture(root / "VOC2012/JPEGImages/p1.jpg")
    grey(root / "VOC2012/SegmentationClass/p1.png", 0, 8, 255)


def context(root):
    text(root / "VOC2010/ImageSets/SegmentationContext/val.txt", "p1\n")
    picture(root / "VOC2010/JPEGImages/p1.jpg")
    grey(root / "VOC2010/SegmentationClassContext/p1.png", 0, 8, 59)


def stuff(root):
    picture(root / "coco_stuff164k/images/val2017/p1.jpg")
    grey(root / "coco_stuff164k/annotations/val2017/p1.png", 0, 91, 255)


def stuff_trained(root):
    picture(root / "coco_stuff164k/images/val2017/p1.jpg")
    grey(root / "coco_stuff164k/annotations/val2017/p1_labelTrainIds.png", 0, 80, 255)


def coco(root):
    picture(root / "coco/val2017/1.jpg")
    code = Masks.from_dense(np.tile(np.arange(6) < 2, (4, 1))).to_rle()[0]
    rows = [
        {"id": 1, "image_id": 1, "category_id": 17, "segmentation": code, "area": 8, "iscrowd": 0}
    ]
    numbers = [number for number in range(1, 91) if number not in class_names.COCO_GAPS]
    categories = [
        {"id": number, "name": name} for number, name in zip(numbers, class_names.COCO, strict=True)
    ]
    images = [{"id": 1, "file_name": "1.jpg"}]
    content = {"images": images, "annotations": rows, "categories": categories}
    text(root / "coco/annotations/instances_val2017.json", json.dumps(content))


def coco_panoptic(root):
    picture(root / "coco/val2017/1.jpg")
    ids = np.zeros((*SIZE, 3), np.uint8)
    ids[:, 2:4] = (7, 1, 0)  # 7 + 256
    ids[:, 4:] = (9, 0, 0)
    path = root / "coco/annotations/panoptic_val2017/1.png"
    path.parent.mkdir(parents=True)
    Pictures.fromarray(ids).save(path)
    segments = [
        {"id": 263, "category_id": 17, "iscrowd": 0},
        {"id": 9, "category_id": 200, "iscrowd": 1},
    ]
    categories = [{"id": 17, "name": "cat"}, {"id": 200, "name": "rug"}]
    rows = [{"image_id": 1, "file_name": "1.png", "segments_info": segments}]
    text(
        root / "coco/annotations/panoptic_val2017.json",
        json.dumps({"annotations": rows, "categories": categories}),
    )


def lvis(root):
    picture(root / "lvis/val2017/1.jpg")
    code = Masks.from_dense(np.tile(np.arange(6) < 2, (4, 1))).to_rle()[0]
    image = {
        "id": 1,
        "coco_url": "http://x/val2017/1.jpg",
        "neg_category_ids": [3],
        "not_exhaustive_category_ids": [2],
    }
    rows = [{"id": 1, "image_id": 1, "category_id": 2, "segmentation": code, "area": 8}]
    categories = [
        {"id": k, "name": name} for k, name in ((1, "aerosol_can"), (2, "cat"), (3, "dog"))
    ]
    content = {"images": [image], "annotations": rows, "categories": categories}
    text(root / "lvis/annotations/lvis_v1_val.json", json.dumps(content))


def ade(root):
    picture(root / "ADEChallengeData2016/images/validation/p1.jpg")
    grey(root / "ADEChallengeData2016/annotations/validation/p1.png", 0, 1, 150)


def cityscapes(root):
    picture(root / "cityscapes/leftImg8bit/val/ulm/p1_leftImg8bit.png")
    grey(root / "cityscapes/gtFine/val/ulm/p1_gtFine_labelIds.png", 0, 7, 33)


def camvid(root):
    picture(root / "CamVid/test/p1.png")
    grey(root / "CamVid/testannot/p1.png", 0, 8, 11)


def nyu(root):
    picture(root / "nyu/rgb/p1.jpg")
    grey(root / "nyu/label40/p1.png", 5, 38, 0)


def davis(root):
    for year, line in (
        (2016, "/JPEGImages/480p/cow/00000.jpg /Annotations/480p/cow/00000.png"),
        (2017, "cow"),
    ):
        text(root / f"DAVIS/ImageSets/{year}/val.txt", line + "\n")
    picture(root / "DAVIS/JPEGImages/480p/cow/00000.jpg")
    grey(root / "DAVIS/Annotations/480p/cow/00000.png", 0, 1, 2)


def mose(root):
    picture(root / "MOSE/JPEGImages/v/00000.jpg")
    picture(root / "MOSE/JPEGImages/v/00001.jpg")
    grey(root / "MOSE/Annotations/v/00000.png", 0, 1, 2)


def mosev2(root):
    picture(root / "MOSEv2/train/JPEGImages/v/00000.jpg")
    grey(root / "MOSEv2/train/Annotations/v/00000.png", 0, 1, 2)


def youtube_vos(root):
    """A palette PNG for every fifth frame."""
    picture(root / "YouTube-VOS/valid/JPEGImages/v/00000.jpg")
    picture(root / "YouTube-VOS/valid/JPEGImages/v/00005.jpg")
    path = root / "YouTube-VOS/valid/Annotations/v/00000.png"
    path.parent.mkdir(parents=True)
    ids = Pictures.fromarray(np.tile(np.repeat(np.array([0, 1, 2], np.uint8), 2), (4, 1)))
    ids.putpalette([0, 0, 0, 236, 95, 103, 249, 145, 87])
    ids.save(path)


def lvos(root):
    for k in (1, 6):
        picture(root / f"LVOS/valid/JPEGImages/v/{k:08d}.jpg")
        grey(root / f"LVOS/valid/Annotations/v/{k:08d}.png", 0, 1, 2)


def sav(root):
    picture(root / "sav_val/JPEGImages_24fps/v/00000.jpg")
    picture(root / "sav_val/JPEGImages_24fps/v/00001.jpg")
    for number in ("000", "001"):
        grey(
            root / f"sav_val/Annotations_6fps/v/{number}/00000.png",
            0,
            int(number == "000"),
            int(number == "001"),
        )


def grabcut(root):
    picture(root / "GrabCut/data_GT/p1.jpg")
    grey(root / "GrabCut/boundary_GT/p1.bmp", 0, 128, 255)


def berkeley(root):
    picture(root / "Berkeley/images/p1.jpg")
    grey(root / "Berkeley/masks/p1.png", 0, 1, 1)


def davis_clicks(root):
    picture(root / "DAVIS345/img/p1.jpg")
    grey(root / "DAVIS345/gt/p1.png", 0, 0, 255)


def sbd(root):
    text(root / "SBD/dataset/val.txt", "p1\n")
    picture(root / "SBD/dataset/img/p1.jpg")
    (root / "SBD/dataset/inst").mkdir()
    ids = np.tile(np.repeat(np.array([0, 1, 2], np.uint8), 2), (4, 1))
    savemat(root / "SBD/dataset/inst/p1.mat", {"GTinst": {"Segmentation": ids}})


# data set, what draws it, labels of the three stripes (-1 = not scored), names of the regions
CASES = [
    ("voc20", voc, (-1, 7, -1), ["cat"]),
    ("voc21", voc, (0, 8, -1), ["cat"]),
    ("context59", context, (-1, 7, 58), ["cat", "wood"]),
    ("context60", context, (0, 8, 59), ["cat", "wood"]),
    ("coco-stuff", stuff, (0, 80, -1), ["banner", "person"]),
    ("coco-stuff", stuff_trained, (0, 80, -1), ["banner", "person"]),
    ("coco-instances", coco, (15, -1, -1), ["cat"]),
    ("coco-object", coco, (16, 0, 0), ["cat"]),
    ("coco-panoptic", coco_panoptic, (-1, 0, 1), ["cat"]),
    ("lvis", lvis, (1, -1, -1), ["cat"]),
    ("ade20k", ade, (-1, 0, 149), ["flag", "wall"]),
    ("cityscapes", cityscapes, (-1, 0, 18), ["bicycle", "road"]),
    ("camvid", camvid, (0, 8, -1), ["car", "sky"]),
    ("nyu", nyu, (4, -1, -1), ["chair"]),
    ("davis16", davis, (0, 1, 1), ["object"]),
    ("davis17", davis, (0, 1, 1), ["object", "object"]),
    ("mose", mose, (0, 1, 1), ["object", "object"]),
    ("mosev2", mosev2, (0, 1, 1), ["object", "object"]),
    ("youtube-vos", youtube_vos, (0, 1, 1), ["object", "object"]),
    ("lvos", lvos, (0, 1, 1), ["object", "object"]),
    ("sa-v", sav, (0, 1, 1), ["object", "object"]),
    ("grabcut", grabcut, (0, -1, 1), ["object"]),
    ("berkeley", berkeley, (0, 1, 1), ["object"]),
    ("davis-clicks", davis_clicks, (0, 0, 1), ["object"]),
    ("sbd", sbd, (0, 1, 1), ["object", "object"]),
]


@pytest.mark.parametrize(
    ("name", "drawn", "stripes", "regions"), CASES, ids=[f"{c[0]}-{c[1].__name__}" for c in CASES]
)
def test_official_layout(tmp_path, name, drawn, stripes, regions):
    drawn(tmp_path)
    data = open_data(name, tmp_path)
    truth = data.truth(data.samples[0])
    assert truth.labels[0, ::2].tolist() == list(stripes)
    assert sorted(region.name for region in truth.result) == regions
    assert data.image(data.samples[0]).size == SIZE


def test_every_known_set_is_drawn_here():
    questions = {"gqa", "vqav2"}  # drawn in tests/lab/bench/benches/test_ask.py
    assert {case[0] for case in CASES} | questions == set(names())


@pytest.mark.parametrize("name", names())
def test_what_is_not_there_is_explained(tmp_path, name):
    with pytest.raises(InputError, match="not found") as caught:
        open_data(name, tmp_path)
    assert all(
        part in str(caught.value) for part in ("It comes from", "http", "so that the folder holds")
    )


def test_frames_without_truth_stay_in_the_video(tmp_path):
    mose(tmp_path)
    frames = open_data("mose", tmp_path).sequences()["v"]
    assert [frame.labels is not None for frame in frames] == [True, False]


def test_objects_of_a_video_keep_their_numbers(tmp_path):
    davis(tmp_path)
    data = open_data("davis17", tmp_path)
    assert sorted(data.truth(data.samples[0]).result.track_ids.tolist()) == [1, 2]


def test_lvis_knows_what_was_checked(tmp_path):
    lvis(tmp_path)
    (sample,) = open_data("lvis", tmp_path).samples
    assert (sample.judged, sample.open_classes) == ({1, 2}, {1})


def test_panoptic_crowds_stand_apart(tmp_path):
    coco_panoptic(tmp_path)
    data = open_data("coco-panoptic", tmp_path)
    assert data.truth(data.samples[0]).crowd.names == ("rug",)


def test_without_scipy_the_extra_that_reads_matlab_is_named(tmp_path, monkeypatch):
    sbd(tmp_path)
    data = open_data("sbd", tmp_path)
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(MissingExtraError, match=r"wordmask\[matlab\]"):
        data.truth(data.samples[0])


def test_a_missing_label_map_names_the_first(tmp_path):
    voc(tmp_path)
    (tmp_path / "VOC2012/SegmentationClass/p1.png").unlink()
    with pytest.raises(FormatError, match=r"1 files are missing, the first is .*p1\.png"):
        open_data("voc21", tmp_path)


def test_lists_have_their_lengths():
    lengths = [
        len(getattr(class_names, name))
        for name in ("VOC", "CONTEXT", "COCO", "COCO_STUFF", "ADE20K", "NYU40")
    ]
    assert lengths == [20, 59, 80, 91, 150, 40]
