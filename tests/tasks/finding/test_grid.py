"""The grid of points: where they lie, and what the border of a part cuts off."""

import numpy as np
import pytest

from wordmask.core.masks import Masks
from wordmask.tasks.finding import grid
from wordmask.tasks.finding.grid import grid_points


@pytest.mark.parametrize(
    ("size", "side", "count"), [((100, 100), 4, 16), ((100, 200), 4, 8), ((10, 1000), 8, 8)]
)
def test_the_grid_has_square_cells_with_a_point_in_each_centre(size, side, count):
    points = grid_points(size, side)
    assert len(points) == count
    assert points.mean(0) == pytest.approx((size[1] / 2, size[0] / 2))
    assert points[0, 0] == pytest.approx(size[1] / side / 2)


@pytest.mark.parametrize(("gap", "kept"), [(0, False), (1, False), (40, True)])
def test_what_a_part_of_the_picture_cuts_off_is_dropped(gap, kept):
    """At 2 px a cell, a mask that ends one cell before a part's side may go on beyond it."""
    part = np.pad(np.ones((50, 50 - gap), bool), ((25, 25), (50, gap)))
    masks = Masks.from_dense(np.pad(part, ((0, 0), (0, 100)))[None])
    assert grid._are_cut_off(masks, grid.Window(0, 0, 100, 100), 2.0).tolist() == [not kept]
