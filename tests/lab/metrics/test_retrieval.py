import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.lab.metrics import retrieval


@given(
    arrays(bool, (6, 7)),
    arrays(np.float32, (6, 7), elements=st.sampled_from([-1, 0, 0.005, 0.3, 0.5, 0.57, 0.99, 1])),
)
def test_sweep_is_brute_force(truth, scores):
    counts = retrieval.sweep(truth, scores)
    for threshold, row in zip(retrieval.THRESHOLDS, counts, strict=True):
        answer = scores >= np.float32(threshold)
        assert row.tolist() == [(truth & answer).sum(), answer.sum(), truth.sum()]


def test_perfect_scores_have_iou_one_at_every_threshold_above_none():
    truth = np.pad(np.ones((3, 3), bool), 2)
    ious = retrieval.iou(retrieval.sweep(truth, np.where(truth, 1, -1).astype(np.float32)))
    assert (ious == 1).all()


def test_shuffled_scores_give_chance():
    draw = np.random.default_rng(0)
    truth = draw.random((300, 300)) < 0.3
    sums = retrieval.sweep(truth, draw.random((300, 300)).astype(np.float32))
    precision, recall = retrieval.precision_recall(sums)
    assert precision[50] == pytest.approx(0.3, abs=0.01)
    assert recall[50] == pytest.approx(0.5, abs=0.01)


def test_void_is_not_counted_and_empty_on_both_sides_is_one():
    truth = np.zeros((2, 2), bool)
    scores = np.full((2, 2), 0.9, np.float32)
    assert retrieval.iou(retrieval.sweep(truth, scores, void=~truth)).tolist() == [1.0] * 100
    assert retrieval.iou(retrieval.sweep(truth, scores))[0] == 0
    assert retrieval.iou(retrieval.sweep(truth, scores))[95] == 1


def test_score_map_takes_the_best_region():
    masks = Masks.from_dense(np.array([[[1, 1, 0]], [[0, 1, 0]]], bool))
    scores = retrieval.score_map(Result.of(masks, ("cup",), scores=[0.25, 0.75], label_ids=[0, 0]))
    assert scores.tolist() == [[0.25, 0.75, -1]]


def square(side: int) -> np.ndarray:
    return np.pad(np.ones((side, side), bool), 50)


def test_circumstances_tell_why_it_is_hard():
    bar = np.zeros((120, 120), bool)
    bar[60, 10:110] = bar[10:110, 60] = True
    assert retrieval.circumstances(square(40))["oddness"] < 0.1
    assert retrieval.cause(retrieval.circumstances(bar)) == "odd pose"
    assert retrieval.cause(retrieval.circumstances(square(5))) == "small"
    busy = np.arange(140 * 140).reshape(140, 140) // 700
    assert retrieval.cause(retrieval.circumstances(square(40), busy)) == "clutter"
    assert retrieval.cause(retrieval.circumstances(square(40))) == "other"
    assert retrieval.circumstances(np.zeros((4, 4), bool)) == {
        "size": 0,
        "clutter": 0,
        "oddness": 0,
    }
