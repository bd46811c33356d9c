import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wordmask.ops.one_euro import smooth

SETTINGS = {"cutoff": 1.5, "beta": 0.05}


def run(values, fps=25.0, **settings):
    """(T, 1, 2) smoothed, of (T, 2) places."""
    state, found = None, []
    for frame, value in enumerate(values):
        state = smooth(state, np.array([value]), frame / fps, **SETTINGS | settings)
        found.append(state.values)
    return np.stack(found)[:, 0]


def test_what_stands_still_stays():
    assert np.allclose(run([(3.0, 4.0)] * 20), (3, 4))


def test_shaking_is_held():
    shaking = np.random.default_rng(0).normal((50, 80), 1.0, (200, 2))
    assert run(shaking)[50:].std(0).max() < 0.5 * shaking[50:].std(0).min()


def test_what_moves_fast_does_not_lag():
    """300 pixels a second: a plain filter of the same cutoff would be 30 behind."""
    moving = np.stack([np.arange(100) * 12.0, np.zeros(100)], 1)
    assert abs(run(moving)[-1, 0] - moving[-1, 0]) < 5
    assert abs(run(moving, beta=0.0)[-1, 0] - moving[-1, 0]) > 25


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=20))
def test_it_never_leaves_the_range_of_what_it_saw(values):
    found = run([(value, 0.0) for value in values])[:, 0]
    assert min(values) - 1e-9 <= found.min()
    assert found.max() <= max(values) + 1e-9


def test_what_was_away_starts_anew():
    found = run([(0.0, 0.0), (1.0, 0.0), (np.nan, np.nan), (90.0, 9.0), (90.0, 9.0)])
    assert np.isnan(found[2]).all()
    assert found[3].tolist() == [90, 9]
    assert found[4].tolist() == [90, 9]
