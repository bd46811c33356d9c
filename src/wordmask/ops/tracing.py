"""The outlines of a mask that comes in parts: its corners, their rings, outlines and holes.

Where four pixels meet, a code says which of them are in the mask. Codes of parts that share no
pixel add up, so the outline of a mask of any size needs no more memory than it has corners.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array

NW, NE, SW, SE = 8, 4, 2, 1  # bits of a code: the pixel north-west of the corner ...
# One pixel or three: the outline turns. Two that touch by the corner only: two turns in one place.
_TURNS = np.zeros(16, bool)
_TURNS[[1, 2, 4, 6, 7, 8, 9, 11, 13, 14]] = True
_TOUCHING = (NE | SW, NW | SE)

Ring = Array  # (n, 2) x y, not closed
Piece = list[Ring]  # the outline, then its holes


class Turns(NamedTuple):
    """Places where pixels meet, and which of the four are in the mask."""

    xs: Array  # (n,) int32
    ys: Array  # (n,) int32
    codes: Array  # (n,) uint8

    @property
    def nbytes(self) -> int:
        return int(self.xs.nbytes + self.ys.nbytes + self.codes.nbytes)


def corners_of(crop: Array) -> Turns:
    """Where the outline of a mask (h, w) turns, row by row."""
    codes = _codes(crop)
    ys, xs = np.nonzero(_TURNS[codes])
    return Turns(xs.astype(np.int32), ys.astype(np.int32), codes[ys, xs])


def corners_of_part(crop: Array, corner: tuple[int, int], core: tuple[int, ...]) -> Turns:
    """The same for a part of a mask, which stands at `corner` in the box `core`.

    On the box's border every place is kept, as the parts beyond it may add to its code.
    """
    codes = _codes(crop)
    rows, columns = np.arange(codes.shape[0]) + corner[1], np.arange(codes.shape[1]) + corner[0]
    border = np.isin(rows, core[1::2])[:, None] | np.isin(columns, core[0::2])[None]
    ys, xs = np.nonzero(_TURNS[codes] | (border & (codes > 0)))
    found = codes[ys, xs]
    return Turns((xs + corner[0]).astype(np.int32), (ys + corner[1]).astype(np.int32), found)


def join_corners(parts: list[Turns]) -> Turns:
    """Of parts that share no pixel: where the outline of the whole turns, row by row."""
    xs, ys, codes = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((xs, ys))
    xs, ys, codes = xs[order], ys[order], codes[order]
    is_first = np.ones(len(xs), bool)
    is_first[1:] = (np.diff(xs) != 0) | (np.diff(ys) != 0)
    firsts = np.flatnonzero(is_first)
    if not len(firsts):
        return Turns(xs, ys, codes)
    joined = np.bitwise_or.reduceat(codes, firsts)
    kept = _TURNS[joined]
    return Turns(xs[firsts][kept], ys[firsts][kept], joined[kept])


def rings_of(corners: Turns) -> Iterator[tuple[Ring, bool]]:
    """Every closed border as (n, 2) int corners x y, and whether it is an outline (else a hole).

    Each begins at its topmost corner, the leftmost of those, and goes clockwise. At a corner of the
    outline a horizontal and a vertical edge meet. In a row of corners, edges join the first and
    second, the third and fourth ...; in a column likewise. So neighbours follow from sorting.
    """
    twice = np.isin(corners.codes, _TOUCHING)
    first = np.repeat(np.arange(len(twice)), 1 + twice)
    xs, ys, codes = corners.xs[first], corners.ys[first], corners.codes[first]
    copy = np.r_[0, (np.diff(first) == 0).astype(int)] if len(first) else first
    # Pixels that touch by a corner stay apart. Where they lie north-east and south-west, the edge
    # that comes from the left goes on down, so the two copies of the corner swap places in their
    # column.
    swapped = codes == (NE | SW)
    down = np.lexsort((copy ^ swapped, ys, xs))
    beside = np.empty(len(down), np.int64)
    beside[down[0::2]], beside[down[1::2]] = down[1::2], down[0::2]
    places = np.stack([xs, ys], 1)
    for path in _follow(beside.tolist()):
        # The left end of a top edge: below it lies the mask at an outline, the hole at a hole.
        yield places[path], bool(codes[path[0]] & SE)


def pieces_of(corners: Turns) -> list[Piece]:
    """The 4-connected pieces of a mask: an outline, clockwise, then its holes, the other way.

    No ring goes through a place twice, as OGC wants it; rings may touch in a place.
    """
    loops: list[Ring] = []
    for ring, is_outline in rings_of(corners):
        loops += split_loops(ring if is_outline else ring[::-1])
    outlines = [_twice_area(loop) > 0 for loop in loops]
    pieces = {number: [loop] for number, loop in enumerate(loops) if outlines[number]}
    if len(pieces) == len(loops):
        return list(pieces.values())
    for number, parent in _parents(loops, outlines).items():
        pieces[parent].append(loops[number])
    return list(pieces.values())


def split_loops(ring: Ring) -> list[Ring]:
    """A ring that touches itself, as loops that do not.

    >>> ring = np.array([[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [2, 2], [2, 1], [3, 1], [3, 3]])
    >>> [loop.tolist() for loop in split_loops(ring)][0]
    [[2, 1], [1, 1], [1, 2], [2, 2]]
    """
    keys = ring[:, 1].astype(np.int64) << 32 | ring[:, 0].astype(np.int64)
    if len(np.unique(keys)) == len(keys):
        return [ring]
    loops = []
    way: list[int] = []
    at: dict[int, int] = {}  # key -> its place on the way
    for index, key in enumerate(keys.tolist()):
        if key in at:
            start = at[key]
            loops.append(ring[way[start:]])
            for old in way[start:]:
                del at[int(keys[old])]
            del way[start:]
        at[key] = len(way)
        way.append(index)
    return [*loops, ring[way]]


def _codes(crop: Array) -> Array:
    """(h + 1, w + 1) uint8: the code of every place where pixels meet."""
    grid = np.pad(crop, 1).view(np.uint8)
    codes: Array = grid[:-1, :-1] << 3 | grid[:-1, 1:] << 2 | grid[1:, :-1] << 1 | grid[1:, 1:]
    return codes


def _follow(beside: list[int]) -> Iterator[list[int]]:
    """Closed paths: from a corner across to the other end of its edge, then on to its neighbour."""
    seen = bytearray(len(beside))
    for start in range(len(beside)):
        if seen[start]:
            continue
        path, at = [], start
        while not seen[at]:
            across = at ^ 1
            seen[at] = seen[across] = 1
            path += [at, across]
            at = beside[across]
        yield path


def _twice_area(loop: Ring) -> int:
    """Positive where the loop goes clockwise as one sees it, y running down."""
    x, y = loop.astype(np.int64).T
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def _parents(loops: list[Ring], outlines: list[bool]) -> dict[int, int]:
    """For every hole the outline of its piece.

    The pixel above a hole's top is of the piece. Straight up from it the first edge met is that of
    the piece's outline, or of another hole of it, which lies higher.
    """
    edges = [_flat_edges(loop, number) for number, loop in enumerate(loops)]
    table = np.concatenate(edges)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    left = int(table[:, 1].min())
    above = np.full(int(table[:, 2].max()) - left, -1, np.int64)  # by column: the last edge's loop
    parents: dict[int, int] = {}
    waiting: list[tuple[int, int, int]] = []
    row = int(table[0, 0])
    for y, x0, x1, number in table.tolist():
        if y > row:
            for start, stop, loop in waiting:
                above[start:stop] = loop
            row, waiting = y, []
        if not outlines[number] and number not in parents:
            met = int(above[x0 - left])
            parents[number] = met if outlines[met] else parents[met]
        waiting.append((x0 - left, x1 - left, number))
    return parents


def _flat_edges(loop: Ring, number: int) -> Array:
    """(n, 4) int64: y, x0, x1, number of the horizontal edges."""
    ends = np.roll(loop, -1, 0)
    flat = loop[:, 1] == ends[:, 1]
    xs = np.sort(np.stack([loop[flat, 0], ends[flat, 0]], 1), 1)
    rows = np.column_stack([loop[flat, 1], xs, np.full(len(xs), number)])
    return rows.astype(np.int64)
