"""The surface of a solid as triangles: naive surface nets.

Every cell of 2 x 2 x 2 voxels that the surface crosses has one vertex, the mean of the points in
which it crosses the cell's edges, and four cells around a crossed edge share a quad (Gibson, 1998).
With a mask all crossings are half-way, so vertices are smoothed, but never leave their cell.
"""

from collections.abc import Sequence

import numpy as np

from wordmask.core.image import Array
from wordmask.core.mesh import Mesh
from wordmask.core.volume import world_of
from wordmask.ops.solids import block_of

CORNERS = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
EDGES = [
    (a, b)
    for a in range(8)
    for b in range(a + 1, 8)
    if int(np.abs(CORNERS[a] - CORNERS[b]).sum()) == 1
]
TO_AND_FRO = (0.5, -0.52)  # of the way to the mean of the neighbours, in turns
STAY = 0.5  # of a cell: how far smoothing may take a vertex from the cell's centre


def surface_of(solid: Array, affine: Array, *, smooth: int = 8) -> Mesh:
    """The surface in the world of `affine`; its triangles look outwards. Nothing has none."""
    block = block_of(solid)
    if block is None:
        return Mesh(np.zeros((0, 3), np.float32), faces=np.zeros((0, 3), np.int32))
    inside = np.pad(solid[block], 1)
    points, cells = _vertices(inside)
    quads = _quads(inside, cells)
    points = _smooth(points, quads, smooth)
    start = np.array([side.start for side in block]) - 1
    world = world_of(affine, points + start).astype(np.float32)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    if np.linalg.det(affine[:3, :3]) < 0:  # a mirror turns faces inside out
        faces = faces[:, ::-1]
    return Mesh(world, faces=np.ascontiguousarray(faces))


def _vertices(inside: Array) -> tuple[Array, Array]:
    """(V, 3) points in voxels, and for each cell its vertex or -1."""
    sides = tuple(side - 1 for side in inside.shape)
    count = np.zeros(sides, np.uint8)
    for i, j, k in CORNERS.tolist():
        count += inside[i : i + sides[0], j : j + sides[1], k : k + sides[2]]
    cells = np.full(sides, -1, np.int32)
    crossed = np.argwhere((count > 0) & (count < 8))
    cells[tuple(crossed.T)] = np.arange(len(crossed), dtype=np.int32)
    corners = np.stack([inside[tuple((crossed + corner).T)] for corner in CORNERS], 1)
    total = np.zeros((len(crossed), 3), np.float32)
    crossings = np.zeros(len(crossed), np.float32)
    for a, b in EDGES:
        cuts = (corners[:, a] != corners[:, b]).astype(np.float32)
        total += cuts[:, None] * (CORNERS[a] + CORNERS[b]) / 2
        crossings += cuts
    return crossed + total / crossings[:, None], cells


def _quads(inside: Array, cells: Array) -> Array:
    """(Q, 4) vertices around every edge between a voxel inside and one outside."""
    found = []
    for axis in range(3):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        here = np.moveaxis(inside, axis, 0)
        changes = np.moveaxis(here[1:] != here[:-1], 0, axis)
        edges = np.argwhere(changes)
        edges = edges[(edges[:, first] > 0) & (edges[:, second] > 0)]
        one, other = np.eye(3, dtype=int)[[first, second]]
        around = [edges, edges - one, edges - one - other, edges - other]
        quad = np.stack([cells[tuple(place.T)] for place in around], 1)
        leaves = inside[tuple(edges.T)]  # the solid ends in the direction of the axis
        quad[~leaves] = quad[~leaves, ::-1]
        found.append(quad)
    return np.concatenate(found)


def _smooth(points: Array, quads: Array, rounds: int) -> Array:
    """Each vertex moved towards its neighbours and a little more back, as far as its cell allows.

    The way back keeps the solid from shrinking (Taubin, 1995).
    """
    centre = np.floor(points) + 0.5
    ends = np.concatenate([quads, quads[:, [1, 2, 3, 0]]])
    starts = np.concatenate([quads[:, [1, 2, 3, 0]], quads])
    one, other = starts.ravel(), ends.ravel()
    count = np.maximum(np.bincount(one, minlength=len(points)), 1)[:, None]
    for share in TO_AND_FRO * rounds:
        near = [np.bincount(one, points[other, axis], len(points)) for axis in range(3)]
        moved = points + share * (np.stack(near, 1) / count - points)
        points = np.clip(moved, centre - STAY, centre + STAY)
    return points


def join_meshes(meshes: Sequence[Mesh], colours: Sequence[Sequence[int]]) -> Mesh:
    """Several surfaces as one, each in its colour."""
    starts = np.cumsum([0, *(len(mesh) for mesh in meshes)])
    faces = [
        mesh.faces + start
        for mesh, start in zip(meshes, starts[:-1].tolist(), strict=True)
        if mesh.faces is not None and len(mesh.faces)
    ]
    painted = [
        np.tile(np.array(colour, np.uint8), (len(mesh), 1))
        for mesh, colour in zip(meshes, colours, strict=True)
    ]
    empty = np.zeros((0, 3))
    return Mesh(
        np.concatenate([empty.astype(np.float32), *(mesh.points for mesh in meshes)]),
        colours=np.concatenate([empty.astype(np.uint8), *painted]),
        faces=np.concatenate([empty.astype(np.int32), *faces]),
    )
