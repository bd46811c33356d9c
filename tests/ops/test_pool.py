import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wordmask.core.masks import Masks
from wordmask.ops.pool import coverage, mean_inside, unit


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
