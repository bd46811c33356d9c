"""STL by its own description."""

import numpy as np
import pytest

from wordmask.core.mesh import Mesh
from wordmask.errors import FormatError
from wordmask.media.formats.stl import write_stl


def test_triangles_as_they_are_read(tmp_path):
    points = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0], [0, 0, 2]], np.float32)
    mesh = Mesh(points, faces=[[0, 1, 2], [0, 2, 3]])
    data = write_stl(tmp_path / "a.stl", mesh, "drawn\nfor a test").read_bytes()
    assert data[:80].startswith(b"wordmask drawn for a test")
    assert int.from_bytes(data[80:84], "little") == 2
    rows = np.frombuffer(data[84:], np.dtype([("n", "<f4", 3), ("c", "<f4", 9), ("u", "<u2")]))
    assert rows["n"].tolist() == [[0, 0, 1], [1, 0, 0]]
    assert rows["c"][1].tolist() == [0, 0, 0, 0, 2, 0, 0, 0, 2]


def test_points_alone_are_refused():
    with pytest.raises(FormatError, match="PLY"):
        write_stl("a.stl", Mesh(np.eye(3)))
