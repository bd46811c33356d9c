"""PLY: points with normals, colours and triangles, which MeshLab, Blender and CloudCompare read.

The file is binary and little-endian. Comments in its header say what the numbers mean.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wordmask.core.image import Array
from wordmask.core.mesh import Mesh
from wordmask.files import write_bytes

_PLACES = [("x", "<f4"), ("y", "<f4"), ("z", "<f4")]
_NORMALS = [("nx", "<f4"), ("ny", "<f4"), ("nz", "<f4")]
_COLOURS = [("red", "u1"), ("green", "u1"), ("blue", "u1")]
_NAMES = {"<f4": "float", "u1": "uchar"}
_FACE = np.dtype([("count", "u1"), ("rows", "<i4", (3,))])


def write_ply(path: Path | str, mesh: Mesh, comments: Sequence[str] = ()) -> Path:
    """Write the file, whole or not at all."""
    return write_bytes(path, encode_ply(mesh, comments))


def encode_ply(mesh: Mesh, comments: Sequence[str] = ()) -> bytes:
    """The bytes that `write_ply` writes.

    >>> head = encode_ply(Mesh(np.zeros((1, 3))), ["up to scale"]).split(b"end_header")[0]
    >>> print(head.decode().strip())
    ply
    format binary_little_endian 1.0
    comment up to scale
    element vertex 1
    property float x
    property float y
    property float z
    """
    points = _point_rows(mesh)
    header = ["ply", "format binary_little_endian 1.0"]
    # A header is ASCII, and a line is a statement.
    header += [f"comment {' '.join(line.split())}" for line in comments]
    header.append(f"element vertex {len(mesh)}")
    names = points.dtype.names or ()
    header += [f"property {_NAMES[_code(points.dtype[name])]} {name}" for name in names]
    faces = b""
    if mesh.faces is not None:
        header += [f"element face {len(mesh.faces)}", "property list uchar int vertex_indices"]
        rows = np.zeros(len(mesh.faces), _FACE)
        rows["count"], rows["rows"] = 3, mesh.faces
        faces = rows.tobytes()
    head = "\n".join([*header, "end_header", ""]).encode("ascii", "replace")
    return head + points.tobytes() + faces


def _point_rows(mesh: Mesh) -> Array:
    """One record for each point."""
    columns = [(_PLACES, mesh.points), (_NORMALS, mesh.normals), (_COLOURS, mesh.colours)]
    there = [(names, values) for names, values in columns if values is not None]
    rows = np.zeros(len(mesh), np.dtype([name for names, _ in there for name in names]))
    for names, values in there:
        for k, (name, _) in enumerate(names):
            rows[name] = values[:, k]
    return rows


def _code(kind: np.dtype[np.generic]) -> str:
    return "u1" if kind.itemsize == 1 else "<f4"
