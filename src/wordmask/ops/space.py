"""From a depth map to points in space, and what has to be thrown away on the way.

Space has y up and z towards the viewer, as OpenGL and glTF have it: the camera stands at the
origin, looks along -z, and x runs right. Z, the distance from the camera's plane, is positive.
"""

from math import radians, tan

import cv2
import numpy as np

from wordmask.core.depth import Camera
from wordmask.core.image import Array

MAD_TO_SIGMA = 1.4826  # of a normal distribution
FARTHEST_RUN = 0.05  # of log Z, by which a plane may go on
LEAST_SIGMA = 0.01  # a flat thing has hardly any spread; a share of its distance


def unproject(z: Array, camera: Camera) -> Array:
    """(H, W, 3) float32: the point in space that each pixel's centre sees at depth `z` (H, W)."""
    height, width = z.shape
    x = (np.arange(width) + 0.5 - camera.centre[0]) / camera.focal[0]
    y = (np.arange(height) + 0.5 - camera.centre[1]) / camera.focal[1]
    return np.stack([x[None] * z, -y[:, None] * z, -z], 2).astype(np.float32)


def depth_edges(z: Array, camera: Camera, limit_deg: float) -> Array:
    """(H, W) bool: pixels at a jump of depth, where a network blends the near thing with the far.

    A jump is a surface that would be turned away from the line of sight by more than `limit_deg`.
    Depths that are not finite are jumps.
    """
    limit = tan(radians(min(limit_deg, 89.99)))
    edges = ~np.isfinite(z)
    known = np.where(edges, 1, z)
    for axis in (0, 1):
        first, second = _neighbours(known, axis)
        slope = np.abs(second - first) / np.minimum(first, second) * camera.focal[1 - axis]
        unknown = np.logical_or(*_neighbours(~np.isfinite(z), axis))
        jump = (slope > limit) & ~unknown
        before, after = _neighbours(edges, axis)
        before |= jump
        after |= jump
    return edges


def _neighbours(values: Array, axis: int) -> tuple[Array, Array]:
    """Views of all values but the last, and all but the first, along an axis."""
    return (values[:-1], values[1:]) if axis == 0 else (values[:, :-1], values[:, 1:])


def within_deviations(z: Array, mask: Array, deviations: float) -> Array:
    """(H, W) bool: the part of the mask whose depth is near its median, by the MAD of log Z."""
    kept = mask & np.isfinite(z)
    if not kept.any():
        return kept
    logs = np.log(z[kept])
    middle = np.median(logs)
    sigma = max(float(np.median(np.abs(logs - middle))) * MAD_TO_SIGMA, LEAST_SIGMA)
    kept[kept] = np.abs(logs - middle) <= deviations * sigma
    return kept


def smooth_inside(z: Array, mask: Array, sigma: float) -> Array:
    """(H, W) a Gaussian mean of the depths in the mask, which nothing outside it takes part in."""
    weights = mask.astype(np.float32)
    filled = np.where(mask, z, 0).astype(np.float32)
    total = cv2.GaussianBlur(filled, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    share = cv2.GaussianBlur(weights, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    smooth: Array = np.where(mask, total / np.maximum(share, 1e-6), np.nan)
    return smooth


def grid_normals(points: Array, mask: Array) -> Array:
    """(H, W, 3) unit vectors across the surface of a grid of points, turned to the camera.

    Slopes are taken between neighbours in the mask; where a point has none it faces the camera.
    """
    along_y, along_x = (_slopes(points, mask, axis) for axis in (0, 1))
    normals = np.cross(along_x, along_y)
    towards = -points / np.maximum(np.linalg.norm(points, axis=2, keepdims=True), 1e-9)
    lengths = np.linalg.norm(normals, axis=2, keepdims=True)
    normals = np.where(lengths > 0, normals / np.maximum(lengths, 1e-12), towards)
    facing = (normals * towards).sum(2, keepdims=True)
    turned: Array = np.where(facing < 0, -normals, normals)
    return turned.astype(np.float32)


def _slopes(points: Array, mask: Array, axis: int) -> Array:
    """(H, W, 3) from the neighbour before to the one after, as far as they are in the mask."""
    before, after = points.copy(), points.copy()
    first, second = _neighbours(mask, axis)
    both = (first & second)[..., None]
    for target, source, own in (
        (_neighbours(before, axis)[1], _neighbours(points, axis)[0], _neighbours(points, axis)[1]),
        (_neighbours(after, axis)[0], _neighbours(points, axis)[1], _neighbours(points, axis)[0]),
    ):
        target[...] = np.where(both, source, own)
    return after - before


def extend_surface(points: Array, normals: Array, known: Array, places: Array) -> Array:
    """(H, W) Z at `places`: where the plane through the nearest known pixel is seen from there.

    `points` and `normals` (H, W, 3) are sensible where `known` is True. A plane seen flatly runs
    off no farther than `FARTHEST_RUN`.
    """
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    numbers = np.zeros(int(labels.max()) + 1, np.intp)
    numbers[labels[known]] = np.flatnonzero(known)
    nearest = numbers[labels[places]]
    here = points.reshape(-1, 3)[nearest]
    across = normals.reshape(-1, 3)[nearest]
    # All that lies on one line of sight has the same x / z and y / z.
    sights = points[places] / -points[places][:, 2:]
    slope = (across * sights).sum(1)
    own = -here[:, 2]
    safe = np.where(np.abs(slope) > 1e-6, slope, 1)
    z = np.where(np.abs(slope) > 1e-6, (across * here).sum(1) / safe, own)
    z = own * np.exp(np.clip(np.log(np.maximum(z, 1e-9) / own), -FARTHEST_RUN, FARTHEST_RUN))
    filled = np.where(known, -points[..., 2], np.nan).astype(np.float32)
    filled[places] = z
    return filled


def grid_faces(mask: Array, joined: Array | None = None) -> Array:
    """(M, 3) int32: two triangles in each square of four neighbours that are all in the mask.

    The rows number the mask's pixels line by line. `joined` (H, W) may say what must not be joined:
    squares with a pixel where it is False stay open. Seen from the camera they run anticlockwise.
    """
    numbers = np.full(mask.shape, -1, np.int32)
    numbers[mask] = np.arange(np.count_nonzero(mask), dtype=np.int32)
    whole = mask if joined is None else mask & joined
    square = whole[:-1, :-1] & whole[:-1, 1:] & whole[1:, :-1] & whole[1:, 1:]
    top_left, top_right = numbers[:-1, :-1][square], numbers[:-1, 1:][square]
    low_left, low_right = numbers[1:, :-1][square], numbers[1:, 1:][square]
    upper = np.stack([top_left, low_left, top_right], 1)
    lower = np.stack([top_right, low_left, low_right], 1)
    return np.concatenate([upper, lower])
