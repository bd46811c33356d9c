"""The smallest box around points in space that may stand at any angle."""

from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array

TAIL = 0.01  # share of the points that may stick out at either end of a side
MOST = 2000  # points by which the box is turned
FLATTEST = 0.1  # cosine to the line of sight below which a surface counts no more than at it
FACES = 3  # directions of the surface that are tried
ALIKE = 0.9  # cosine up to which two normals belong to one face
TURNS = np.radians(np.arange(0, 90, 1.0))


@dataclass(frozen=True, eq=False)
class SolidBox:
    """A box in space: sides from the longest to the shortest, along the rows of `axes`."""

    centre: Array  # (3,)
    axes: Array  # (3, 3) unit rows
    sides: Array  # (3,)

    def corners(self) -> Array:
        """(8, 3); two corners share an edge where their numbers differ in one bit."""
        signs = np.array([[k & 1, k >> 1 & 1, k >> 2] for k in range(8)]) - 0.5
        corners: Array = self.centre + (signs * self.sides) @ self.axes
        return corners


def box_around_points(points: Array, normals: Array | None = None) -> SolidBox:
    """The smallest box that holds 98 % of the surface at the points (N, 3) along each side.

    It is turned by the principal axes, or by a face: a box of which a corner is seen has other
    principal axes than edges. Of boxes alike in volume the one counts that has the faces. A side is
    measured from the 1 % to the 99 % quantile, and made longer by what an even surface loses.
    """
    points = np.asarray(points, np.float64)
    some = np.arange(len(points)) if normals is None else even_surface(points, normals)
    many, few = points[some], points[some[:: max(1, len(some) // MOST)]]
    turned = [principal_axes(few)]
    faces = np.zeros((0, 3))
    if normals is not None and len(points) > FACES:
        faces = np.asarray(normals, np.float64)[some[:: max(1, len(some) // MOST)]]
        turned += [_turn_around(few, face) for face in face_directions(faces)]
    turned += [_turn_around(few, axis) for axis in turned[0]]
    best = min(turned, key=lambda axes: _misfit(few, faces, axes))
    low, high = np.quantile(many @ best.T, (TAIL, 1 - TAIL), axis=0)
    sides = (high - low) / (1 - 2 * TAIL)
    order = np.argsort(-sides, kind="stable")
    axes = best[order]
    axes[2] = np.cross(axes[0], axes[1])  # right-handed
    middle = (low + high) / 2
    return SolidBox(middle @ best, axes, sides[order])


def even_surface(points: Array, normals: Array) -> Array:
    """Rows of points that stand for equal parts of the surface: those seen flatly come repeatedly.

    A pixel sees more of a surface that is far, and of one that is turned away.
    """
    squared = (points**2).sum(1)
    facing = np.abs((points * normals).sum(1)) / np.sqrt(np.maximum(squared, 1e-12))
    areas = squared / np.maximum(facing, FLATTEST)
    ends = np.cumsum(areas)
    count = max(len(points), 1)
    rows: Array = np.searchsorted(ends, (np.arange(count) + 0.5) * (ends[-1] / count))
    return np.minimum(rows, len(points) - 1)


def _misfit(points: Array, normals: Array, axes: Array) -> float:
    """The box's volume, and more where its sides do not run along the surface."""
    volume = float(np.prod(np.maximum(_sides(points, axes), 1e-9)))
    if not len(normals):
        return volume
    along = np.abs(normals @ axes.T).max(1).mean()
    return volume * float(2 - along)


def principal_axes(points: Array) -> Array:
    """(3, 3) unit rows, the direction of largest spread first; few points far off do not count."""
    low, high = np.quantile(points, (TAIL, 1 - TAIL), axis=0)
    inside = points[((points >= low) & (points <= high)).all(1)]
    points = inside if len(inside) else points
    centred = points - points.mean(0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    rows: Array = vectors.T[::-1].copy()
    return rows


def face_directions(normals: Array) -> list[Array]:
    """Up to three directions that most of the surface faces, each a mean of normals alike."""
    left = normals[np.isfinite(normals).all(1)]
    found: list[Array] = []
    while len(left) and len(found) < FACES:
        some = left[:: max(1, len(left) // 200)]
        votes = (some @ left.T > ALIKE).sum(1)
        near = left @ some[votes.argmax()] > ALIKE
        # The median of each coordinate: blended normals at the edges of the face do not pull it.
        middle = np.median(left[near], 0)
        found.append(middle / max(float(np.linalg.norm(middle)), 1e-9))
        left = left[~near]
    return found


def _turn_around(points: Array, axis: Array) -> Array:
    """(3, 3) axes, one of which is given, that leave the least area across it."""
    helper = np.eye(3)[np.abs(axis).argmin()]
    across = np.cross(axis, helper)
    across /= np.linalg.norm(across)
    other = np.cross(axis, across)
    flat = points @ np.stack([across, other], 1)
    cos, sin = np.cos(TURNS), np.sin(TURNS)
    x = flat @ np.stack([cos, sin])
    y = flat @ np.stack([-sin, cos])
    spans = [np.diff(np.quantile(one, (TAIL, 1 - TAIL), axis=0), axis=0)[0] for one in (x, y)]
    turn = TURNS[(spans[0] * spans[1]).argmin()]
    first = np.cos(turn) * across + np.sin(turn) * other
    return np.stack([axis, first, np.cross(axis, first)])


def _sides(points: Array, axes: Array) -> Array:
    low, high = np.quantile(points @ axes.T, (TAIL, 1 - TAIL), axis=0)
    sides: Array = high - low
    return sides
