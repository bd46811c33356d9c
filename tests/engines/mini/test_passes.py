"""Several looks at one picture become one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.engines.mini.passes import mean_vectors
from wordmask.ops import resample

grids = st.tuples(st.integers(1, 7), st.integers(1, 7))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), grids, st.integers(0, 2**32 - 1))
def test_passes_are_interpolated_averaged_and_made_unit(factors, least, seed):
    rng = np.random.default_rng(seed)
    passes = [rng.normal(size=(f * least[0], f * least[1], 3)).astype(np.float32) for f in factors]
    passes[0] = passes[0][:, ::-1]  # a mirrored look is a view
    grid = max(one.shape[:2] for one in passes)
    plain = np.mean([resample.bilinear(one, grid) for one in passes], 0)
    plain /= np.maximum(np.linalg.norm(plain, axis=-1, keepdims=True), 1e-6)
    assert mean_vectors(passes) == pytest.approx(plain, abs=1e-4)


def test_one_pass_is_left_as_it_is():
    rows = np.eye(4, dtype=np.float32).reshape(2, 2, 4)
    given = rows.copy()
    assert mean_vectors([rows]).tolist() == rows.tolist() == given.tolist()
