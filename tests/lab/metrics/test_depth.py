import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.errors import MaskError
from wordmask.lab.metrics import depth

METRES = np.random.default_rng(0).uniform(1, 9, (12, 15))


def test_truth_against_itself():
    assert depth.figures(METRES, METRES) == {
        "abs_rel": 0,
        "rmse": 0,
        "log10": 0,
        "delta1": 1,
        "delta2": 1,
        "delta3": 1,
    }


def test_hand_worked():
    found = depth.figures(
        np.array([[1.0, 2.0, 4.0, 0.0]]), np.array([[1.2, 2.0, 2.0, 9.0]])
    )  # the last is not measured
    assert found["abs_rel"] == pytest.approx((0.2 + 0 + 0.5) / 3)
    assert found["rmse"] == pytest.approx(np.sqrt((0.04 + 4) / 3))
    assert found["log10"] == pytest.approx((np.log10(1.2) + np.log10(2)) / 3)
    assert [found[f"delta{k}"] for k in (1, 2, 3)] == pytest.approx([2 / 3, 2 / 3, 2 / 3])


@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_scale_and_shift_are_fitted_away(scale, shift):
    assert depth.align((1 / METRES) * scale + shift, METRES, inverse=True) == pytest.approx(
        METRES, rel=1e-6
    )
    assert depth.align(METRES * scale + shift, METRES, inverse=False) == pytest.approx(
        METRES, rel=1e-6
    )


def test_shuffled_depth_is_much_worse():
    shuffled = np.random.default_rng(1).permutation(METRES.ravel()).reshape(METRES.shape)
    fitted = depth.align(1 / shuffled, METRES, inverse=True)
    assert depth.figures(METRES, fitted)["delta1"] < 0.6


def test_far_behind_the_farthest_point_is_far_and_not_negative():
    disparity = 1 / METRES
    disparity[0, 0] = -50
    known = METRES.copy()
    known[0, 0] = 0
    assert depth.align(disparity, known, inverse=True)[0, 0] == pytest.approx(2 * known.max())


def test_no_measured_pixel_is_no_figure():
    nothing = np.zeros((2, 2))
    assert np.isnan(list(depth.figures(nothing, nothing).values())).all()
    assert (depth.align(np.ones((2, 2)), nothing, inverse=True) == 1).all()
    with pytest.raises(MaskError, match="one picture"):
        depth.figures(METRES, METRES.T)
