"""Objects of other libraries: FiftyOne, supervision."""

import numpy as np
import pytest
from hypothesis import given, settings

from drawn_results import assert_same, example, results
from wordmask.errors import FormatError, MissingExtraError
from wordmask.media.formats import bridges


@settings(max_examples=25)
@given(results())
def test_fiftyone_dictionaries_and_back(result):
    got = bridges.from_fiftyone(bridges.to_fiftyone(result), result.size, result.vocabulary)
    assert_same(got, result)


def test_fiftyone_masks_of_another_size_are_stretched():
    row = {"label": "cat", "bounding_box": [0, 0, 0.5, 1], "mask": np.ones((1, 1), bool)}
    got = bridges.from_fiftyone({"detections": [row]}, (2, 4))
    assert got.masks.boxes.tolist() == [[0, 0, 2, 2]]


def test_supervision_detections_and_back():
    pytest.importorskip("supervision", reason="supervision is optional")
    result = example().replace(track_ids=np.array([4, 5, 6]))
    got = bridges.from_supervision(bridges.to_supervision(result))
    assert_same(got, result, columns=("scores", "track_ids"))
    assert got.names == result.names
    assert (
        bridges.from_supervision(bridges.to_supervision(result), result.vocabulary).vocabulary
        == result.vocabulary
    )


class Detections:
    """What the bridge reads of supervision's class."""

    def __init__(self, **columns):
        self.data, self.tracker_id, self.confidence, self.class_id, self.mask = (
            {},
            None,
            None,
            None,
            None,
        )
        self.__dict__ |= columns

    def __len__(self):
        return len(self.confidence)


def test_detections_without_masks_are_refused():
    with pytest.raises(FormatError, match="boxes only"):
        bridges.from_supervision(Detections(confidence=np.ones(1)))
    with pytest.raises(FormatError, match="give the size"):
        bridges.from_supervision(Detections(confidence=np.ones(0)))
    assert bridges.from_supervision(Detections(confidence=np.ones(0)), size=(3, 4)).size == (3, 4)


def test_detections_without_words_are_unnamed_or_named_by_id():
    plain = Detections(confidence=np.array([0.5]), mask=np.ones((1, 2, 2), bool))
    assert bridges.from_supervision(plain).names == ("",)
    plain.class_id = np.array([1])
    assert bridges.from_supervision(plain, ("cat", "dog")).names == ("dog",)


def test_a_missing_supervision_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "supervision", None)
    with pytest.raises(MissingExtraError, match="pip install supervision"):
        bridges.to_supervision(example())
