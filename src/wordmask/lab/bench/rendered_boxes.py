"""Boxes of known size in an empty room, rendered exactly: what a lift is measured against."""

from dataclasses import dataclass

import numpy as np

from wordmask.core.depth import Camera
from wordmask.core.image import Array, Size

FLOOR, WALL = -1.4, -9.0  # y of the floor, z of the wall behind, in metres


@dataclass(frozen=True, eq=False)
class RenderedBox:
    """A box that stands somewhere: y up, z towards the viewer, who is at the origin."""

    sides: tuple[float, float, float]  # metres along its own axes
    centre: tuple[float, float, float]
    turn_deg: float = 0.0  # around its upright axis
    tilt_deg: float = 0.0  # then towards the viewer

    @property
    def axes(self) -> Array:
        """(3, 3) unit rows."""
        a, b = np.radians(self.turn_deg), np.radians(self.tilt_deg)
        turn = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
        tilt = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
        rows: Array = turn @ tilt
        return rows


@dataclass(frozen=True, eq=False)
class RenderedScene:
    """What the camera sees."""

    pixels: Array  # (H, W, 3) uint8
    z: Array  # (H, W) float32 metres
    masks: Array  # (N, H, W) bool, one for each box, where it is seen


SCENE = (
    RenderedBox((0.9, 0.8, 0.7), (-1.15, -1.0, -4.0), 35),
    RenderedBox((1.3, 0.4, 0.6), (0.55, -1.2, -3.9), -35),
    RenderedBox((0.5, 1.7, 0.5), (1.9, -0.45, -4.6), 40),
    RenderedBox((0.6, 0.4, 0.3), (-0.1, 0.5, -2.6), 30, 30),
)


def render_boxes(boxes: tuple[RenderedBox, ...], camera: Camera, size: Size) -> RenderedScene:
    """Each pixel's nearest surface along the line of sight through its centre."""
    height, width = size
    x = (np.arange(width) + 0.5 - camera.centre[0]) / camera.focal[0]
    y = -(np.arange(height) + 0.5 - camera.centre[1]) / camera.focal[1]
    rays = np.stack([*np.broadcast_arrays(x[None], y[:, None]), -np.ones(size)], 2)
    with np.errstate(divide="ignore"):
        floor = np.where(rays[..., 1] < 0, FLOOR / rays[..., 1], np.inf)
    nearest = np.minimum(floor, -WALL)
    owner = np.full(size, -1)
    shade = np.where(floor < -WALL, 150, 190)
    for number, box in enumerate(boxes):
        z, face = _hit(box, rays)
        seen = z < nearest
        nearest = np.where(seen, z, nearest)
        owner = np.where(seen, number, owner)
        shade = np.where(seen, 60 + 50 * face + 12 * number, shade)
    masks = np.stack([owner == number for number in range(len(boxes))])
    pixels = np.repeat(shade[..., None], 3, 2).clip(0, 255).astype(np.uint8)
    return RenderedScene(pixels, nearest.astype(np.float32), masks)


def _hit(box: RenderedBox, rays: Array) -> tuple[Array, Array]:
    """(H, W) Z where each ray enters the box, infinite where it passes, and by which axis' face."""
    axes, half = box.axes, np.array(box.sides) / 2
    origin, slopes = -axes @ np.array(box.centre), rays @ axes.T
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (-half - origin) / slopes, (half - origin) / slopes
    enter, leave = np.minimum(first, second), np.maximum(first, second)
    face, z = enter.argmax(2), enter.max(2)
    passes = (z > leave.min(2)) | (z <= 0)
    return np.where(passes, np.inf, z), face
