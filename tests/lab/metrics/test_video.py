import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from wordmask.lab.metrics import video

masks = arrays(bool, (14, 17))


def brute_boundary(truth: np.ndarray, mask: np.ndarray, reach: float) -> float:
    """Every edge pixel is compared with every other one."""

    def edge_points(shape: np.ndarray) -> list[tuple[int, int]]:
        height, width = shape.shape
        found = []
        for y in range(height):
            for x in range(width):
                near = [
                    (y + dy, x + dx)
                    for dy, dx in ((0, 1), (1, 0), (1, 1))
                    if y + dy < height and x + dx < width
                ]
                if any(shape[place] != shape[y, x] for place in near):
                    found.append((y, x))
        return found

    mine, theirs = edge_points(truth), edge_points(mask)
    if not mine or not theirs:
        return float(not mine and not theirs)

    def share(points, others):
        return np.mean(
            [any((y - v) ** 2 + (x - u) ** 2 <= reach**2 for v, u in others) for y, x in points]
        )

    precision, recall = share(theirs, mine), share(mine, theirs)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@given(masks, masks)
def test_boundary_is_brute_force(truth, mask):
    assert video.boundary(truth, mask, tolerance=2) == pytest.approx(brute_boundary(truth, mask, 2))


@given(masks, masks)
def test_region_is_brute_force(truth, mask):
    pixels = list(zip(truth.ravel().tolist(), mask.ravel().tolist(), strict=True))
    union = sum(a or b for a, b in pixels)
    assert video.region(truth, mask) == (sum(a and b for a, b in pixels) / union if union else 1.0)


@given(masks)
def test_truth_against_itself_is_exactly_one(mask):
    assert (video.region(mask, mask), video.boundary(mask, mask)) == (1, 1)
    assert video.stability([mask, ~mask, mask], [mask, ~mask, mask]) == 1


def test_empty_answer_and_empty_truth():
    full, empty = np.pad(np.ones((4, 4), bool), 3), np.zeros((10, 10), bool)
    assert (video.region(full, empty), video.boundary(full, empty)) == (0, 0)
    assert (video.region(empty, full), video.boundary(empty, full)) == (0, 0)


def test_a_boundary_a_little_off_counts_and_far_off_does_not():
    square = np.pad(np.ones((40, 40), bool), 30)  # a diagonal of 141: 0.8 % is 2 pixels
    near, far = np.roll(square, 1, 0), np.roll(square, 12, (0, 1))
    assert video.boundary(square, near) == 1
    assert video.boundary(square, far) < 0.2


def test_stability_sees_flicker_and_freezing():
    still = [np.pad(np.ones((4, 4), bool), 2)] * 4
    empty = np.zeros((8, 8), bool)
    moving = [np.roll(still[0], k, 1) for k in range(4)]
    assert video.stability(still, [still[0], empty, still[0], empty]) == 0
    assert video.stability(moving, still) == pytest.approx(
        12 / 20
    )  # each step keeps 12 of 20 pixels, the answer all
    assert video.stability(still[:1], still[:1]) == 1


def test_summary_by_hand():
    assert video.summary([1.0, 0.8, 0.4, 0.2]) == pytest.approx(
        {"mean": 0.6, "recall": 0.5, "decay": 0.9 - 0.3}
    )
    assert np.isnan(video.summary([])["mean"])
