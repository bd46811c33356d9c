"""STL: triangles alone, for printers and for what reads nothing better. Binary, little-endian."""

from pathlib import Path

import numpy as np

from wordmask.core.mesh import Mesh
from wordmask.errors import FormatError
from wordmask.files import write_bytes

_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("unused", "<u2")])
_HEADER = 80  # bytes of text, which must not begin with "solid"


def write_stl(path: Path | str, mesh: Mesh, comment: str = "") -> Path:
    """Write the file, whole or not at all."""
    return write_bytes(path, encode_stl(mesh, comment))


def encode_stl(mesh: Mesh, comment: str = "") -> bytes:
    """The bytes that `write_stl` writes.

    >>> len(encode_stl(Mesh(np.eye(3), faces=[[0, 1, 2]])))
    134
    """
    if mesh.faces is None:
        raise FormatError("STL holds triangles, and these points have none; write PLY instead")
    corners = mesh.points[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    rows = np.zeros(len(corners), _TRIANGLE)
    rows["corners"] = corners
    rows["normal"] = normals / np.maximum(lengths, 1e-12)
    head = f"wordmask {' '.join(comment.split())}".encode("ascii", "replace")[:_HEADER]
    return head.ljust(_HEADER) + len(rows).to_bytes(4, "little") + rows.tobytes()
