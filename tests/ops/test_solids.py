"""Solids: pieces, holes, shapes between slices, touching ones, their surface."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from budget import examples
from drawing import draw
from scans import AFFINE, ball
from wordmask.core.volume import world_of
from wordmask.ops.solids import (
    blend_shapes,
    block_of,
    fill_holes,
    keep_pieces,
    signed_distance,
    split_touching,
)
from wordmask.ops.surface import join_meshes, surface_of

solids = arrays(bool, (5, 4, 6))


def test_the_piece_that_was_clicked_on_stays():
    solid = ball((20, 10, 10), (4, 5, 5), 3) | ball((20, 10, 10), (14, 5, 5), 4)
    kept = keep_pieces(solid, np.array([[4, 5, 5]]))
    assert kept[4, 5, 5]
    assert not kept[14, 5, 5]
    assert keep_pieces(solid, largest=True)[14, 5, 5]
    assert keep_pieces(solid, least=150).sum() == ball((20, 10, 10), (14, 5, 5), 4).sum()


def test_where_nobody_clicked_into_it_the_largest_piece_counts():
    solid = np.zeros((9, 3, 3), bool)
    solid[0, 0, 0] = solid[5:8] = True
    assert keep_pieces(solid, np.array([[3, 1, 1], [99, 0, 0]])).sum() == 27


@given(solids)
def test_pieces_only_take_away_and_holes_only_add(solid):
    assert not (keep_pieces(solid, largest=True) & ~solid).any()
    assert not (solid & ~fill_holes(solid)).any()
    assert (block_of(solid) is None) == (not solid.any())


def test_a_closed_hole_is_filled_and_an_open_one_is_not():
    shell = ball((11, 11, 11), (5, 5, 5), 4) & ~ball((11, 11, 11), (5, 5, 5), 2)
    assert fill_holes(shell)[5, 5, 5]
    shell[5, 5, :6] = False
    assert not fill_holes(shell)[5, 5, 5]


def test_signed_distance_by_hand():
    found = signed_distance(draw(".....", ".###.", ".###.", ".###.", "....."))
    assert found[2, 2] == pytest.approx(1.5)
    assert found[1, 1] == pytest.approx(0.5)
    assert found[0, 2] == pytest.approx(-0.5)
    assert (signed_distance(np.zeros((2, 2), bool)) < -100).all()


def test_between_a_small_and_a_large_disc_lies_one_of_middle_size():
    yy, xx = np.mgrid[:60, :60]
    small, large = (np.hypot(xx - 30, yy - 30) <= radius for radius in (8, 16))
    half = blend_shapes(small, large, 0.5)
    assert half.sum() == pytest.approx(np.pi * 144, rel=0.03)
    assert (blend_shapes(small, large, 0) == small).mean() > 0.999


def test_a_slanting_tube_does_not_break():
    yy, xx = np.mgrid[:60, :60]
    one, other = np.hypot(xx - 15, yy - 30) <= 6, np.hypot(xx - 45, yy - 30) <= 6
    half = blend_shapes(one, other, 0.5)
    assert half.sum() == pytest.approx(one.sum(), rel=0.05)
    assert abs(np.argwhere(half).mean(0) - (30, 30)).max() < 0.6


def test_touching_balls_part_where_they_touch():
    shape = (40, 22, 22)
    one, other = ball(shape, (10, 11, 11), 9), ball(shape, (27, 11, 11), 9)
    parts = split_touching(one | other, [np.array([[10, 11, 11]]), np.array([[27, 11, 11]])])
    assert (parts[:18][one[:18]] == 1).all()
    assert (parts[20:][other[20:]] == 2).all()


def corners(mesh):
    return mesh.points[mesh.faces].astype(np.float64)


@examples(15)
@given(arrays(bool, (4, 4, 4)))
def test_every_surface_is_closed(solid):
    """Each edge of a triangle is that of another one, the other way round, as often."""
    faces = surface_of(solid, np.eye(4)).faces
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    assert sorted(map(tuple, edges)) == sorted(map(tuple, edges[:, ::-1]))


@pytest.mark.parametrize("mirror", [1, -1])
def test_the_surface_lies_in_the_world_and_looks_outwards(mirror):
    affine = AFFINE @ np.diag([mirror, 1, 1, 1])
    solid = ball((30, 30, 30), (14, 15, 16), 9)
    mesh = surface_of(solid, affine)
    triangles = corners(mesh)
    inside = np.einsum("ij,ij->i", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2]))
    assert inside.sum() / 6 == pytest.approx(solid.sum() * 12, rel=0.04)
    centre = world_of(affine, np.array([[14, 15, 16]]))
    assert np.abs(mesh.points.mean(0) - centre).max() < 0.5


def test_no_solid_has_no_surface_and_two_are_joined_in_their_colours():
    empty = surface_of(np.zeros((3, 3, 3), bool), np.eye(4))
    assert (len(empty), len(empty.faces)) == (0, 0)
    one = surface_of(ball((7, 7, 7), (3, 3, 3), 2), np.eye(4))
    both = join_meshes([one, empty, one], [(255, 0, 0), (0, 0, 0), (0, 0, 255)])
    assert len(both) == 2 * len(one)
    assert both.faces.max() == len(both) - 1
    assert both.colours[[0, -1]].tolist() == [[255, 0, 0], [0, 0, 255]]
