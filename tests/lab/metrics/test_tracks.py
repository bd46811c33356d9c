from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from wordmask.lab.metrics.tracks import TrackFrame, hota, idf1


def frame(truth: list[int], found: list[int], same: dict[tuple[int, int], float]) -> TrackFrame:
    """Similarity is 0 but for the pairs (truth id, found id) given."""
    similarity = np.array([[same.get((t, f), 0.0) for f in found] for t in truth]).reshape(
        len(truth), len(found)
    )
    return TrackFrame(np.array(truth, np.int64), np.array(found, np.int64), similarity)


STEADY = [frame([1, 2], [1, 2], {(1, 1): 1, (2, 2): 1})] * 4
SWITCHED = STEADY[:2] + [frame([1, 2], [1, 2], {(1, 2): 1, (2, 1): 1})] * 2


def test_truth_against_itself_is_exactly_one():
    assert idf1(STEADY) == 1
    assert hota(STEADY) == {"hota": 1, "det_a": 1, "ass_a": 1}


def test_an_identity_switch_halfway_by_hand():
    # either pairing of the tracks explains half of the 8 boxes;
    # each match is of tracks that share 2 of 4 + 4 - 2
    assert idf1(SWITCHED) == 0.5
    assert hota(SWITCHED) == pytest.approx({"hota": np.sqrt(1 / 3), "det_a": 1, "ass_a": 1 / 3})


def test_a_lost_object_by_hand():
    lost = [frame([1], [7], {(1, 7): 1}), frame([1], [], {})]
    assert idf1(lost) == pytest.approx(2 / 3)
    assert hota(lost) == pytest.approx({"hota": 0.5, "det_a": 0.5, "ass_a": 0.5})


def test_similarity_decides_at_how_many_thresholds_a_match_counts():
    loose = [frame([1], [1], {(1, 1): 0.5})]
    assert hota(loose)["det_a"] == pytest.approx(10 / 19)  # 0.05 ... 0.5 of 0.05 ... 0.95
    assert idf1(loose) == 1
    assert idf1([frame([1], [1], {(1, 1): 0.49})]) == 0


@pytest.mark.parametrize(("truth", "found"), [([1], []), ([], [1])])
def test_only_one_side(truth, found):
    rows = [frame(truth, found, {})]
    assert idf1(rows) == 0
    assert hota(rows) == {"hota": 0, "det_a": 0, "ass_a": 0}


def test_nothing_at_all_is_no_figure():
    assert np.isnan(idf1([]))
    assert np.isnan(hota([frame([], [], {})])["hota"])


@examples(30)
@given(st.lists(st.lists(st.integers(0, 1), min_size=9, max_size=9), min_size=1, max_size=4))
def test_idf1_is_the_best_of_all_pairings(pictures):
    frames = [
        frame([0, 1, 2], [0, 1, 2], {(k // 3, k % 3): v for k, v in enumerate(cells)})
        for cells in pictures
    ]
    hits = max(
        sum(f.similarity[k, p[k]] for f in frames for k in range(3)) for p in permutations(range(3))
    )
    assert idf1(frames) == pytest.approx(2 * hits / (6 * len(frames)))
