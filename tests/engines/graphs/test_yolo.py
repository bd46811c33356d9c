"""YOLO-seg and FastSAM files: boxes, classes and masks at their places, the licence told first."""

import logging

import numpy as np
import pytest

pytest.importorskip("onnx", reason="drawn files need onnx: pip install 'wordmask[export]'")

from onnx import TensorProto, helper

from onnx_drawn import write
from seeing import see
from tiny_networks import picture
from wordmask import engines
from wordmask.core.protocols import Detector, MaskProposer, PromptBatch, Segmenter
from wordmask.engines.graphs.yolo import Letterbox
from wordmask.engines.weights import home
from wordmask.errors import WeightsError

SIDE, CELLS = 64, 16
IMAGE = picture(32, 64)  # stands in rows 16 to 48 of the square
# cx, cy, w, h in the square; scores of cat and dog; coefficients of two prototypes
CAT = [16, 32, 16, 16, 0.9, 0.1, 1, 0]
SAME_CAT = [17, 32, 16, 16, 0.6, 0.1, 1, 0]
DOG = [48, 32, 24, 24, 0.05, 0.8, 0, 1]
NOTHING = [30, 30, 9, 9, 0.01, 0.01, 1, 1]


def write_yolo(path, rows=(CAT, SAME_CAT, DOG, NOTHING), names="{0: 'cat', 1: 'dog'}", count=2):
    """A file that always finds the same; its prototypes are 5 everywhere."""
    boxes = np.array(rows, np.float32).T[None]
    masks = np.full((1, count, CELLS, CELLS), 5, np.float32)
    constants = [
        helper.make_tensor(name, TensorProto.FLOAT, values.shape, values.ravel().tolist())
        for name, values in (("boxes", boxes), ("prototypes", masks), ("zero", np.zeros(1)))
    ]
    nodes = [
        helper.make_node("ReduceSum", ["images"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "zero"], ["none"]),
        helper.make_node("Add", ["boxes", "none"], ["output0"]),
        helper.make_node("Add", ["prototypes", "none"], ["output1"]),
    ]
    return write(
        path, nodes, {"images": [1, 3, SIDE, SIDE]},
        {"output0": list(boxes.shape), "output1": list(masks.shape)}, {"names": names}, constants,
    )  # fmt: skip


@pytest.fixture
def models(tmp_path):
    return engines.load(str(write_yolo(tmp_path / "yolo11n-seg.onnx")))


def test_words_find_their_classes(models):
    detector = models.get(Detector)
    found = detector.propose(see(detector, IMAGE), ["Dog", "cat", "unicorn"])
    assert found.label_ids.tolist() == [1, 0]
    assert found.scores.tolist() == pytest.approx([0.9, 0.8])
    assert found.boxes.tolist() == [[8, 8, 24, 24], [36, 4, 60, 28]]
    assert found.masks.boxes.tolist() == [[8, 8, 24, 24], [36, 4, 60, 28]]


def test_a_click_and_a_box_pick_among_what_was_found(models):
    segmenter = models.get(Segmenter)
    seen = see(segmenter, IMAGE)
    cuts = segmenter.cut(seen, PromptBatch.points([[10.0, 10.0], [50.0, 16.0], [2.0, 2.0]]))
    assert cuts.quality[:, 0].tolist() == pytest.approx([0.9, 0.8, 0.0])
    assert (cuts.logits[0, 0] > 0).sum() == 16
    assert (cuts.logits[2] <= 0).all()
    boxed = segmenter.cut(seen, PromptBatch.of_boxes([[36.0, 4.0, 60.0, 28.0]]))
    assert boxed.quality[0, 0] == pytest.approx(0.8)
    not_this = PromptBatch.click(np.array([[10.0, 10.0], [20.0, 20.0]]), np.array([1, 0]))
    assert segmenter.cut(seen, not_this).quality[0, 0] == 0


def test_a_file_of_one_class_finds_everything(tmp_path):
    rows = ([16, 32, 16, 16, 0.9, 1, 0], [48, 32, 24, 24, 0.1, 0, 1])
    path = write_yolo(tmp_path / "FastSAM-s.onnx", rows, "{0: 'object'}")
    proposer = engines.load(str(path)).get(MaskProposer)
    found = proposer.propose_all(see(proposer, IMAGE))
    assert found.masks.boxes.tolist() == [[8, 8, 24, 24]]  # the other is too unsure


def test_the_licence_is_told_and_lama_is_still_lama(tmp_path, caplog):
    path = write_yolo(tmp_path / "yolo.onnx")
    with caplog.at_level(logging.WARNING):
        engines.load(str(path))
    assert "AGPL-3.0" in caplog.text
    assert "publish the service's source" in caplog.text
    (tmp_path / "lama.onnx").write_bytes(b"{}")
    assert home.factory_of(tmp_path / "lama.onnx") == "wordmask.engines.fill.lama:load"


def test_a_file_without_masks_is_no_yolo_seg(tmp_path):
    rows = ([16, 32, 16, 16, 0.9],)
    models = engines.load(str(write_yolo(tmp_path / "yolo.onnx", rows, count=2)))
    detector = models.get(Detector)
    with pytest.raises(WeightsError, match="4 \\+ classes"):
        detector.propose(see(detector, IMAGE), ["cat"])


def test_an_odd_border_has_its_extra_pixel_behind():
    place = Letterbox.of((31, 64), (64, 64))
    assert place == ((31, 64), (31, 64), 16, 0)
    assert place.to_picture(np.array([[0, 16, 64, 47]], np.float32)).tolist() == [[0, 0, 64, 31]]
