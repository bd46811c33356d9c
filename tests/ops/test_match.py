import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.optimize import linear_sum_assignment

from budget import examples
from wordmask.errors import InputError
from wordmask.ops.match import assign

shapes = array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=9)
# Few whole numbers make many equal totals; floats make none.
tied = arrays(np.float64, shapes, elements=st.integers(-2, 2).map(float))
untied = arrays(np.float64, shapes, elements=st.floats(-1e3, 1e3, width=32))


@pytest.mark.parametrize(
    ("costs", "pairs"),
    [
        pytest.param([[1, 2], [1, 9]], [(0, 1), (1, 0)], id="the first gives way"),
        pytest.param([[5, 1, 5]], [(0, 1)], id="more columns"),
        pytest.param([[5], [1], [5]], [(1, 0)], id="more rows"),
        pytest.param([[0, 0], [0, 0]], [(0, 0), (1, 1)], id="all equal"),
        pytest.param(np.zeros((0, 3)), [], id="nothing"),
    ],
)
def test_the_pairs_of_least_total_cost(costs, pairs):
    rows, columns = assign(np.array(costs, float))
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == pairs


@examples(300)
@given(tied | untied)
def test_the_same_pairs_as_scipy(costs):
    for ours, theirs in zip(assign(costs), linear_sum_assignment(costs), strict=True):
        assert ours.tolist() == theirs.tolist()


@given(untied)
def test_the_transposed_costs_have_the_same_total(costs):
    total, turned = (one[assign(one)].sum() for one in (costs, costs.T))
    assert total == pytest.approx(turned)


@pytest.mark.parametrize("costs", [[[np.nan]], [[np.inf]], [1.0, 2.0]])
def test_what_is_no_table_of_costs_is_refused(costs):
    with pytest.raises(InputError, match="finite"):
        assign(np.array(costs))
