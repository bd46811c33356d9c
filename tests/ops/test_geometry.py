import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.errors import OptionError
from wordmask.ops import geometry
from wordmask.ops.geometry import Placed

sizes = st.tuples(st.integers(1, 70), st.integers(1, 70))
placings = st.one_of(
    st.builds(geometry.letterbox, sizes, sizes),
    st.builds(geometry.stretched, sizes, sizes),
    st.builds(geometry.top_left, sizes, st.integers(1, 64)),
    st.builds(geometry.short_side, sizes, st.integers(8, 64), st.sampled_from([1, 14, 16])),
)


@given(placings)
def test_the_pictures_corners_land_on_the_inner_corners(placed):
    (height, width), (inner_h, inner_w), (dx, dy) = placed.size, placed.inner, placed.corner
    assert np.allclose(placed.to_input([0, 0, width, height]), [dx, dy, dx + inner_w, dy + inner_h])


@given(placings, st.floats(-5, 80), st.floats(-5, 80))
def test_there_and_back_is_where_it_was(placed, x, y):
    assert np.allclose(placed.to_picture(placed.to_input([x, y])), [x, y])
    assert np.allclose(
        placed.to_picture(placed.to_input([x, y, x + 1, y + 2])), [x, y, x + 1, y + 2]
    )


def test_letterbox_is_in_the_middle_and_x_is_not_y():
    wide = geometry.letterbox((30, 60), (100, 120))
    assert (wide.inner, wide.corner) == ((60, 120), (0, 20))
    tall = geometry.letterbox((60, 30), (120, 100))
    assert (tall.inner, tall.corner) == ((120, 60), (20, 0))
    assert tall.to_input([[15.0, 30.0]]).tolist() == [[50.0, 60.0]]


def test_top_left_pads_below_or_on_the_right():
    assert geometry.top_left((600, 800), 1024) == Placed((600, 800), (768, 1024), (1024, 1024))


def test_the_short_side_is_reached_and_patches_are_whole():
    assert geometry.short_side((480, 640), 336).outer == (336, 448)
    assert geometry.short_side((480, 641), 448, multiple=14).outer == (448, 602)
    assert geometry.short_side((10, 1000), 8, multiple=16).outer == (16, 800)


def test_factors_are_those_really_used_after_rounding():
    placed = geometry.letterbox((3, 7), (5, 5))
    assert placed.inner == (2, 5)
    assert placed.factors == (5 / 7, 2 / 3)


def test_pixels_fill_the_border_with_a_colour():
    red = np.full((2, 4, 3), (255, 0, 0), np.uint8)
    shown = geometry.letterbox((2, 4), (6, 4)).pixels(red, fill=(1, 2, 3))
    assert shown[2:4].tolist() == red.tolist()
    assert np.unique(shown[[0, 1, 4, 5]].reshape(-1, 3), axis=0).tolist() == [[1, 2, 3]]


def test_a_picture_of_another_size_is_refused():
    with pytest.raises(OptionError, match=r"\(2, 4\), this placing is for \(4, 2\)"):
        geometry.stretched((4, 2), (8, 8)).pixels(np.zeros((2, 4, 3), np.uint8))


@pytest.mark.parametrize(
    "sizes_", [((0, 4), (4, 4), (4, 4)), ((4, 4), (4, 5), (4, 4)), ((4, 4), (4, 4), (5, 5), (0, 2))]
)
def test_placings_that_cannot_be_are_refused(sizes_):
    with pytest.raises(OptionError):
        Placed(*sizes_)


def test_a_step_stays_in_place_through_stretch_and_back():
    # The edge lies at x = 6 of 12; after stretching to 24 and back the halves are still 6 and 6 wide.
    picture = np.zeros((4, 12), np.float32)
    picture[:, 6:] = 1
    placed = Placed((4, 12), (8, 24), (16, 32), (5, 3))
    grown = placed.pixels(picture, fill=0)
    assert (grown[3:11, 5:17] < 0.5).all()
    assert (grown[3:11, 17:29] > 0.5).all()
    assert ((placed.over_picture(grown[None])[0] > 0.5) == (picture > 0.5)).all()


@given(placings, st.integers(1, 20), st.integers(1, 20))
def test_a_map_of_coordinates_comes_back_as_the_pictures_coordinates(placed, height, width):
    # A map whose value is the input's x (or y) at each cell centre must say, at a pixel, where that pixel went.
    xs = np.broadcast_to((np.arange(width) + 0.5) * placed.outer[1] / width, (height, width))
    ys = np.broadcast_to(
        ((np.arange(height) + 0.5) * placed.outer[0] / height)[:, None], (height, width)
    )
    found_x, found_y = placed.over_picture(np.stack([xs, ys]))
    centres = np.stack(
        np.meshgrid(np.arange(placed.size[1]) + 0.5, np.arange(placed.size[0]) + 0.5), -1
    )
    expected = placed.to_input(centres)
    # Outside the outermost cell centres the border is repeated.
    assert np.allclose(found_x, np.clip(expected[..., 0], xs.min(), xs.max()), atol=1e-3)
    assert np.allclose(found_y, np.clip(expected[..., 1], ys.min(), ys.max()), atol=1e-3)


def test_over_picture_without_border_is_the_half_pixel_resize_of_opencv():
    rng = np.random.default_rng(0)
    maps = rng.standard_normal((2, 9, 7)).astype(np.float32)
    found = geometry.stretched((40, 30), (18, 14)).over_picture(maps)
    for plane, one in zip(maps, found, strict=True):
        assert np.allclose(
            one, cv2.resize(plane, (30, 40), interpolation=cv2.INTER_LINEAR), atol=1e-5
        )
    assert (
        geometry.stretched((40, 30), (18, 14)).over_picture(maps, size=(9, 7)).tolist()
        == maps.tolist()
    )
    assert geometry.stretched((40, 30), (18, 14)).over_picture(maps[:0]).shape == (0, 40, 30)


def test_stretch_averages_where_it_shrinks():
    checks = (np.indices((8, 8)).sum(0) % 2 * 200).astype(np.uint8)
    assert np.unique(geometry.stretch(checks, (4, 4))).tolist() == [100]
    assert geometry.stretch(checks, (8, 8)) is checks
    assert geometry.stretch(checks, (16, 4)).shape == (16, 4)
