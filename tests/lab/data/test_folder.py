import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.errors import FormatError, InputError
from wordmask.lab.bench.answers import class_phrases
from wordmask.lab.bench.bench import Kit
from wordmask.lab.bench.options import WordOptions
from wordmask.lab.data import Truth, open_data
from wordmask.lab.data.sample import classes_of_values

LABELS = np.array([[0, 0, 1], [2, 2, 255]], np.uint8)


def folder(
    root: Path, card: dict, maps: dict[str, np.ndarray] | None = None, suffix: str = ".png"
) -> Path:
    """A folder with a picture for every label map."""
    (root / "dataset.json").write_text(json.dumps(card))
    for name, labels in (maps if maps is not None else {"a": LABELS}).items():
        for kind in ("images", "labels"):
            (root / kind / name).parent.mkdir(parents=True, exist_ok=True)
        Pictures.fromarray(np.zeros((*labels.shape, 3), np.uint8)).save(root / f"images/{name}.png")
        path = root / f"labels/{name}{suffix}"
        np.save(path, labels) if suffix == ".npy" else Pictures.fromarray(labels).save(path)
    return root


def first_truth(root: Path) -> Truth:
    data = open_data(root)
    return data.truth(data.samples[0])


CARD = {"classes": ["background", "cat", "dog"], "background": 0, "ignore": 255}


def test_a_label_map_is_a_result_and_a_map(tmp_path):
    data = open_data(folder(tmp_path, CARD))
    truth = data.truth(data.samples[0])
    assert truth.labels.tolist() == [[0, 0, 1], [2, 2, -1]]
    assert {(region.name, region.area) for region in truth.result} == {("cat", 1), ("dog", 2)}
    assert (data.words, data.image(data.samples[0]).size) == (("cat", "dog"), (2, 3))


def test_the_object_retrieval_layout(tmp_path):
    """Semantic renders as .npy whose ids are large, and one class id that matters."""
    card = {"classes": {"1047": "chair"}, "labels": "labels/{stem}.npy", "name": "chairs"}
    ids = np.array([[1047, 3, 3], [1047, 88000, 0]], np.int64)
    data = open_data(folder(tmp_path, card, {"room": ids}, ".npy"))
    truth = data.truth(data.samples[0])
    assert (data.classes, data.background) == (("other", "chair"), 0)
    assert truth.labels.tolist() == [[1, 0, 0], [1, 0, 0]]
    assert [(region.name, region.area) for region in truth.result] == [("chair", 2)]


@pytest.mark.parametrize("offset", [0, 70_000], ids=["small values", "large values"])
def test_values_are_looked_up_whatever_their_size(offset):
    raw = np.array([[3, 7], [7, 9]]) + offset
    values = {3 + offset: 1, 7 + offset: -1, 9 + offset: 0}
    assert classes_of_values(raw, values, "here").tolist() == [[1, -1], [-1, 0]]
    with pytest.raises(FormatError, match=f"here holds the value {9 + offset}"):
        classes_of_values(raw, {3 + offset: 1, 7 + offset: 0}, "here")


def test_regions_without_names(tmp_path):
    data = open_data(folder(tmp_path, {"classes": [], "ignore": 0, "labels": "regions"}))
    assert len(data.truth(data.samples[0]).result) == 3


def test_videos_are_folders_of_frames(tmp_path):
    card = {"classes": ["background", "object"], "background": 0}
    object_ids = np.array([[0, 1], [2, 2]], np.uint8)
    data = open_data(
        folder(
            tmp_path, card, {"b/00001": object_ids, "b/00000": object_ids, "a/00000": object_ids}
        )
    )
    sequences = data.sequences()
    assert {name: [frame.name for frame in frames] for name, frames in sequences.items()} == {
        "a": ["a/00000"],
        "b": ["b/00000", "b/00001"],
    }
    truth = data.truth(sequences["b"][0])
    assert dict(
        zip(truth.result.track_ids.tolist(), truth.result.masks.areas.tolist(), strict=True)
    ) == {1: 1, 2: 2}


def instances(root: Path) -> Path:
    masks = Masks.from_dense(np.array([[[1, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 1]]], bool))
    codes = masks.to_rle()
    polygon = [[1, 0, 3, 0, 3, 1, 1, 1]]
    rows = [
        {
            "id": 1,
            "image_id": 7,
            "category_id": 20,
            "segmentation": codes[0],
            "area": 99.5,
            "iscrowd": 0,
        },
        {
            "id": 2,
            "image_id": 7,
            "category_id": 10,
            "segmentation": polygon,
            "area": 2,
            "iscrowd": 0,
        },
        {
            "id": 3,
            "image_id": 7,
            "category_id": 10,
            "segmentation": codes[1],
            "area": 2,
            "iscrowd": 1,
        },
    ]
    categories = [{"id": 20, "name": "dog"}, {"id": 10, "name": "cat"}]
    images = [{"id": 7, "file_name": "a.png"}, {"id": 8, "file_name": "gone.png"}]
    folder(root, {"classes": ["cat", "dog"]}).joinpath("instances.json").write_text(
        json.dumps({"images": images, "annotations": rows, "categories": categories})
    )
    return root


def test_coco_annotations(tmp_path):
    data = open_data(instances(tmp_path))
    truth = data.truth(data.samples[0])
    assert [(region.name, region.area) for region in truth.result] == [("dog", 2), ("cat", 2)]
    assert truth.areas.tolist() == [99.5, 2]
    assert [region.name for region in truth.crowd] == ["cat"]
    assert truth.exhaustive
    # region 1 is right of region 0; the crowd lies below; the rest is not scored
    assert truth.labels.tolist()[1] == [-1, 0, 0]


@pytest.mark.parametrize(
    ("card", "maps", "message"),
    [
        pytest.param(
            {"classes": ["cat"]}, None, "value 1, which is no class", id="value without class"
        ),
        pytest.param({"classes": "cat"}, None, "a list of names", id="classes as text"),
        pytest.param({"name": "x"}, None, "the key classes", id="no classes"),
        pytest.param({**CARD, "background": 9}, None, "background 9", id="background out of range"),
        pytest.param({**CARD, "pictures": "../*"}, None, "inside the folder", id="a way out"),
        pytest.param(CARD, {}, "no picture with a truth", id="empty"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, card, maps, message):
    with pytest.raises(FormatError, match=message):
        first_truth(folder(tmp_path, card, maps))


def test_a_map_of_another_size_is_refused(tmp_path):
    data = open_data(folder(tmp_path, CARD))
    Pictures.fromarray(LABELS.T.copy()).save(tmp_path / "labels/a.png")
    with pytest.raises(FormatError, match="3 x 2, its picture 2 x 3"):
        data.truth(data.samples[0])


def test_a_colour_picture_is_no_label_map(tmp_path):
    data = open_data(folder(tmp_path, CARD))
    Pictures.fromarray(np.zeros((2, 3, 3), np.uint8)).save(tmp_path / "labels/a.png")
    with pytest.raises(FormatError, match="RGB, wanted is grey or palette"):
        data.truth(data.samples[0])


def test_a_pickle_called_npy_is_not_opened(tmp_path):
    data = open_data(folder(tmp_path, {**CARD, "labels": "labels/{stem}.npy"}, suffix=".npy"))
    np.save(tmp_path / "labels/a.npy", np.array([[{"code": 1}]], object), allow_pickle=True)
    with pytest.raises(FormatError, match="cannot be decoded"):
        data.truth(data.samples[0])


def test_broken_json_and_no_description(tmp_path):
    with pytest.raises(InputError, match=r"has no dataset\.json, so its classes are not known"):
        open_data(tmp_path)
    (tmp_path / "dataset.json").write_text("{")
    with pytest.raises(FormatError, match="is not JSON"):
        open_data(tmp_path)
    with pytest.raises(InputError, match="Did you mean 'voc21'"):
        open_data("voc12")


def test_depth_is_metres(tmp_path):
    root = folder(tmp_path, {**CARD, "depth_per_metre": 100})
    (root / "depth").mkdir()
    Pictures.fromarray(np.array([[0, 100, 250], [50, 50, 50]], np.uint8)).save(root / "depth/a.png")
    data = open_data(root)
    assert data.truth(data.samples[0]).depth.tolist() == [[0, 1, 2.5], [0.5, 0.5, 0.5]]


def test_the_digest_tells_sets_apart(tmp_path):
    maps = {"a": LABELS, "b": LABELS}
    data = open_data(folder(tmp_path, CARD, maps))
    again = open_data(tmp_path)
    assert data.digest == again.digest != data.first(1).digest


def test_synonyms_belong_to_their_class(tmp_path):
    data = open_data(folder(tmp_path, {**CARD, "synonyms": {"cat": ["kitten", "tomcat"]}}))
    words = class_phrases(Kit(data, Models("none", ()), WordOptions()))
    assert dict(zip(words.phrases, words.owners, strict=True)) == {
        "cat": 1,
        "kitten": 1,
        "tomcat": 1,
        "dog": 2,
    }
