import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import confusion_matrix, jaccard_score

from budget import examples
from drawing import draw_labels
from wordmask.errors import MaskError, OptionError
from wordmask.lab.metrics import semantic

label_maps = arrays(np.int32, (9, 11), elements=st.integers(-1, 3))


@examples(25)
@given(label_maps, label_maps)
def test_confusion_is_sklearns(truth, answer):
    scored = truth >= 0
    counts = semantic.confusion(truth, answer, 4)
    if scored.any():
        expected = confusion_matrix(truth[scored], answer[scored], labels=[0, 1, 2, 3, -1])[:4]
        assert (counts == expected).all()
    else:
        assert counts.sum() == 0


@examples(25)
@given(label_maps, label_maps)
def test_iou_of_each_class_is_sklearns_jaccard(truth, answer):
    scored = truth >= 0
    iou = semantic.class_iou(semantic.totals(semantic.confusion(truth, answer, 4)))
    for label in np.flatnonzero(~np.isnan(iou)):
        expected = jaccard_score(
            truth[scored], answer[scored], labels=[label], average="macro", zero_division=0
        )
        assert iou[label] == pytest.approx(expected)


def test_hand_worked_figures():
    truth = draw_labels("0011", "0011")
    answer = draw_labels("0001", "000.")
    found = semantic.figures(semantic.totals(semantic.confusion(truth, answer, 3)))
    # class 0: 4 of 4 right, 6 answered: IoU 4/6. class 1: 1 of 4 right, 1 answered: 1/4.
    # class 2 does not occur.
    assert found["miou"] == pytest.approx((4 / 6 + 1 / 4) / 2)
    assert found["pixel_accuracy"] == pytest.approx(5 / 8)
    assert found["mean_accuracy"] == pytest.approx((1 + 1 / 4) / 2)
    assert found["fw_iou"] == pytest.approx(0.5 * 4 / 6 + 0.5 * 1 / 4)


@given(label_maps)
def test_truth_against_itself_is_exactly_one(truth):
    found = semantic.figures(semantic.totals(semantic.confusion(truth, truth, 4)))
    edge = semantic.boundary_iou(semantic.boundary_totals(truth, truth, 4))
    values = np.array([*found.values(), edge])
    assert (values == 1).all() if (truth >= 0).any() else np.isnan(values).all()


def test_shuffled_truth_gives_chance():
    truth = np.random.default_rng(0).integers(0, 4, (400, 400), np.int32)
    answer = np.random.default_rng(1).permutation(truth.ravel()).reshape(truth.shape)
    found = semantic.figures(semantic.totals(semantic.confusion(truth, answer, 4)))
    # a pixel is right one time in four: IoU = (1/16) / (1/4 + 1/4 - 1/16)
    assert found["pixel_accuracy"] == pytest.approx(0.25, abs=0.005)
    assert found["miou"] == pytest.approx(1 / 7, abs=0.005)


def test_an_answer_of_nothing_scores_zero_and_a_void_truth_scores_nan():
    nothing = np.full((3, 3), -1, np.int32)
    ones = np.ones((3, 3), np.int32)
    assert semantic.figures(semantic.totals(semantic.confusion(ones, nothing, 2)))["miou"] == 0
    assert np.isnan(semantic.figures(semantic.totals(semantic.confusion(nothing, ones, 2)))["miou"])


def test_counts_of_pictures_add_up():
    maps = [np.random.default_rng(k).integers(-1, 4, (8, 8), np.int32) for k in range(4)]
    apart = sum(semantic.confusion(maps[k], maps[k + 1], 4) for k in (0, 2))
    joined = semantic.confusion(np.vstack([maps[0], maps[2]]), np.vstack([maps[1], maps[3]]), 4)
    assert (apart == joined).all()


def test_the_ignore_value_left_in_is_an_error():
    labels = np.array([[0, 255]], np.int32)
    with pytest.raises(OptionError, match="255 the ignore value"):
        semantic.confusion(labels, labels, 21)
    with pytest.raises(MaskError, match="one picture"):
        semantic.confusion(labels, labels.T, 256)


def test_boundary_iou_sees_an_edge_that_iou_does_not():
    truth = np.zeros((100, 100), np.int32)
    truth[20:80, 20:80] = 1
    answer = np.zeros_like(truth)
    answer[22:78, 22:78] = 1  # shrunk by two pixels
    iou = semantic.class_iou(semantic.totals(semantic.confusion(truth, answer, 2)))[1]
    edges = semantic.boundary_totals(truth, answer, 2)
    # bands are 3 wide (2 % of the diagonal): 60^2 - 54^2 and 56^2 - 50^2 pixels;
    # they share the ring 56^2 - 54^2
    shared, both = 56**2 - 54**2, (60**2 - 54**2) + (56**2 - 50**2)
    assert edges[1].tolist() == [shared, both - shared]
    assert semantic.boundary_iou(edges) < iou


def test_an_answer_in_void_changes_nothing():
    truth = np.zeros((30, 30), np.int32)
    truth[10:20, 10:20] = -1
    for answer in (truth, np.zeros_like(truth), np.ones_like(truth) * (truth < 0)):
        assert (
            semantic.boundary_iou(semantic.boundary_totals(truth, answer.astype(np.int32), 2)) == 1
        )


def test_band_reaches_along_the_pictures_border():
    assert semantic.band(np.ones((5, 5), bool), 1).sum() == 16


def test_one_class_is_scored_like_any_other():
    truth, answer = np.zeros((1, 4), np.int32), np.array([[0, 0, 0, -1]], np.int32)
    found = semantic.figures(semantic.totals(semantic.confusion(truth, answer, 1)))
    assert (found["miou"], found["pixel_accuracy"]) == (0.75, 0.75)
    perfect = semantic.figures(semantic.totals(semantic.confusion(truth, truth, 1)))
    assert set(perfect.values()) == {1.0}
