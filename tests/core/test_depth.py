from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.core.depth import Camera
from wordmask.errors import OptionError

SIZE = (480, 640)


def project(camera, x, y, z):
    return (
        camera.focal[0] * x / z + camera.centre[0],
        camera.focal[1] * y / z + camera.centre[1],
    )


@given(st.integers(0, 400), st.integers(0, 600), st.integers(1, 9), st.integers(1, 9))
def test_a_point_stays_on_its_pixel_through_crops_and_resizes(x0, y0, wider, higher):
    camera = Camera.of(SIZE, 500)
    x, y = project(camera, 0.3, -0.2, 2)
    assert project(camera.crop(x0, y0), 0.3, -0.2, 2) == pytest.approx((x - x0, y - y0))
    resized = camera.resize(SIZE, (480 * higher, 640 * wider))
    assert project(resized, 0.3, -0.2, 2) == pytest.approx((x * wider, y * higher))


def test_what_is_assumed_is_55_degrees_along_the_longer_side_and_says_so():
    wide, tall = Camera.assume((480, 640)), Camera.assume((640, 480))
    assert wide.view_deg == pytest.approx(55)
    assert wide.focal == tall.focal
    assert wide.source == "assumed"
    assert wide.focal_error > 0.1


@pytest.mark.parametrize("focal", [0, -100, nan, float("inf")])
def test_a_focal_length_that_no_lens_has_is_refused(focal):
    with pytest.raises(OptionError, match="focal_px"):
        Camera.of(SIZE, focal)
