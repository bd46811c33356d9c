"""Slices and surfaces for the eye."""

import numpy as np

from scans import AFFINE, ball, paint
from wordmask.core.volume import Volume
from wordmask.media.drawing.solids import SIGHT, draw_slice, draw_surfaces, slices_sheet
from wordmask.ops.surface import surface_of
from wordmask.ops.windows import find_window

SHAPE = (30, 34, 20)
ONE = ball(SHAPE, (9, 12, 10), 7)
SCAN = Volume(paint([(ONE, 110)], SHAPE), AFFINE)


def test_an_object_is_drawn_where_it_is():
    window = find_window("auto", SCAN)
    picture = np.array(draw_slice(SCAN, window, ONE.astype(np.uint8), {1: "ball"}, ("axial", 10)))
    plain = np.array(draw_slice(SCAN, window, np.zeros(SHAPE, np.uint8), {}, ("axial", 10)))
    changed = np.abs(picture.astype(int) - plain).max(2) > 10
    slicing = SCAN.slicing("axial")
    _, (x, y) = slicing.place((9, 12, 10), SHAPE)
    scale = picture.shape[0] / SHAPE[1]
    assert changed[int(y * scale), int(x * scale)]
    assert not changed[-5:, -5:].any()


def test_a_sheet_of_three_planes_also_where_nothing_is():
    window = find_window("auto", SCAN)
    full = slices_sheet(SCAN, window, ONE.astype(np.uint8), {1: ""})
    empty = slices_sheet(SCAN, window, np.zeros(SHAPE, np.uint8), {})
    assert min(full.size) > 900
    assert min(empty.size) > 900


def test_surfaces_are_seen_the_right_way_round():
    """Not in a mirror: right, up and to the eye are a right-handed system. Near hides far."""
    assert np.linalg.det(SIGHT) > 0.9
    red = surface_of(ball(SHAPE, (9, 25, 10), 6), np.eye(4))  # in front
    blue = surface_of(ball(SHAPE, (9, 9, 10), 6), np.eye(4))
    picture = np.array(draw_surfaces([red, blue], [(255, 0, 0), (0, 0, 255)], side=200))
    is_red = (picture[..., 0] > 60) & (picture[..., 2] < 60)
    is_blue = (picture[..., 2] > 60) & (picture[..., 0] < 60)
    assert is_red.sum() > 1.2 * is_blue.sum() > 0
    # The front is to the left for who looks from the front and the patient's left.
    assert np.argwhere(is_red)[:, 1].mean() < np.argwhere(is_blue)[:, 1].mean()


def test_no_surface_is_white_paper():
    assert (np.array(draw_surfaces([], [], side=64)) == 255).all()
