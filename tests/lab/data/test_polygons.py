import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco

from wordmask.core.masks import Masks
from wordmask.errors import FormatError, InputError
from wordmask.lab.data import polygons
from wordmask.media.formats.coco_records import read_mask

numbers = st.floats(-3, 24, allow_nan=False)
corners = st.lists(st.tuples(numbers, numbers), min_size=3, max_size=7)


@given(corners)
def test_every_pixel_is_pycocotools(points):
    flat = [value for point in points for value in point]
    expected = Masks.from_rle(coco.frPyObjects([flat], 17, 20)).one(0)
    found = polygons.fill(np.array(points), (17, 20))
    assert (found.one(0) == expected).all()


def test_several_polygons_are_joined():
    squares = [[0, 0, 4, 0, 4, 4, 0, 4], [6, 6, 8, 6, 8, 8, 6, 8]]
    mask = read_mask({"segmentation": squares}, (10, 10), "here", polygons.fill)
    assert mask.areas.tolist() == [16 + 4]


@pytest.mark.parametrize("flat", [[0, 0, 1, 1], [0, 0, 1, 1, 2]])
def test_not_a_polygon(flat):
    with pytest.raises(FormatError, match="at least 3 pairs"):
        read_mask({"segmentation": [flat]}, (4, 4), "here", polygons.fill)


def test_corners_are_finite():
    flat = [0, 0, 1, float("nan"), 2, 2]
    with pytest.raises(InputError, match="finite numbers"):
        read_mask({"segmentation": [flat]}, (4, 4), "here", polygons.fill)
