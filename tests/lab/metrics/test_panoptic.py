import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drawing import draw_labels
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import MaskError
from wordmask.lab.metrics.panoptic import Segments, class_quality, figures, quality_counts

id_maps = arrays(np.int32, (6, 7), elements=st.integers(-1, 4))
LABELS = np.array([0, 0, 1, 1, 2])


def test_hand_worked_quality():
    truth = Segments(draw_labels("0001112222", "0001112222"), np.array([0, 0, 1]))
    answer = Segments(draw_labels("0000111122", "0000111122"), np.array([0, 0, 1]))
    # class 0: segment 0 has IoU 6/8, segment 1 4/10 (no match): TP 1, FP 1, FN 1 -> PQ 0.75 / 2
    # class 1: 4 of 8 pixels: IoU exactly 0.5 is no match -> FP 1, FN 1, PQ 0
    counts = quality_counts(truth, answer, 2)
    assert counts.tolist() == [[0.75, 1, 1, 1], [0, 0, 1, 1]]
    assert class_quality(counts).tolist() == [[0.375, 0.75, 0.5], [0, 0, 0]]
    assert figures(counts) == {"pq": 0.1875, "sq": 0.375, "rq": 0.25}


@given(id_maps)
def test_truth_against_itself_is_exactly_one(ids):
    segments = Segments(ids, LABELS)
    found = figures(quality_counts(segments, segments, 3))
    assert found == {"pq": 1, "sq": 1, "rq": 1} if (ids >= 0).any() else np.isnan(found["pq"])


@given(id_maps, id_maps)
def test_brute_force(truth_ids, answer_ids):
    truth, answer = Segments(truth_ids, LABELS), Segments(answer_ids, LABELS)
    expected = np.zeros((3, 4))
    matched_truth, matched_answer = set(), set()
    for i in range(5):
        for j in range(5):
            mine, theirs = truth_ids == i, (answer_ids == j)
            union = (mine | (theirs & (truth_ids >= 0))).sum()
            iou = (mine & theirs).sum() / union if union else 0
            if LABELS[i] == LABELS[j] and iou > 0.5:
                expected[LABELS[i]] += (iou, 1, 0, 0)
                matched_truth.add(i)
                matched_answer.add(j)
    for k in range(5):
        if k not in matched_truth and (truth_ids == k).any():
            expected[LABELS[k], 3] += 1
        inside_void = ((answer_ids == k) & (truth_ids < 0)).sum()
        if (
            k not in matched_answer
            and (answer_ids == k).any()
            and inside_void * 2 <= (answer_ids == k).sum()
        ):
            expected[LABELS[k], 2] += 1
    assert quality_counts(truth, answer, 3) == pytest.approx(expected)


def test_what_lies_in_void_or_in_a_crowd_of_its_kind_is_excused():
    truth = Segments(draw_labels("..00", "..00"), np.array([0]), np.array([True]))
    in_void = Segments(draw_labels("00..", "00.."), np.array([1]))
    in_crowd = Segments(draw_labels("..00", "..00"), np.array([0]))
    other_kind = Segments(draw_labels("..00", "..00"), np.array([1]))
    assert quality_counts(truth, in_void, 2).sum() == 0
    assert quality_counts(truth, in_crowd, 2).sum() == 0
    assert quality_counts(truth, other_kind, 2).tolist() == [[0, 0, 0, 0], [0, 0, 1, 0]]


def test_nothing_found_and_nothing_there():
    truth = Segments(draw_labels("00", "00"), np.array([0]))
    nothing = Segments(draw_labels("..", ".."), np.zeros(0, np.int32))
    assert figures(quality_counts(truth, nothing, 1))["pq"] == 0
    assert np.isnan(figures(quality_counts(nothing, nothing, 1))["pq"])


def test_of_a_result_the_better_score_keeps_the_pixel():
    masks = Masks.from_dense(np.array([[[1, 1, 0]], [[0, 1, 1]], [[1, 1, 1]]], bool))
    result = Result.of(masks, ("a", "b"), scores=[0.9, 0.5, 0.95], label_ids=[0, 1, -1])
    segments = Segments.of(result)
    assert segments.labels[segments.ids].tolist() == [[0, 0, 1]]


def test_two_pictures_do_not_compare():
    with pytest.raises(MaskError, match="one picture"):
        quality_counts(Segments(draw_labels("0"), LABELS), Segments(draw_labels("00"), LABELS), 3)
