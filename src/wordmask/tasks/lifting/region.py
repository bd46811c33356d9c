"""One mask lifted into space: cleaned, turned into points and triangles, measured."""

from dataclasses import dataclass
from math import ceil, hypot, sqrt
from typing import NamedTuple

import cv2
import numpy as np

from wordmask.core.depth import Camera
from wordmask.core.image import Array
from wordmask.core.mesh import Mesh
from wordmask.ops import space
from wordmask.ops.regions import box_around, drop_specks
from wordmask.ops.solid import SolidBox, box_around_points
from wordmask.tasks.lifting.options import LiftOptions
from wordmask.tasks.lifting.scale import Distances, touches_edge

FEWEST = 30  # points, of which a thing can be made
LEAST_LEFT = 0.35  # share of a thin mask that erosion leaves; it is eroded less until it does
BEYOND = 1  # pixels more than the mask was eroded, over which the surface goes on
SPECK = 0.02  # pieces smaller than this share of the region are crumbs
LEAST_SIGMA = 0.5  # pixels: less smoothing does nothing
SMOOTH = 0.01  # sigma of the normals' smoothing, a share of the region's longer side


@dataclass(frozen=True, eq=False)
class LiftedRegion:
    """A thing in space, as far as it was seen. See `ops.space` for the axes."""

    row: int  # of the result
    name: str
    mesh: Mesh
    box: SolidBox
    errors: Array  # (3,) of the box's sides, in their unit
    distance: float  # of the middle point, from the camera's plane
    cut_off: bool  # it touches the picture's edge, so that its size is that of a part


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What the regions of one picture have in common."""

    pixels: Array  # (H, W, 3) uint8
    distances: Distances
    camera: Camera
    options: LiftOptions
    smoothing: float = 0.0  # see `Depth`


class Patch(NamedTuple):
    """The part of a picture in which a thing lies."""

    z: Array  # (h, w)
    colours: Array  # (h, w, 3) uint8
    mask: Array  # (h, w) bool: the points that count
    camera: Camera


def lift_region(around: Surroundings, mask: Array, row: int, name: str) -> LiftedRegion | str:
    """The region `mask` (H, W) in space, or why nothing could be made of it."""
    if not mask.any():
        return "its mask is empty"
    inner, lost = erode(mask, around.options.erode)
    patch = clean_patch(around, mask, inner)
    if np.count_nonzero(patch.mask) >= FEWEST:
        patch = regrow(patch, mask[window_of(mask)], lost + BEYOND)
    patch = thin_out(patch, around.options.max_points)
    count = int(np.count_nonzero(patch.mask))
    if count < FEWEST:
        return f"{count} points are left of it, at least {FEWEST} are needed"
    mesh = make_mesh(patch, around.options)
    box = box_around_points(mesh.points, mesh.normals)
    distance = float(np.median(patch.z[patch.mask]))
    relative = hypot(around.distances.error or 0.0, around.camera.focal_error)
    pixel = max(1, lost) * distance / around.camera.focal[0]
    errors = np.hypot(box.sides * relative, 2 * pixel)
    return LiftedRegion(row, name, mesh, box, errors, distance, touches_edge(mask))


def erode(mask: Array, pixels: int) -> tuple[Array, int]:
    """The mask without its edge, and how many pixels it lost there; a thin one loses fewer.

    The picture's own edge takes nothing off: the thing goes on beyond it.
    """
    whole = mask.astype(np.uint8)
    enough = max(LEAST_LEFT * np.count_nonzero(mask), 1)
    for lost in range(pixels, 0, -1):
        left = cv2.erode(whole, _disc(lost)).astype(bool)
        if np.count_nonzero(left) >= enough:
            return left, lost
    return mask, 0


def window_of(mask: Array) -> tuple[slice, slice]:
    """The rows and columns in which a mask lies."""
    x0, y0, x1, y1 = box_around(mask)
    return slice(y0, y1), slice(x0, x1)


def clean_patch(around: Surroundings, mask: Array, inner: Array) -> Patch:
    """The part around a mask: of `inner` without jumps of depth, what is far off, and crumbs."""
    window = window_of(mask)
    options = around.options
    camera = around.camera.crop(window[1].start, window[0].start)
    z = around.distances.z[window]
    kept = inner[window] & ~space.depth_edges(z, camera, options.edge_deg)
    kept = space.within_deviations(z, kept, options.deviations)
    kept = drop_specks(kept, min_area=max(4, round(SPECK * np.count_nonzero(kept))))
    sigma = around.smoothing * sqrt(np.count_nonzero(kept))
    if sigma > LEAST_SIGMA:
        z = space.smooth_inside(z, kept, sigma).astype(np.float32)
    return Patch(z, around.pixels[window], kept, camera)


def regrow(patch: Patch, mask: Array, reach: int) -> Patch:
    """The surface goes on, as it runs inside, over up to `reach` pixels of the mask beyond it.

    There the network has blended its depth with that of other things.
    """
    deep = cv2.erode(patch.mask.astype(np.uint8), _disc(2)).astype(bool)
    deep = deep if deep.any() else patch.mask
    smooth = np.where(patch.mask, space.smooth_inside(patch.z, patch.mask, 1.0), 1)
    points = space.unproject(np.where(patch.mask, patch.z, 1), patch.camera)
    normals = space.grid_normals(space.unproject(smooth, patch.camera), patch.mask)
    near = cv2.dilate(patch.mask.astype(np.uint8), _disc(reach)).astype(bool)
    added = near & mask & ~patch.mask
    extended = space.extend_surface(points, normals, deep, added)
    return patch._replace(z=np.where(added, extended, patch.z), mask=patch.mask | added)


def thin_out(patch: Patch, most: int) -> Patch:
    """Every n-th pixel of every n-th row, n odd, so that about `most` points are left."""
    step = ceil(sqrt(np.count_nonzero(patch.mask) / most)) | 1
    places = (slice(step // 2, None, step),) * 2
    camera = patch.camera.resize((step, step), (1, 1))
    return Patch(patch.z[places], patch.colours[places], patch.mask[places], camera)


def make_mesh(patch: Patch, options: LiftOptions) -> Mesh:
    """Points with colours and normals, and triangles where the surface goes on."""
    mask = patch.mask
    points = space.unproject(np.where(mask, patch.z, 1), patch.camera)
    smooth = space.smooth_inside(patch.z, mask, _smoothing(mask))
    normals = space.grid_normals(space.unproject(np.where(mask, smooth, 1), patch.camera), mask)
    faces = None
    if options.surface:
        # Where pixels are left out between two points, the depth may have jumped there.
        jumps = space.depth_edges(np.where(mask, patch.z, np.nan), patch.camera, options.edge_deg)
        faces = space.grid_faces(mask, ~jumps)
    return Mesh(points[mask], normals[mask], patch.colours[mask], faces)


def _smoothing(mask: Array) -> float:
    return max(1.0, SMOOTH * float(max(mask.shape)))


def _disc(radius: int) -> Array:
    return np.asarray(
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    )
