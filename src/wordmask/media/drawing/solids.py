"""Solids for the eye: slices with outlines on one sheet, and surfaces with light and shade."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from PIL import Image as Pil

from wordmask.core.image import Array, Image
from wordmask.core.masks import Masks
from wordmask.core.mesh import Mesh
from wordmask.core.result import UNNAMED, Result
from wordmask.core.volume import PLANES, Plane, Volume
from wordmask.media.drawing import palette
from wordmask.media.drawing.overlay import RenderOptions, overlay
from wordmask.media.drawing.sheets import contact_sheet
from wordmask.ops.solids import block_of
from wordmask.ops.windows import ValueWindow, slice_image

CELL = 360  # pixels of a slice on the sheet
MARGIN = 0.06  # of a surface's picture, on each side
# Looking from the front, a little from the patient's left and from above: right, up, to the eye.
SIGHT = np.array([[-0.87, -0.5, 0.0], [0.13, -0.22, 0.97], [-0.48, 0.84, 0.26]])
LIGHT = np.array([-0.4, 0.5, 0.77])


def slices_sheet(
    volume: Volume, window: ValueWindow, labels: Array, names: Mapping[int, str]
) -> Pil.Image:
    """Three slices of each plane through what is labelled, with outlines and names.

    As radiologists see them: the patient's right on the left.
    """
    pictures, captions = [], []
    for plane in reversed(PLANES):
        for index in _slices_to_show(volume, labels, plane):
            pictures.append(draw_slice(volume, window, labels, names, (plane, index)))
            captions.append(f"{plane} {index}")
    return contact_sheet(pictures, captions, columns=3, cell=CELL)


def draw_slice(
    volume: Volume,
    window: ValueWindow,
    labels: Array,
    names: Mapping[int, str],
    where: tuple[Plane, int],
) -> Pil.Image:
    """One slice with the outlines of what is labelled in it."""
    plane, index = where
    slicing = volume.slicing(plane)
    height, width = slicing.picture_size(volume.shape)
    scale = max(1.0, CELL / max(height, width))
    size = (round(height * scale), round(width * scale))
    image = slice_image(volume, window, slicing.take(volume.stored, index), size)
    there = slicing.take(labels, index)
    ids = [id for id in np.unique(there).tolist() if id]
    masks = [_enlarge(there == id, size) for id in ids]
    shown = Masks.from_dense(np.array(masks)) if masks else Masks.empty(size)
    vocabulary = [names.get(id) or str(id) for id in ids]
    # An object without a name is shown by its number alone.
    label_ids = np.array([row if names.get(id) else UNNAMED for row, id in enumerate(ids)], int)
    result = Result.of(shown, vocabulary, label_ids=label_ids, track_ids=np.array(ids, np.int64))
    options = RenderOptions(opacity=0.18, scores=False, colour_by="track")
    return overlay(Image(image.pixels, f"{plane} {index}"), result, options)


def _enlarge(mask: Array, size: tuple[int, int]) -> Array:
    found = cv2.resize(
        np.ascontiguousarray(mask, np.float32), size[::-1], interpolation=cv2.INTER_LINEAR
    )
    return np.asarray(found > 0.5)


def _slices_to_show(volume: Volume, labels: Array, plane: Plane) -> list[int]:
    """A quarter, half and three quarters of the way through what is labelled."""
    axis = volume.slicing(plane).axis
    block = block_of(labels > 0)
    first, last = (0, volume.shape[axis] - 1) if block is None else (
        block[axis].start, block[axis].stop - 1,
    )  # fmt: skip
    shown = {round(first + share * (last - first)) for share in (0.25, 0.5, 0.75)}
    return sorted(shown)


# ---- surfaces


def draw_surfaces(
    meshes: Sequence[Mesh], colours: Sequence[Sequence[int]], *, side: int = 720
) -> Pil.Image:
    """Surfaces (mm, RAS) as they are seen from the front, each in its colour, far ones first."""
    canvas = np.full((side, side, 3), palette.WHITE, np.uint8)
    parts = [_project(mesh) for mesh in meshes]
    corners = np.concatenate([corners for corners, _ in parts]) if parts else np.zeros((0, 3, 3))
    if not len(corners):
        return Pil.fromarray(canvas)
    painted = [
        light[:, None] * np.array(colour, np.float64)
        for (_, light), colour in zip(parts, colours, strict=True)
    ]
    shades = np.concatenate(painted)
    low, high = corners[..., :2].min((0, 1)), corners[..., :2].max((0, 1))
    scale = side * (1 - 2 * MARGIN) / float((high - low).max())
    middle = (low + high) / 2
    flat = (corners[..., :2] - middle) * (scale, -scale) + side / 2
    order = np.argsort(corners[..., 2].mean(1), kind="stable")
    points = np.round(flat[order] * 16).astype(np.int32)  # in sixteenths of a pixel
    for triangle, shade in zip(points, shades[order].clip(0, 255), strict=True):
        cv2.fillConvexPoly(canvas, triangle, shade.tolist(), cv2.LINE_AA, 4)
    return Pil.fromarray(canvas)


def _project(mesh: Mesh) -> tuple[Array, Array]:
    """(F, 3, 3) corners as seen, those that face the eye, and how light each is."""
    faces = mesh.faces if mesh.faces is not None else np.zeros((0, 3), np.int32)
    axes, _ = np.linalg.qr(SIGHT.T)
    axes = axes.T * np.sign((axes.T * SIGHT).sum(1))[:, None]
    corners = (mesh.points.astype(np.float64) @ axes.T)[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    seen = normals[:, 2] > 0
    light = LIGHT / np.linalg.norm(LIGHT)
    shade = 0.35 + 0.65 * np.clip(normals @ light, 0, 1)
    return corners[seen], shade[seen]
