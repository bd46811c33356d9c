"""Points in space, with normals and colours, perhaps joined to triangles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array, frozen
from wordmask.errors import FormatError


@dataclass(frozen=True, eq=False)
class Mesh:
    """N points and M triangles between them; without triangles it is a cloud of points.

    Which way the axes point and what their unit is, whoever makes one says.

    >>> mesh = Mesh(np.eye(3), faces=[[0, 1, 2]])
    >>> len(mesh), mesh.faces.tolist()
    (3, [[0, 1, 2]])
    """

    points: Array  # (N, 3) float32
    normals: Array | None = None  # (N, 3) float32 unit rows
    colours: Array | None = None  # (N, 3) uint8 RGB
    faces: Array | None = None  # (M, 3) int32 rows of `points`, anticlockwise seen from outside

    def __post_init__(self) -> None:
        points = _rows(self.points, np.float32, "points")
        object.__setattr__(self, "points", points)
        for name, kind in (("normals", np.float32), ("colours", np.uint8)):
            column = getattr(self, name)
            if column is None:
                continue
            rows = _rows(column, kind, name)
            if len(rows) != len(points):
                raise FormatError(f"{len(points)} points but {len(rows)} {name}")
            object.__setattr__(self, name, rows)
        if self.faces is not None:
            object.__setattr__(self, "faces", _check_faces(self.faces, len(points)))

    def __len__(self) -> int:
        return len(self.points)


def join_meshes(meshes: Sequence[Mesh]) -> Mesh:
    """All of them as one; a column stays only where each of them has it."""
    starts = np.cumsum([0, *map(len, meshes)])
    faces = [
        mesh.faces + start
        for mesh, start in zip(meshes, starts[:-1].tolist(), strict=True)
        if mesh.faces is not None
    ]
    return Mesh(
        np.concatenate([np.zeros((0, 3), np.float32), *(mesh.points for mesh in meshes)]),
        _join_columns([mesh.normals for mesh in meshes]),
        _join_columns([mesh.colours for mesh in meshes]),
        np.concatenate(faces) if faces else None,
    )


def _join_columns(columns: Sequence[Array | None]) -> Array | None:
    there = [column for column in columns if column is not None]
    return np.concatenate(there) if there and len(there) == len(columns) else None


def _rows(values: Array, kind: type, name: str) -> Array:
    """(N, 3), finite, read-only."""
    rows = np.asarray(values)
    if rows.ndim != 2 or rows.shape[1] != 3:
        raise FormatError(f"{name} are (N, 3), got {rows.shape}")
    if kind is np.uint8 and rows.dtype != np.uint8:
        raise FormatError(f"{name} are uint8, got {rows.dtype}")
    if not np.isfinite(rows).all():
        raise FormatError(f"{name} must be finite numbers; drop the points without a place first")
    return frozen(rows.astype(kind, copy=False))


def _check_faces(values: Array, count: int) -> Array:
    faces = np.asarray(values)
    if not faces.size:
        return frozen(np.zeros((0, 3), np.int32))
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
        raise FormatError(f"faces are (M, 3) whole numbers, got {faces.shape} {faces.dtype}")
    if faces.min() < 0 or faces.max() >= count:
        raise FormatError(f"faces name the points {faces.min()} to {faces.max()} of {count}")
    return frozen(faces.astype(np.int32, copy=False))
