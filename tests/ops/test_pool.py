import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wordmask.core.masks import Masks
from wordmask.ops.pool import coverage, mean_inside, mean_weights_around, unit


@given(
    arrays(bool, st.tuples(st.integers(0, 3), st.integers(1, 11), st.integers(1, 11))),
    st.tuples(st.integers(1, 13), st.integers(1, 13)),
)
def test_coverage_is_the_share_of_the_pixels_whose_centre_is_in_the_cell(dense, grid):
    height, width = dense.shape[1:]
    inside, all_ = np.zeros((len(dense), *grid)), np.zeros(grid)
    for y, x in np.ndindex(height, width):
        cell = int((y + 0.5) * grid[0] / height), int((x + 0.5) * grid[1] / width)
        all_[cell] += 1
        inside[:, cell[0], cell[1]] += dense[:, y, x]
    assert np.allclose(coverage(Masks.from_dense(dense), grid), inside / np.maximum(all_, 1))


def test_coverage_of_a_quarter_lies_in_its_quarter():
    mask = np.zeros((4, 8), bool)
    mask[2:, :4] = True
    assert coverage(Masks.from_dense(mask), (2, 2)).tolist() == [[[0, 0], [1, 0]]]


def test_the_mean_under_a_mask_weighs_cells_by_area():
    values = np.array([[[0.0, 1.0], [4.0, 1.0]]])  # a 1 x 2 grid over 2 x 4 pixels
    masks = Masks.from_crops(
        (2, 4),
        [(0, 0), (3, 1), (0, 0)],
        [np.ones((1, 3), bool), np.ones((1, 1), bool), np.zeros((0, 0), bool)],
    )
    # Two pixels in the left cell and one in the right; one pixel on the right; none.
    assert np.allclose(mean_inside(masks, values), [[4 / 3, 1], [4, 1], [0, 0]])
    assert mean_inside(Masks.empty((2, 4)), values).shape == (0, 2)


def test_unit_rows_have_length_one_and_zeros_stay():
    assert np.allclose(unit(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0, 0]])


def test_around_a_mask_is_what_lies_near_it_and_not_in_it():
    mask = np.zeros((12, 12), bool)
    mask[4:8, 4:8] = True
    (weights,) = mean_weights_around(Masks.from_dense(mask[None]), (12, 12), 0.25)
    near = weights.reshape(12, 12) > 0
    assert weights.sum() == pytest.approx(1)
    assert not (near & mask).any()
    assert near.sum() == 16  # one cell to each side, without the corners
    assert near[3, 4:8].all()


@given(arrays(bool, st.tuples(st.integers(0, 3), st.just(9), st.just(7))), st.floats(0, 2))
def test_weights_around_sum_to_one_or_to_nothing(dense, share):
    sums = mean_weights_around(Masks.from_dense(dense), (9, 7), share).sum(1)
    empty_or_whole = ~dense.any((1, 2)) | dense.all((1, 2))
    assert np.allclose(sums, ~empty_or_whole)
