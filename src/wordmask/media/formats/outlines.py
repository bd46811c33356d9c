"""Masks as polygons and back, along the edges of pixels, so that nothing is lost.

The convention: a pixel (x, y) is the square from (x, y) to (x + 1, y + 1), and a polygon holds the
pixels whose centres it encloses, by the even-odd rule. The polygon of one pixel has four corners
and an area of 1.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import cv2
import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.errors import FormatError
from wordmask.ops.tracing import corners_of, rings_of

# Rows that a polygon's edges cross; beyond that it is noise or an attack
MAX_CROSSINGS = 200_000_000
BATCH = 4_000_000  # crossings worked on at once

Ring = Array  # (n, 2) float64, x y, not closed
Piece = list[Ring]  # the outline, then its holes


def pieces(masks: Masks, index: int, *, tolerance: float = 0.0) -> list[Piece]:
    """The 4-connected pieces of one mask: an outline, clockwise, then its holes, the other way.

    >>> pieces(Masks.from_dense(np.ones((1, 2), bool)), 0)[0][0].tolist()
    [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]]
    """
    crop = masks.crops[index]
    if not crop.size:
        return []
    _, parts = cv2.connectedComponents(crop.astype(np.uint8), connectivity=4)
    found: dict[int, Piece] = {}
    for ring, is_outline in rings_of(corners_of(crop)):
        x, y = ring[0]
        if is_outline:
            found.setdefault(int(parts[y, x]), []).insert(0, ring)
        else:
            found.setdefault(int(parts[y - 1, x]), []).append(ring[::-1])
    corner = masks.corners[index]
    return [[simplify(ring + corner, tolerance) for ring in found[part]] for part in sorted(found)]


def one_ring(rings: Sequence[Ring]) -> Ring:
    """All rings as one: each is joined to an earlier one by a slit of no width.

    The slit is walked in and out again, so under the even-odd rule it changes nothing: holes stay
    holes, pieces stay apart.
    """
    ordered = [rings[0], *sorted(rings[1:], key=lambda ring: float(ring[:, 0].min()))]
    starts = np.cumsum([0, *(len(ring) for ring in ordered)])
    points = np.concatenate(ordered)
    # For each vertex the rings that are entered from it, and the vertex at which each is entered.
    slits: dict[int, list[tuple[int, int]]] = {}
    for number, ring in enumerate(ordered[1:], 1):
        entry = int(np.lexsort((ring[:, 1], ring[:, 0]))[0])
        gaps = ((points[: starts[number]] - ring[entry]) ** 2).sum(1)
        slits.setdefault(int(gaps.argmin()), []).append((number, entry))
    return points[list(_walk(ordered, starts, slits))]


def fill(rings: Sequence[Ring], size: Size) -> Masks:
    """One mask: the pixels of the picture whose centres the rings enclose, by the even-odd rule."""
    points = np.concatenate([np.zeros((0, 2)), *rings])
    if not np.isfinite(points).all():
        raise FormatError("a polygon's corners must be finite numbers")
    if len(points) == 0:
        return Masks.from_crops(size, [(0, 0)], [np.zeros((0, 0), bool)])
    sides = np.array(size[::-1])
    # Beyond the picture it does not matter how far: clipping keeps numbers from overflowing below.
    rings = [np.clip(ring, -1e6, 1e6) for ring in rings]
    x0, y0 = np.clip(np.floor(points.min(0)), 0, sides).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(points.max(0)), 0, sides).astype(int).tolist()
    switches = np.zeros((y1 - y0, x1 - x0 + 1), np.uint8)
    for rows, columns in _crossings(rings, (x0, y0, x1, y1)):
        np.add.at(switches, (rows - y0, columns - x0), 1)  # may wrap at 256, which is even
    inside = np.bitwise_xor.accumulate(switches & 1, axis=1)[:, :-1].astype(bool)
    return Masks.from_crops(size, [(x0, y0)], [inside])


def ring_of(flat: Array, where: str) -> Ring:
    """A ring from x, y, x, y ...; at least three corners."""
    if len(flat) < 6 or len(flat) % 2:
        raise FormatError(
            f"{where}: a polygon has at least 3 pairs of x and y, got {len(flat)} numbers"
        )
    return flat.reshape(-1, 2)


def _walk(
    rings: list[Ring], starts: Array, slits: dict[int, list[tuple[int, int]]]
) -> Iterator[int]:
    """Indices of vertices along all rings, from the first ring's first vertex."""
    stack = [_around(0, 0, len(rings[0]), closed=False)]
    while stack:
        vertex = next(stack[-1], None)
        if vertex is None:
            stack.pop()
            continue
        yield vertex
        for number, entry in slits.pop(vertex, ()):
            # Pushed backwards: walk round the ring, then stand on this vertex again.
            stack.append(iter([vertex]))
            stack.append(_around(int(starts[number]), entry, len(rings[number]), closed=True))


def _around(start: int, entry: int, count: int, *, closed: bool) -> Iterator[int]:
    """Once around a ring of `count` vertices from `entry` on; closed: back to it."""
    return (start + (entry + step) % count for step in range(count + closed))


def simplify(ring: Array, tolerance: float) -> Ring:
    """With fewer corners; the outline moves by at most `tolerance` pixels."""
    if tolerance > 0:
        fewer = cv2.approxPolyDP(ring.astype(np.float32)[:, None], tolerance, True)[:, 0]
        if len(fewer) >= 3:
            ring = fewer
    corners: Ring = ring.astype(np.float64)
    return corners


def _crossings(
    rings: Sequence[Ring], box: tuple[int, int, int, int]
) -> Iterator[tuple[Array, Array]]:
    """Where edges cross the middles of rows: each row, and the first column centred right of it."""
    x0, y0, x1, y1 = box
    edges = np.concatenate([np.stack([ring, np.roll(ring, -1, 0)], 1) for ring in rings])
    # Edges all point the same way: an edge and its way back then cross at exactly the same places
    # and cancel.
    flip = edges[:, 0, 1] > edges[:, 1, 1]
    edges[flip] = edges[flip][:, ::-1]
    low = np.clip(np.ceil(edges[:, 0, 1] - 0.5), y0, y1).astype(np.int64)
    counts = np.clip(np.ceil(edges[:, 1, 1] - 0.5), y0, y1).astype(np.int64) - low
    if counts.sum() > MAX_CROSSINGS:
        raise FormatError(
            f"the polygon crosses {counts.sum():,} rows with its {len(edges):,} edges; "
            "that is no outline"
        )
    ends = np.cumsum(counts)
    batches = np.searchsorted(ends, np.arange(0, ends[-1], BATCH), side="right")
    for first, last in pairwise([*batches, len(edges)]):
        many = counts[first:last]
        edge = np.repeat(np.arange(first, last), many)
        rows = low[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(many) - many, many)
        (xa, ya), (xb, yb) = edges[edge, 0].T, edges[edge, 1].T
        across = xa + (rows + 0.5 - ya) * (xb - xa) / (yb - ya)
        yield rows, np.clip(np.ceil(across - 0.5), x0, x1).astype(np.int64)
