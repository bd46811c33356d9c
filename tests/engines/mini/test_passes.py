"""Several looks at one picture become one."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.engines.mini.files import FILES
from wordmask.engines.mini.passes import draw_together, mean_vectors
from wordmask.model.mini.constants import WORDS
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


@pytest.fixture(scope="module")
def together():
    network = onnxruntime.InferenceSession(FILES / "together.onnx")
    return lambda feed: network.run(None, feed)[0]


def unit_rows(rng, h, w, dims=WORDS):
    rows = rng.normal(size=(h, w, dims)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=2, keepdims=True)


def test_cells_of_one_kind_agree_more_and_two_kinds_stay_apart(together):
    rng = np.random.default_rng(0)
    kinds = np.eye(WORDS, dtype=np.float32)[:2]
    rows = np.repeat(kinds, 6, axis=0)[:, None] + 0.02 * rng.normal(size=(12, 9, WORDS))
    rows = (rows / np.linalg.norm(rows, axis=2, keepdims=True)).astype(np.float32)
    drawn = draw_together(rows, together, share=0.6, sharpness=30.0, every=3)
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=2), 1, atol=1e-5)
    before, after = (one[:6].reshape(-1, WORDS) for one in (rows, drawn))
    assert (after @ after.T).min() > (before @ before.T).min() + 0.02
    assert abs(drawn[:6] @ kinds[1]).max() < 0.2


def test_a_share_of_nothing_changes_nothing(together):
    rows = unit_rows(np.random.default_rng(1), 5, 7)
    drawn = draw_together(rows, together, share=0.0, sharpness=30.0, every=3)
    assert drawn == pytest.approx(rows, abs=1e-6)


def test_one_cell_is_like_itself(together):
    rows = unit_rows(np.random.default_rng(2), 2, 2)
    drawn = draw_together(rows, together, share=1.0, sharpness=30.0, every=3)
    assert drawn == pytest.approx(np.broadcast_to(rows[1, 1], rows.shape), abs=1e-5)
