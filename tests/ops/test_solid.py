import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from wordmask.ops.solid import box_around_points, even_surface, face_directions


def turned(seed):
    """A rotation."""
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return rotation * np.linalg.det(rotation)


def block(sides, seed=0, count=4000):
    """Points evenly inside a block that stands at any angle, far away."""
    points = np.random.default_rng(seed).uniform(-0.5, 0.5, (count, 3)) * sides
    return points @ turned(seed) + (0.3, -0.2, -5)


@examples(6)
@given(st.integers(0, 30))
def test_a_block_has_its_sides_at_any_angle(seed):
    box = box_around_points(block((3, 2, 1), seed))
    np.testing.assert_allclose(box.sides, (3, 2, 1), rtol=0.06)
    np.testing.assert_allclose(box.centre, (0.3, -0.2, -5), atol=0.1)
    np.testing.assert_allclose(box.axes @ box.axes.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(box.axes) == pytest.approx(1)


def corner_of_cube(seed):
    """Three faces of a cube of side 1, with their normals, as one sees them from a corner."""
    rng = np.random.default_rng(seed)
    points, normals = [], []
    for axis in range(3):
        face = rng.uniform(0, 1, (1500, 3))
        face[:, axis] = 1
        points.append(face)
        normals.append(np.repeat(np.eye(3)[axis][None], 1500, 0))
    turn = turned(seed)
    return np.concatenate(points) @ turn + (0, 0, -6), np.concatenate(normals) @ turn


@examples(6)
@given(st.integers(0, 15))
def test_a_cube_seen_from_its_corner_keeps_its_edges(seed):
    """Its principal axes lie along the diagonal; the faces tell how it stands."""
    points, normals = corner_of_cube(seed)
    np.testing.assert_allclose(box_around_points(points, normals).sides, 1, rtol=0.05)


def test_few_points_far_off_do_not_count():
    points = block((3, 2, 1))
    points[:20] += 50
    np.testing.assert_allclose(box_around_points(points).sides, (3, 2, 1), rtol=0.08)


def test_corners_that_differ_in_one_bit_share_an_edge():
    box = box_around_points(block((3, 2, 1)))
    corners = box.corners()
    for bit, side in zip((1, 2, 4), box.sides, strict=True):
        lengths = [np.linalg.norm(corners[k] - corners[k ^ bit]) for k in range(8)]
        np.testing.assert_allclose(lengths, side)


def test_a_surface_seen_flatly_counts_as_much_as_one_seen_straight():
    points = np.array([[0, 0, -1.0]] * 90 + [[0, 0, -1.0]] * 10)
    normals = np.array([[0, 0, 1.0]] * 90 + [[np.sqrt(1 - 1 / 81), 0, 1 / 9]] * 10)
    rows = even_surface(points, normals)
    assert len(rows) == 100
    assert np.mean(rows >= 90) == pytest.approx(0.5, abs=0.02)


def test_faces_are_found_largest_first():
    normals = np.array([[0, 0, 1.0]] * 50 + [[0, 1.0, 0]] * 30 + [[1.0, 0, 0]] * 5)
    np.testing.assert_allclose(face_directions(normals), [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
