import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from wordmask.errors import OptionError
from wordmask.ops.depth_fit import fit_depth, fit_scale


def known_depths(count=40, wrong=0.0, seed=0):
    """True depths, and what somebody measured: a share of it is far off."""
    rng = np.random.default_rng(seed)
    real = rng.uniform(1, 6, count)
    told = real.copy()
    told[: round(wrong * count)] *= rng.uniform(1.4, 3, round(wrong * count))
    return real, told


@examples(6)
@given(st.booleans(), st.floats(0.1, 10), st.floats(-3, 3), st.integers(0, 50))
def test_scale_and_shift_come_back_though_one_in_three_is_wrong(inverse, scale, shift, seed):
    real, told = known_depths(wrong=0.33, seed=seed)
    values = ((1 / real if inverse else real) - shift) / scale
    fit = fit_depth(values, told, inverse=inverse)
    assert fit.scale == pytest.approx(scale, rel=1e-6)
    assert fit.shift == pytest.approx(shift, abs=1e-6)
    assert fit.agree.tolist() == (told == real).tolist()
    assert fit.error < 1e-6


def test_noise_is_averaged_and_told():
    real, told = known_depths(200, wrong=0.2)
    noise = np.random.default_rng(1).normal(1, 0.03, 200)
    fit = fit_depth(1 / (real * noise), told, inverse=True)
    assert fit.scale == pytest.approx(1, rel=0.03)
    assert 0.01 < fit.error < 0.04


def test_two_known_depths_are_enough():
    fit = fit_depth([1.0, 0.5], [2.0, 4.0], inverse=True)
    assert (fit.scale, fit.shift) == (pytest.approx(0.5), pytest.approx(0))


@pytest.mark.parametrize(
    ("values", "z"),
    [
        pytest.param([1.0, 2.0], [1.0, 2.0], id="far things would be near"),
        pytest.param([1.0, 1.0], [1.0, 2.0], id="one value, two depths"),
    ],
)
def test_what_fits_no_line_fits_none(values, z):
    assert fit_depth(values, z, inverse=True) is None


def test_one_known_depth_is_refused_here():
    with pytest.raises(OptionError, match="at least 2"):
        fit_depth([1.0], [1.0], inverse=True)


def test_a_scale_alone_is_the_median():
    factor, spread = fit_scale([1, 2, 3, 4, 5], [2, 4, 6, 8, 50])
    assert factor == 2
    assert spread == 0
