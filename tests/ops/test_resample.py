import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.ops import resample
from wordmask.ops.resample import Taps, antialias

sides = st.integers(1, 12)


def test_a_step_stays_in_place_through_growing_and_back():
    # The edge lies at x = 6 of 12; at 24 and back the halves are still 6 and 6 wide.
    step = np.zeros((4, 12), np.float32)
    step[:, 6:] = 1
    wide = resample.bilinear(step, (4, 24))
    assert (resample.stretch(wide, (4, 12)) > 0.5).tolist() == (step > 0.5).tolist()


@given(sides, sides, sides, sides)
def test_a_ramp_stays_a_ramp_between_the_outer_cells(height, width, new_height, new_width):
    ramp = np.broadcast_to(np.arange(width, dtype=np.float32), (height, width))
    found = resample.bilinear(ramp, (new_height, new_width))
    places = (np.arange(new_width) + 0.5) * width / new_width - 0.5
    # OpenCV keeps 11 bits of the place between two cells.
    assert np.allclose(found, np.clip(places, 0, width - 1), atol=1e-3 * width)


def test_many_channels_are_resized_like_each_of_them():
    values = np.random.default_rng(0).random((5, 6, 200)).astype(np.float32)
    found = resample.bilinear(values, (9, 4))
    assert found.shape == (9, 4, 200)
    for channel in (0, 63, 64, 199):
        plane = np.ascontiguousarray(values[..., channel])
        assert np.allclose(found[..., channel], resample.bilinear(plane, (9, 4)), atol=1e-6)


def test_values_of_the_size_that_is_asked_for_are_returned_as_they_are():
    values = np.random.default_rng(0).random((5, 6)).astype(np.float32)
    assert resample.bilinear(values, (5, 6)) is values


@given(sides, sides, st.lists(st.integers(0, 30), min_size=4, max_size=4))
def test_a_grid_over_a_box_is_that_part_of_the_whole(height, width, sides_of_box):
    (x0, x1), (y0, y1) = sorted(sides_of_box[:2]), sorted(sides_of_box[2:])
    values = np.random.default_rng(height).random((height, width)).astype(np.float32)
    part = resample.over_box(values, np.array([x0, y0, x1, y1]), (30, 30))
    assert part.shape == (y1 - y0, x1 - x0)
    # OpenCV keeps 5 bits of the place between two cells in the one, 11 in the other.
    assert np.allclose(part, resample.bilinear(values, (30, 30))[y0:y1, x0:x1], atol=0.04)


def test_a_mirrored_view_is_resized_too():
    values = np.random.default_rng(0).random((5, 6)).astype(np.float32)
    turned = resample.bilinear(values[:, ::-1], (7, 8))
    assert np.allclose(turned, resample.bilinear(values, (7, 8))[:, ::-1], atol=1e-3)


@pytest.mark.parametrize(
    ("size", "mode"),
    [
        pytest.param((3, 5), cv2.INTER_AREA, id="fewer pixels are averaged"),
        pytest.param((30, 50), cv2.INTER_LINEAR, id="more are interpolated"),
    ],
)
def test_a_picture_is_stretched(size, mode):
    pixels = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)
    expected = cv2.resize(pixels, size[::-1], interpolation=mode)
    assert (resample.stretch(pixels, size) == expected).all()


@given(sides, sides, st.integers(0, 2**32 - 1))
def test_taps_are_bilinear_interpolation_without_rounding(old, new, seed):
    values = np.random.default_rng(seed).random((old, 3)).astype(np.float32)
    found = Taps.between(old, new).apply(values)
    assert np.allclose(found, resample.bilinear(values, (new, 3)), atol=1e-3)


@given(sides, st.lists(st.floats(-3, 15), min_size=1, max_size=6))
def test_the_matrix_of_taps_does_what_they_do(count, places):
    values = np.random.default_rng(0).random((count, 2)).astype(np.float32)
    taps = Taps.at(np.array(places), count)
    assert np.allclose(taps.matrix(count) @ values, taps.apply(values), atol=1e-6)
    assert np.allclose(taps.matrix(count).sum(1), 1)


@given(sides, sides, st.data())
def test_taps_know_which_outputs_an_input_touches(old, new, data):
    low = data.draw(st.integers(0, old - 1))
    high = data.draw(st.integers(low, old - 1))
    taps = Taps.between(old, new)
    start, stop = taps.touched_by(low, high)
    shares = taps.matrix(old)[:, low : high + 1].sum(1) > 0
    inside = (np.arange(new) >= start) & (np.arange(new) < stop)
    assert (inside | ~shares).all()
    assert taps.part(start, stop).first.tolist() == taps.first[start:stop].tolist()


@pytest.mark.parametrize("size", [(5, 9), (20, 30), (7, 3), (12, 16), (1, 1)])
def test_antialiased_resizing_is_that_of_torch(size):
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install wordmask[hf]")
    values = np.random.default_rng(0).normal(size=(2, 12, 16)).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(values)[None], size, mode="bilinear", antialias=True
    )[0].numpy()
    assert np.abs(antialias(values, size) - expected).max() < 1e-5
