import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from wordmask.errors import OptionError
from wordmask.lab.metrics import calibration


def test_reliability_is_sklearns_curve():
    draw = np.random.default_rng(0)
    confidence = draw.random(5000)
    right = draw.random(5000) < confidence**2
    curve = calibration.reliability(calibration.bins(confidence, right, count=10))
    shares, means = calibration_curve(right, confidence, n_bins=10)
    assert curve[:, 0] == pytest.approx(means)
    assert curve[:, 1] == pytest.approx(shares)


def test_ece_by_hand():
    found = calibration.figures(
        calibration.bins(np.array([0.95, 0.95, 0.95, 0.05]), np.array([1, 1, 0, 0]))
    )
    # three answers at 0.95 of which 2/3 are right, one at 0.05 that is wrong
    assert found["ece"] == pytest.approx(0.75 * (0.95 - 2 / 3) + 0.25 * 0.05)
    assert found["mce"] == pytest.approx(0.95 - 2 / 3)
    assert found["overconfidence"] == pytest.approx(found["ece"])
    assert found["accuracy"] == 0.5


def test_sure_and_right_is_perfect_and_sure_and_wrong_the_opposite():
    sure = np.ones(10)
    assert calibration.figures(calibration.bins(sure, sure))["ece"] == 0
    assert calibration.figures(calibration.bins(sure, 0 * sure))["ece"] == 1


def test_bins_add_up():
    draw = np.random.default_rng(1)
    confidence, right = draw.random(100), draw.random(100) < 0.5
    halves = calibration.bins(confidence[:50], right[:50]) + calibration.bins(
        confidence[50:], right[50:]
    )
    assert halves == pytest.approx(calibration.bins(confidence, right))


def test_borders_nothing_and_nonsense():
    assert calibration.bins(np.array([0.0, 0.5, 1.0]), np.ones(3), count=2)[:, 0].tolist() == [2, 1]
    assert np.isnan(calibration.figures(calibration.bins(np.zeros(0), np.zeros(0)))["ece"])
    with pytest.raises(OptionError, match="in \\[0, 1\\]"):
        calibration.bins(np.array([1.2]), np.ones(1))
