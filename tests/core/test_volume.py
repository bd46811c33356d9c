"""Slices of a volume: cut, turned for the eye, and found again from voxels."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.core.volume import PLANES, Volume, world_of
from wordmask.errors import ImageError, PromptError

SHAPE = (4, 5, 6)


def turned(order, signs, spacing=(1.0, 2.0, 3.0)):
    affine = np.zeros((4, 4))
    for axis, (world, sign, step) in enumerate(zip(order, signs, spacing, strict=True)):
        affine[world, axis] = sign * step
    affine[3, 3] = 1
    return affine


affines = st.sampled_from(
    [turned(o, s) for o in permutations(range(3)) for s in product((1, -1), repeat=3)]
)


@given(affines, st.sampled_from(PLANES), st.tuples(*(st.integers(0, side - 1) for side in SHAPE)))
def test_a_voxel_is_found_on_its_slice_however_the_file_lies(affine, plane, voxel):
    stored = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    volume = Volume(stored, affine)
    slicing = volume.slicing(plane)
    index, (x, y) = slicing.place(voxel, SHAPE)
    assert slicing.take(stored, index)[int(y), int(x)] == stored[voxel]
    assert slicing.voxel(index, (x, y), SHAPE) == voxel


@given(affines)
def test_slices_are_turned_as_radiologists_see_them(affine):
    """The place of each voxel in mm, shown: right is left, the front or the head is on top."""
    grid = np.indices(SHAPE).reshape(3, -1).T
    places = world_of(affine, grid).reshape(*SHAPE, 3)
    volume = Volume(np.zeros(SHAPE), affine)
    for plane, down, across in (("axial", 1, 0), ("coronal", 2, 0), ("sagittal", 2, 1)):
        slicing = volume.slicing(plane)
        shown = [slicing.take(places[..., axis], 0) for axis in range(3)]
        assert (np.diff(shown[down], axis=0) < 0).all()
        assert (np.diff(shown[across], axis=1) < 0).all()


def test_pixels_become_square():
    slicing = Volume(np.zeros((10, 10, 4)), np.diag([1.0, 1, 5, 1])).slicing("coronal")
    assert slicing.stretch == (5.0, 1.0)
    assert slicing.picture_size((10, 10, 4)) == (20, 10)
    assert slicing.gap == 1.0


def test_values_are_scaled_and_no_numbers_are_nothing():
    volume = Volume(np.array([[[1.0, np.nan]]]), np.eye(4), slope=2, intercept=-1000)
    assert volume.values(volume.stored).tolist() == [[[-998.0, 0.0]]]
    assert volume.voxel_ml == pytest.approx(0.001)


def test_padding_is_left_out_of_the_sample():
    volume = Volume(np.array([[[-2000, 5]]], np.int16), np.eye(4), padding=-2000)
    assert volume.sample.tolist() == [5]


def test_what_is_no_volume_is_refused():
    with pytest.raises(ImageError, match="must be"):
        Volume(np.zeros((2, 2)), np.eye(4))
    with pytest.raises(ImageError, match="lies nowhere"):
        Volume(np.zeros(SHAPE), np.zeros((4, 4)))
    with pytest.raises(PromptError, match="outside"):
        Volume(np.zeros(SHAPE), np.eye(4)).check_inside((4, 0, 0))
