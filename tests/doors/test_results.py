"""Results handed to other libraries and read back, as a person calls it."""

import json

import numpy as np
import pytest

import wordmask
from drawing import draw_masks
from wordmask.errors import FormatError, OptionError

SIZE = (3, 5)


@pytest.fixture
def result():
    """A cat in the corner, a dog beside it, and something without a name."""
    masks = draw_masks(
        ("##...", "##...", "....."), ("....#", "...##", "....."), (".....", ".....", ".###.")
    )
    return wordmask.Result.of(
        masks,
        ("dog", "cat", "sky"),
        scores=[0.75, 0.5, 0.25],
        label_ids=[1, 0, -1],
        track_ids=[7, 8, 9],
    )


def assert_same(found, result):
    assert found.names == result.names
    assert (found.masks.dense() == result.masks.dense()).all()
    assert found.scores.tolist() == result.scores.tolist()
    assert found.track_ids.tolist() == result.track_ids.tolist()


def test_coco_is_plain_json_and_comes_back(result):
    data = json.loads(json.dumps(result.to("coco")))
    assert [row["bbox"] for row in data["annotations"]] == [
        [0, 0, 2, 2],
        [3, 0, 2, 2],
        [1, 2, 3, 1],
    ]
    found = wordmask.read_result(data)
    assert_same(found, result)
    assert found.vocabulary == result.vocabulary


class Object:
    """Like the objects of FiftyOne and supervision: attributes only."""

    def __init__(self, **values):
        self.__dict__ |= values


@pytest.mark.parametrize("kind", ["dictionary", "object"])
def test_fiftyone_comes_back_with_the_size_of_the_picture(result, kind):
    value = result.to("fiftyone")
    if kind == "object":
        value = Object(detections=[Object(**row) for row in value["detections"]])
    assert_same(wordmask.read_result(value, size=SIZE), result)
    with pytest.raises(FormatError, match="size as"):
        wordmask.read_result(value)


def test_supervision_comes_back(result):
    supervision = pytest.importorskip("supervision", reason="supervision is optional")
    detections = result.to("supervision")
    assert isinstance(detections, supervision.Detections)
    assert_same(wordmask.read_result(detections), result)


def test_detections_are_named_by_their_vocabulary(result):
    detections = Object(
        xyxy=result.masks.boxes,
        mask=result.masks.dense(),
        confidence=result.scores,
        class_id=np.array([1, 0, -1]),
        tracker_id=result.track_ids,
        data={},
    )
    assert_same(wordmask.read_result(detections, vocabulary=result.vocabulary), result)


@pytest.mark.parametrize("name", ["a.json", "a.coco.json", "a.labelme.json"])
def test_a_saved_result_is_read(result, tmp_path, name):
    result.save(tmp_path / name)
    for source in (tmp_path / name, str(tmp_path / name)):
        found = wordmask.read_result(source)
        assert (found.masks.dense() == result.masks.dense()).all()
        assert sorted(found.names) == sorted(result.names)


def test_own_json_is_read_from_its_object(result, tmp_path):
    (path,) = result.save(tmp_path / "a.json")
    assert_same(wordmask.read_result(json.loads(path.read_text())), result)


def test_many_results_are_read_together(result, tmp_path):
    for name in ("a.json", "b.json"):
        result.save(tmp_path / name)
    assert len(wordmask.read_results(tmp_path)) == 2
    with pytest.raises(FormatError, match="there are 2 results; read_results"):
        wordmask.read_result(tmp_path)


def test_options_reach_the_file_and_the_picture(result, tmp_path):
    options = wordmask.FormatOptions(shapes="polygon")
    (path,) = result.save(tmp_path / "a.coco.json", options=options)
    assert isinstance(json.loads(path.read_text())["annotations"][0]["segmentation"], list)
    plain, faint = (result.show(options=each) for each in (None, wordmask.RenderOptions(opacity=0)))
    assert plain.size == faint.size
    assert plain.tobytes() != faint.tobytes()


def test_an_unknown_library_is_named_with_a_near_one(result):
    with pytest.raises(OptionError, match="Did you mean 'coco'"):
        result.to("cocoo")


@pytest.mark.parametrize("source", [3, None, {}, [], {"segments": []}])
def test_what_is_no_result_is_refused(source):
    with pytest.raises(FormatError, match="a result is read from"):
        wordmask.read_result(source)
