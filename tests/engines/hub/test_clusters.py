import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse.csgraph import connected_components

from drawing import draw_masks
from wordmask.engines.hub.clusters import ALIKE, cluster_map
from wordmask.ops import pool

# Few directions: rows are alike directly, through others, or not at all; zeros are like none.
some_rows = arrays(
    np.float64, st.tuples(st.integers(1, 9), st.just(2)), elements=st.integers(-2, 2).map(float)
)


@given(some_rows)
def test_masks_join_along_chains_of_likeness_as_in_scipy(rows):
    masks = draw_masks(*("." * k + "#" + "." * (len(rows) - k - 1) for k in range(len(rows))))
    found = cluster_map(masks, (1, len(rows)), rows[None])[0]
    unit = pool.unit(rows)
    _, groups = connected_components(unit @ unit.T > 1 - ALIKE, directed=False)
    assert ((found[:, None] == found) == (groups[:, None] == groups)).all()
    assert found.min() > 0


@pytest.mark.parametrize(
    ("masks", "clusters"),
    [
        pytest.param(("##..", "..#."), [1, 1, 2, 0], id="the smaller first, no mask is 0"),
        pytest.param(("####", ".#.."), [2, 1, 2, 2], id="of nested masks the smaller"),
    ],
)
def test_a_patch_belongs_to_a_mask(masks, clusters):
    small_first = cluster_map(draw_masks(*masks), (1, 4))[0].tolist()
    same = [small_first.index(value) for value in small_first]
    assert same == [clusters.index(value) for value in clusters]
    assert [value == 0 for value in small_first] == [value == 0 for value in clusters]
