"""What the writer wrote, read back by a parser that knows only the format."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.core.mesh import Mesh
from wordmask.media.formats.ply import encode_ply, write_ply

KINDS = {"float": "<f4", "uchar": "u1"}


def parse_ply(data):
    """(comments, points by property, faces) of a binary PLY of triangles."""
    head, body = data.split(b"end_header\n", 1)
    lines = head.decode("ascii").splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    comments = [line.removeprefix("comment ") for line in lines if line.startswith("comment")]
    counts = {line.split()[1]: int(line.split()[2]) for line in lines if "element" in line}
    plain = [line.split()[1:] for line in lines if line.startswith("property")]
    fields = [(name, KINDS[kind]) for kind, name in (row for row in plain if len(row) == 2)]
    points = np.frombuffer(body, fields, counts["vertex"])
    rest = body[points.nbytes :]
    faces = np.frombuffer(rest, [("n", "u1"), ("rows", "<i4", 3)], counts.get("face", 0))
    assert faces.nbytes == len(rest)
    assert (faces["n"] == 3).all()
    return comments, points, faces["rows"]


def some_mesh(count, seed, *, normals, colours, faces):
    rng = np.random.default_rng(seed)
    return Mesh(
        rng.normal(size=(count, 3)),
        rng.normal(size=(count, 3)) if normals else None,
        rng.integers(0, 256, (count, 3), np.uint8) if colours else None,
        rng.integers(0, max(count, 1), (count if faces else 0, 3)) if faces else None,
    )


@given(st.integers(0, 20), st.integers(0, 9), st.booleans(), st.booleans(), st.booleans())
def test_every_column_comes_back(count, seed, normals, colours, faces):
    mesh = some_mesh(count, seed, normals=normals, colours=colours, faces=faces)
    _, points, triangles = parse_ply(encode_ply(mesh))
    for names, column in (
        ("x y z", mesh.points),
        ("nx ny nz", mesh.normals),
        ("red green blue", mesh.colours),
    ):
        assert (names.split()[0] in points.dtype.names) == (column is not None)
        if column is not None:
            np.testing.assert_array_equal(np.stack([points[n] for n in names.split()], 1), column)
    np.testing.assert_array_equal(triangles, mesh.faces if faces else np.zeros((0, 3)))


def test_a_comment_stays_one_line_of_ascii():
    comments, *_ = parse_ply(encode_ply(Mesh(np.zeros((1, 3))), ["a\nend_header\nb", "Stühle"]))
    assert comments == ["a end_header b", "St?hle"]


def test_the_file_is_whole_or_not_there(tmp_path):
    path = write_ply(tmp_path / "new" / "a.ply", Mesh(np.eye(3), faces=[[0, 1, 2]]))
    _, points, faces = parse_ply(path.read_bytes())
    assert len(points) == 3
    assert faces.tolist() == [[0, 1, 2]]


def test_faces_without_points_are_refused():
    with pytest.raises(ValueError, match="faces"):
        Mesh(np.zeros((0, 3)), faces=[[0, 0, 0]])
