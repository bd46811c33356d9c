import numpy as np
import pytest

from wordmask.lab.metrics import bootstrap

VALUES = np.random.default_rng(0).normal(0.5, 0.1, 200)


def average(values: np.ndarray):
    return lambda weights: {"mean": float(weights @ values / max(weights.sum(), 1))}


def test_the_interval_of_a_mean_is_the_textbooks():
    low, high = bootstrap.intervals(average(VALUES), 200, seed=1)["mean"]
    error = 1.96 * VALUES.std() / np.sqrt(200)
    assert (low, high) == pytest.approx(
        (VALUES.mean() - error, VALUES.mean() + error), abs=0.15 * error
    )


def test_same_seed_same_interval():
    first, again, other = (
        bootstrap.intervals(average(VALUES), 200, rounds=50, seed=seed) for seed in (3, 3, 4)
    )
    assert first == again != other


def test_every_resample_draws_as_many_pictures_as_there_are():
    assert (bootstrap.resamples(7, rounds=20).sum(1) == 7).all()


def test_a_small_steady_gain_is_significant_because_the_pictures_are_paired():
    found = bootstrap.paired_differences(average(VALUES), average(VALUES + 0.01), 200, rounds=200)[
        "mean"
    ]
    assert found.significant
    assert found.second - found.first == pytest.approx(0.01)
    assert found.p < 0.05


def test_a_run_against_itself_differs_in_nothing():
    found = bootstrap.paired_differences(average(VALUES), average(VALUES), 200, rounds=200)["mean"]
    assert (found.low, found.high, found.p, found.significant) == (0, 0, 1, False)


def test_noise_is_not_significant():
    noise = np.random.default_rng(5).normal(0, 0.1, 200)
    assert not bootstrap.paired_differences(
        average(VALUES), average(VALUES + noise - noise.mean()), 200, rounds=200
    )["mean"].significant


def test_a_figure_that_is_mostly_undefined_has_no_interval():
    found = bootstrap.intervals(
        lambda weights: {"x": 1.0 if weights[0] > 4 else float("nan")}, 5, rounds=50
    )
    assert np.isnan(found["x"]).all()
