"""Things in space drawn from several sides, without a graphics card.

Space has y up and z towards the viewer. Meshes are drawn as points, each as large as the gap to
its neighbours, the near ones over the far ones.
"""

from collections.abc import Sequence
from io import BytesIO
from math import cos, radians, sin
from textwrap import wrap

import cv2
import numpy as np
from PIL import Image as Pil

from wordmask.core.image import Array
from wordmask.core.mesh import Mesh
from wordmask.media.drawing import lettering, palette

ANGLES = (-70.0, -35.0, 0.0, 35.0, 70.0)  # degrees around the upright axis; 0 is the camera's side
PITCH = 12.0  # degrees from above, so that a seat or a table top shows
SIDE = 300  # pixels of one view
LETTER = 15  # height of the text
FINER = 2  # drawn so many times larger, then shrunk
DISTANCE = 3.2  # of the eye from the middle, in radii of what is drawn
FILL = 0.92  # share of the view that is filled
PAPER, RED = (247, 247, 245), (210, 60, 40)
EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if (a ^ b).bit_count() == 1]
LIGHT = np.array([0.35, 0.55, 0.76])  # where it comes from: above, right, behind the viewer
MOST_REACH = 9  # pixels around a point that it may cover
WIDEST_GAP = 0.04  # radii that a point may cover; wider ones are filled from their triangles
MOST_PARTS = 8  # into which an edge of a triangle is divided
GIF_FRAMES, GIF_SECONDS = 24, 3.0


def draw_strip(
    meshes: Sequence[Mesh], boxes: Sequence[Array] = (), lines: Sequence[str] = ()
) -> Pil.Image:
    """The views from `ANGLES` in a row, with the boxes (8, 3) around them, and lines of text below.

    A box is drawn where it stands; its corners are numbered as in `SolidBox.corners`.
    """
    orbit = _Orbit(meshes, boxes)
    views = [orbit.view(angle, PITCH) for angle in ANGLES]
    strip = Pil.new("RGB", (SIDE * len(views), SIDE), PAPER)
    for k, view in enumerate(views):
        strip.paste(Pil.fromarray(view), (k * SIDE, 0))
    return _with_lines(strip, lines)


def draw_turning(meshes: Sequence[Mesh], boxes: Sequence[Array] = (), line: str = "") -> bytes:
    """A GIF in which the eye swings from one side to the other and back, with a line below."""
    orbit = _Orbit(meshes, boxes)
    swing = [60 * sin(2 * np.pi * k / GIF_FRAMES) for k in range(GIF_FRAMES)]
    frames = [_with_lines(Pil.fromarray(orbit.view(angle, PITCH)), [line]) for angle in swing]
    shared = frames[0].quantize(255)
    small = [frame.quantize(255, palette=shared, dither=Pil.Dither.NONE) for frame in frames]
    out = BytesIO()
    pause = round(1000 * GIF_SECONDS / GIF_FRAMES)
    small[0].save(out, "GIF", save_all=True, append_images=small[1:], duration=pause, loop=0)
    return out.getvalue()


def _with_lines(picture: Pil.Image, lines: Sequence[str]) -> Pil.Image:
    """The picture with lines of text below, wrapped where it is narrow."""
    longest = max(20, round(picture.width / LETTER * 1.75))
    rows = [(part, k == 0) for k, line in enumerate(lines) for part in wrap(line, longest)]
    if not rows:
        return picture
    step = round(1.5 * LETTER)
    whole = Pil.new("RGB", (picture.width, picture.height + step * len(rows) + LETTER), PAPER)
    whole.paste(picture, (0, 0))
    for k, (text, is_first) in enumerate(rows):
        place = (LETTER, picture.height + LETTER / 2 + step * (k + 0.5))
        ink = palette.BLACK if is_first else palette.GREY
        lettering.write(whole, place, lettering.tidy(text, longest), LETTER, ink)
    return whole


class _Orbit:
    """All points, moved so that the middle of what is drawn is the origin and its radius 1."""

    def __init__(self, meshes: Sequence[Mesh], boxes: Sequence[Array]) -> None:
        points = np.concatenate([np.zeros((0, 3)), *(mesh.points for mesh in meshes)])
        points = points if len(points) else np.zeros((1, 3))
        low, high = np.quantile(points, (0.01, 0.99), axis=0)
        for box in boxes:
            low, high = np.minimum(low, box.min(0)), np.maximum(high, box.max(0))
        middle = (low + high) / 2
        radius = max(float(np.linalg.norm(high - low)) / 2, 1e-9)
        self._boxes = [(box - middle) / radius for box in boxes]
        self._gap = min(_gap((points - middle) / radius), WIDEST_GAP)
        filled = [_fill_faces(mesh, self._gap * radius) for mesh in meshes]
        self._points = np.concatenate([np.zeros((0, 3)), *(rows for rows, _ in filled)])
        self._points = (self._points - middle) / radius
        self._colours = np.concatenate([np.zeros((0, 3), np.uint8), *(rows for _, rows in filled)])
        self._zoom = self._fit()

    def _fit(self) -> float:
        """By how much things are enlarged so that they fill the view from every angle."""
        step = max(1, len(self._points) // 2000)
        some = [np.zeros((1, 3)), self._points[::step], *self._boxes]
        widest = 0.1
        for angle in ANGLES:
            xy, _ = _project(np.concatenate(some) @ _turn(angle, PITCH).T, 2, 1.0)
            reach = np.abs(xy - 1).max(1)
            widest = max(
                widest, float(np.quantile(reach, 0.99)) if not self._boxes else reach.max()
            )
        return FILL / widest

    def view(self, yaw: float, pitch: float) -> Array:
        """(SIDE, SIDE, 3) uint8 from an angle around the upright axis, and from above."""
        side = SIDE * FINER
        canvas = np.full((side, side, 3), PAPER, np.uint8)
        turn = _turn(yaw, pitch)
        xy, far = _project(self._points @ turn.T, side, self._zoom)
        self._paint(canvas, xy, far)
        for box in self._boxes:
            corners, _ = _project(box @ turn.T, side, self._zoom)
            for a, b in EDGES:
                start, end = (tuple(map(round, corners[k].tolist())) for k in (a, b))
                cv2.line(canvas, start, end, RED, FINER, cv2.LINE_AA)
        return np.asarray(cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA))

    def _paint(self, canvas: Array, xy: Array, far: Array) -> None:
        """Points as squares, the far ones first, so that near ones cover them."""
        side = len(canvas)
        reach = int(np.clip(round(self._gap * self._zoom * side / 4 + 0.5), 1, MOST_REACH))
        offsets = np.arange(-reach, reach + 1)
        order = np.argsort(-far)
        x, y = np.rint(xy[order]).astype(np.intp).T
        columns = np.clip(x[:, None, None] + offsets[None, None], 0, side - 1)
        rows = np.clip(y[:, None, None] + offsets[None, :, None], 0, side - 1)
        places = (rows * side + columns).reshape(len(order), offsets.size**2)
        colours = np.repeat(self._colours[order], places.shape[1], axis=0)
        canvas.reshape(-1, 3)[places.reshape(-1)] = colours  # where two meet, the later one stays


def _turn(yaw: float, pitch: float) -> Array:
    """(3, 3) that turns space so that the eye at this angle looks along -z."""
    a, b = radians(yaw), radians(pitch)
    around = np.array([[cos(a), 0, -sin(a)], [0, 1, 0], [sin(a), 0, cos(a)]])
    over = np.array([[1, 0, 0], [0, cos(b), -sin(b)], [0, sin(b), cos(b)]])
    turned: Array = over @ around
    return turned


def _project(points: Array, side: int, zoom: float) -> tuple[Array, Array]:
    """(N, 2) x, y in a square view, and (N,) the distance from the eye."""
    far = DISTANCE - points[:, 2]
    scale = side / 2 * zoom * DISTANCE / np.maximum(far, 0.1)
    xy = np.stack([side / 2 + points[:, 0] * scale, side / 2 - points[:, 1] * scale], 1)
    return xy, far


def _gap(points: Array) -> float:
    """How far neighbours are from each other, where points follow each other line by line."""
    if len(points) < 2:
        return 0.02
    return float(np.median(np.linalg.norm(np.diff(points, axis=0), axis=1))) * 1.3


def _fill_faces(mesh: Mesh, gap: float) -> tuple[Array, Array]:
    """Points and lit colours, with further ones in triangles that are wider than the gap."""
    colours = _lit_colours(mesh)
    points, tints = [mesh.points], [colours]
    faces = mesh.faces if mesh.faces is not None else np.zeros((0, 3), np.int32)
    corners = mesh.points[faces]
    widest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(1)
    parts = np.clip(np.ceil(widest / max(gap, 1e-9)), 1, MOST_PARTS).astype(int)
    for count in range(2, MOST_PARTS + 1):
        chosen = parts == count
        for shares in _inner_places(count):
            points.append(np.einsum("k,nkd->nd", shares, corners[chosen]))
            tints.append(colours[faces[chosen, int(shares.argmax())]])
    return np.concatenate(points), np.concatenate(tints)


def _inner_places(parts: int) -> list[Array]:
    """Shares of the three corners at evenly spread places of a triangle, its corners left out."""
    grid = [(a, b, parts - a - b) for a in range(parts + 1) for b in range(parts + 1 - a)]
    return [np.array(place) / parts for place in grid if max(place) < parts]


def _lit_colours(mesh: Mesh) -> Array:
    """(N, 3) uint8: the mesh's colours, a little darker where the light does not fall."""
    colours = mesh.colours if mesh.colours is not None else np.full((len(mesh), 3), 170, np.uint8)
    if mesh.normals is None:
        return colours
    light = np.clip(mesh.normals @ LIGHT, 0, 1)[:, None]
    lit: Array = np.clip(colours * (0.62 + 0.45 * light), 0, 255).astype(np.uint8)
    return lit
