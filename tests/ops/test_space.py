import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawing import draw
from wordmask.core.depth import Camera
from wordmask.ops import space


@given(st.integers(2, 9), st.integers(2, 9), st.integers(0, 99))
def test_a_point_is_seen_by_the_pixel_that_it_came_from(height, width, seed):
    z = np.random.default_rng(seed).uniform(0.5, 5, (height, width))
    camera = Camera((300, 400), (3.2, 1.7))
    points = space.unproject(z, camera)
    x = points[..., 0] / -points[..., 2] * 300 + 3.2
    y = -points[..., 1] / -points[..., 2] * 400 + 1.7
    np.testing.assert_allclose(x, np.broadcast_to(np.arange(width) + 0.5, z.shape), atol=1e-3)
    np.testing.assert_allclose(y.T, np.broadcast_to(np.arange(height) + 0.5, z.T.shape), atol=1e-3)
    np.testing.assert_allclose(-points[..., 2], z, rtol=1e-6)


def test_up_is_up_and_right_is_right():
    points = space.unproject(np.ones((4, 4)), Camera.of((4, 4), 4))
    assert points[0, 0, 0] < 0 < points[0, 3, 0]
    assert points[3, 0, 1] < 0 < points[0, 0, 1]


@pytest.mark.parametrize(
    ("z", "edges"),
    [
        pytest.param([[1, 1, 1, 1]], "....", id="flat"),
        pytest.param([[1, 1, 2, 2]], ".##.", id="a jump"),
        pytest.param([[1, 1.001, 1.002, 1.003]], "....", id="a slope"),
        pytest.param([[1, np.nan, 1, 1]], ".#..", id="unknown"),
    ],
)
def test_jumps_of_depth_are_edges(z, edges):
    found = space.depth_edges(np.array(z, float), Camera.of((1, 4), 100), 85)
    assert (found == draw(edges)).all()


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_jump_is_one_at_any_size_of_the_picture(size):
    """The limit is an angle, so that it needs no other number for a larger picture."""
    slope = 1 + 0.3 * np.arange(4 * size)[None] / (4 * size)
    camera = Camera.of((1, 4 * size), 20 * size)
    assert not space.depth_edges(slope, camera, 85).any()
    assert space.depth_edges(slope, camera, 50).any()


def test_what_is_far_from_the_median_is_dropped():
    z = np.array([[1.0, 1.02, 0.98, 1.01, 3.0, 0.99, np.nan]])
    kept = space.within_deviations(z, np.ones(z.shape, bool), 4)
    assert kept.tolist() == [[True, True, True, True, False, True, False]]
    assert not space.within_deviations(z, np.zeros(z.shape, bool), 4).any()


def test_smoothing_takes_nothing_from_outside():
    mask = draw("....", ".##.", ".##.")
    z = np.where(mask, 2.0, 99.0)
    smooth = space.smooth_inside(z, mask, 1.5)
    np.testing.assert_allclose(smooth[mask], 2, rtol=1e-5)
    assert np.isnan(smooth[~mask]).all()


def tilted_plane(size=(20, 20), slope=0.5):
    """Z of a plane that goes away to the right, and its unit normal, which faces the camera."""
    camera = Camera.of(size, 40)
    x = (np.arange(size[1]) + 0.5 - camera.centre[0]) / 40
    z = 2 / (1 - slope * x)  # Z = 2 + slope * X
    normal = np.array([slope, 0, 1]) / np.hypot(slope, 1)
    return np.repeat(z[None], size[0], 0), camera, normal


def test_normals_stand_on_the_surface_and_face_the_camera():
    z, camera, normal = tilted_plane()
    mask = np.ones(z.shape, bool)
    found = space.grid_normals(space.unproject(z, camera), mask)
    np.testing.assert_allclose(found, np.broadcast_to(normal, found.shape), atol=1e-4)


def test_a_lonely_point_faces_the_camera():
    points = space.unproject(np.ones((3, 3)), Camera.of((3, 3), 3))
    normals = space.grid_normals(points, draw("...", ".#.", "..."))
    np.testing.assert_allclose(normals[1, 1], [0, 0, 1], atol=1e-6)


def test_a_surface_goes_on_as_a_plane():
    z, camera, normal = tilted_plane()
    known = np.zeros(z.shape, bool)
    known[3:18, 3:18] = True
    points = space.unproject(np.where(known, z, 1), camera)
    normals = np.broadcast_to(normal, points.shape)
    found = space.extend_surface(points, normals, known, ~known)
    np.testing.assert_allclose(found, z, rtol=1e-5)


def test_a_plane_seen_from_its_edge_runs_off_a_little_only():
    known = draw("##..")
    points = space.unproject(np.full((1, 4), 3.0), Camera.of((1, 4), 4))
    along_sight = np.cross(points, np.array([0, 1, 0]))
    found = space.extend_surface(points, along_sight, known, ~known)
    np.testing.assert_allclose(found, 3, rtol=0.06)
    assert found[0, 3] != 3


def test_triangles_join_four_neighbours_anticlockwise():
    mask = draw("##.", "###", ".##")
    faces = space.grid_faces(mask)
    assert faces.tolist() == [[0, 2, 1], [3, 5, 4], [1, 2, 3], [4, 5, 6]]
    points = space.unproject(np.ones(mask.shape), Camera.of(mask.shape, 3))[mask]
    a, b, c = points[faces].transpose(1, 0, 2)
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()


def test_triangles_leave_jumps_open():
    mask = np.ones((2, 3), bool)
    assert len(space.grid_faces(mask, draw("##.", "##."))) == 2
    assert len(space.grid_faces(draw("#.", ".#"))) == 0
