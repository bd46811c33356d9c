import numpy as np
import pytest

from wordmask.core.mesh import Mesh
from wordmask.errors import FormatError


def test_columns_are_read_only_and_of_their_kind():
    mesh = Mesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], faces=[[0, 1, 2]])
    assert mesh.points.dtype == np.float32
    assert mesh.faces.dtype == np.int32
    with pytest.raises(ValueError, match="read-only"):
        mesh.points[0] = 1


def test_nothing_is_a_mesh_too():
    mesh = Mesh(np.zeros((0, 3)), colours=np.zeros((0, 3), np.uint8), faces=[])
    assert len(mesh) == 0
    assert mesh.faces.shape == (0, 3)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        pytest.param({"points": np.zeros(3)}, r"\(N, 3\)", id="flat"),
        pytest.param({"points": np.full((1, 3), np.nan)}, "finite", id="nowhere"),
        pytest.param({"colours": np.zeros((2, 3), np.uint8)}, "3 points but 2", id="short"),
        pytest.param({"colours": np.zeros((3, 3))}, "uint8", id="colours in floats"),
        pytest.param({"faces": [[0, 1, 3]]}, "of 3", id="beyond the points"),
        pytest.param({"faces": [[0.0, 1.0, 2.0]]}, "whole numbers", id="faces in floats"),
    ],
)
def test_what_does_not_fit_is_said(columns, message):
    with pytest.raises(FormatError, match=message):
        Mesh(**({"points": np.zeros((3, 3))} | columns))
