"""A large picture in overlapping tiles, and what was found in them as regions without seams.

Two regions of two tiles are one thing where they share most of what both tiles see. A region is the
union of its members. Nobody ever holds a whole mask: `mosaic` gives each tile's share of every
region, tile by tile, and the shares of a region have no pixel in common.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.errors import Mend, OptionError
from wordmask.ops.regions import Box, pieces_as_masks

SAME = 0.5  # of what two tiles see of a region, the share from which it is one thing
MARGIN = 8  # this part of the overlap, at a tile's edge, is not trusted: there is no context


@dataclass(frozen=True)
class Tile:
    """One tile of a picture, as boxes x0 y0 x1 y1."""

    index: int
    box: Box  # what is looked at
    trusted: Box  # without a margin at the sides that are not the picture's
    core: Box  # every pixel of the picture is in one core


@dataclass(frozen=True, eq=False)
class TileRegions:
    """What was found in a tile, without the masks."""

    boxes: Array  # (n, 4) int32 in the picture, tight
    label_ids: Array  # (n,) int32
    scores: Array  # (n,) float32
    areas: Array  # (n,) int64


_Span = tuple[tuple[int, int], ...]  # along one side: what is looked at, trusted, its own
Crops = Callable[[int, Sequence[int]], list[Array]]  # tile, rows -> the masks in their boxes


class Share(NamedTuple):
    """What one tile's core has of a region."""

    region: int
    corner: tuple[int, int]  # x0 y0 in the picture
    crop: Array  # (h, w) bool, tight
    is_last: bool  # no later core has any of the region


@dataclass(frozen=True, eq=False)
class WholeRegions:
    """The regions of the whole picture, without their masks."""

    members: tuple[Array, ...]  # for each tile: (n,) the region of each row
    label_ids: Array
    scores: Array  # means of the members', weighed by area

    def __len__(self) -> int:
        return len(self.scores)


def lay_tiles(size: Size, side: int, overlap: int) -> tuple[Tile, ...]:
    """Tiles that cover a picture, row by row; neighbours share at least `overlap` pixels.

    The last of a row or column is pushed back inside the picture and shares more.

    >>> [tile.box for tile in lay_tiles((5, 10), 6, 2)], lay_tiles((5, 10), 6, 2)[0].core
    ([(0, 0, 6, 5), (4, 0, 10, 5)], (0, 0, 5, 5))
    """
    if not 0 <= 2 * overlap <= side:
        raise OptionError(
            f"overlap must be at most half of the tile's side; got {overlap} of {side}",
            mend=Mend("overlap", str(side // 8)),
        )
    margin = overlap // MARGIN
    rows, columns = (_spans(length, side, overlap, margin) for length in size)
    return tuple(
        Tile(index, *(_box(row[k], column[k]) for k in range(3)))
        for index, (row, column) in enumerate((row, column) for row in rows for column in columns)
    )


def group(
    tiles: Sequence[Tile], found: Sequence[TileRegions], crops: Crops, *, nested: bool
) -> WholeRegions:
    """Which regions of the tiles are one thing.

    Compared are the pieces of either region in what both tiles see, so that a U whose arms are two
    things in one tile is one. `nested`: regions of one name may lie in each other, so that only an
    equal one (IoU) is the same, and not one that holds it.
    """
    starts = np.cumsum([0, *(len(one.scores) for one in found)])
    parent = np.arange(starts[-1])
    for one, two in _neighbours(tiles):
        shared = _overlap(one.trusted, two.trusted)
        if shared is not None:
            sides = [_pieces(found[tile.index], tile.index, shared, crops) for tile in (one, two)]
            for i, j in _links(*sides, nested=nested):
                _join(parent, starts[one.index] + i, starts[two.index] + j)
    roots = np.array([_root(parent, row) for row in range(len(parent))], np.int64)
    _, ids = np.unique(roots, return_inverse=True)
    return _regions(found, starts, ids)


def mosaic(
    tiles: Sequence[Tile], found: Sequence[TileRegions], regions: WholeRegions, crops: Crops
) -> Iterator[tuple[Tile, list[Share]]]:
    """Every tile with what its core has of the regions, row by row."""
    near = _reaching(tiles, found)
    last = np.full(len(regions), -1)
    for tile in tiles:
        for other, rows in near[tile.index]:
            last[regions.members[other][rows]] = tile.index
    for tile in tiles:
        members: dict[int, list[tuple[int, int]]] = {}
        for other, rows in near[tile.index]:
            for row in rows:
                members.setdefault(int(regions.members[other][row]), []).append((other, row))
        shares = [
            Share(
                region,
                *_union(members[region], tile.core, found, crops),
                last[region] == tile.index,
            )
            for region in sorted(members)
        ]
        yield tile, shares


# ---- where tiles lie


def _spans(length: int, side: int, overlap: int, margin: int) -> list[_Span]:
    """Start and end of each tile along one side: of what is looked at, trusted, its own."""
    if length <= side:
        return [((0, length),) * 3]
    starts = [min(start, length - side) for start in range(0, length - overlap, side - overlap)]
    middles = [(start + before + side) // 2 for before, start in pairwise(starts)]
    cores = list(zip([0, *middles], [*middles, length], strict=True))
    spans: list[_Span] = []
    for start, core in zip(starts, cores, strict=True):
        end = start + side
        trusted = (start + margin * (start > 0), end - margin * (end < length))
        spans.append(((start, end), trusted, core))
    return spans


def _box(row: tuple[int, int], column: tuple[int, int]) -> Box:
    return column[0], row[0], column[1], row[1]


def _neighbours(tiles: Sequence[Tile]) -> Iterator[tuple[Tile, Tile]]:
    """Pairs of tiles that see common pixels."""
    boxes = np.array([tile.box for tile in tiles])
    for tile in tiles:
        x0, y0, x1, y1 = tile.box
        later = boxes[tile.index + 1 :]
        meets = (later[:, 0] < x1) & (later[:, 2] > x0) & (later[:, 1] < y1) & (later[:, 3] > y0)
        for other in np.flatnonzero(meets).tolist():
            yield tile, tiles[tile.index + 1 + other]


def _overlap(one: Sequence[int], two: Sequence[int]) -> Box | None:
    x0, y0 = max(one[0], two[0]), max(one[1], two[1])
    x1, y1 = min(one[2], two[2]), min(one[3], two[3])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _shape(box: Box) -> Size:
    return box[3] - box[1], box[2] - box[0]


# ---- what is one thing


class _Pieces(NamedTuple):
    """Connected pieces of a tile's regions in a box, and of what they are."""

    masks: Masks
    rows: Array
    label_ids: Array


def _pieces(found: TileRegions, tile: int, shared: Box, crops: Crops) -> _Pieces:
    rows = _meeting(found.boxes, shared)
    masks, owners = [Masks.empty(_shape(shared))], []
    for row, crop in zip(rows, crops(tile, rows), strict=True):
        part = np.zeros(_shape(shared), bool)
        _paint(part, shared, found.boxes[row].tolist(), crop)
        pieces = pieces_as_masks(part) if part.any() else masks[0]
        masks.append(pieces)
        owners += [row] * len(pieces)
    numbers = np.array(owners, np.int64)
    return _Pieces(Masks.concatenate(masks), numbers, found.label_ids[numbers])


def _links(one: _Pieces, two: _Pieces, *, nested: bool) -> Iterator[tuple[int, int]]:
    """Rows of two tiles that are one thing."""
    if not len(one.masks) or not len(two.masks):
        return
    alike = one.masks.iou(two.masks) if nested else one.masks.containment(two.masks)
    alike[one.label_ids[:, None] != two.label_ids[None]] = 0
    for i, j in zip(*np.nonzero(alike >= SAME), strict=True):
        yield int(one.rows[i]), int(two.rows[j])


def _root(parent: Array, row: int) -> int:
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = int(parent[row])
    return row


def _join(parent: Array, one: int, two: int) -> None:
    low, high = sorted((_root(parent, one), _root(parent, two)))
    parent[high] = low


def _regions(found: Sequence[TileRegions], starts: Array, ids: Array) -> WholeRegions:
    count = int(ids.max(initial=-1)) + 1
    label_ids = np.zeros(count, np.int32)
    label_ids[ids] = np.concatenate([np.zeros(0, np.int32), *(one.label_ids for one in found)])
    scores = np.concatenate([np.zeros(0), *(one.scores for one in found)])
    areas = np.concatenate([np.zeros(0), *(one.areas for one in found)])
    total = np.bincount(ids, areas, count)
    mean = np.bincount(ids, areas * scores, count) / np.maximum(total, 1)
    members = tuple(ids[start:stop] for start, stop in pairwise(starts))
    return WholeRegions(members, label_ids, mean.clip(0, 1).astype(np.float32))


# ---- put together


def _reaching(
    tiles: Sequence[Tile], found: Sequence[TileRegions]
) -> list[list[tuple[int, list[int]]]]:
    """For every tile: the tiles, itself among them, and their rows that reach into its core."""
    near: list[list[tuple[int, list[int]]]] = [[] for _ in tiles]
    for tile in tiles:
        near[tile.index].append((tile.index, _meeting(found[tile.index].boxes, tile.core)))
    for one, two in _neighbours(tiles):
        for tile, other in ((one, two), (two, one)):
            rows = _meeting(found[other.index].boxes, tile.core)
            if rows:
                near[tile.index].append((other.index, rows))
    return near


def _meeting(boxes: Array, box: Box) -> list[int]:
    x0, y0, x1, y1 = box
    meets = (boxes[:, 0] < x1) & (boxes[:, 2] > x0) & (boxes[:, 1] < y1) & (boxes[:, 3] > y0)
    rows: list[int] = np.flatnonzero(meets).tolist()
    return rows


def _paint(canvas: Array, box: Box, place: Sequence[int], crop: Array) -> None:
    """Add to the canvas, which is the part `box` of the picture, a mask that stands at `place`."""
    shared = _overlap(box, place)
    if shared is None:
        return
    x0, y0, x1, y1 = shared
    part = crop[y0 - place[1] : y1 - place[1], x0 - place[0] : x1 - place[0]]
    canvas[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]] |= part


def _union(
    members: list[tuple[int, int]], core: Box, found: Sequence[TileRegions], crops: Crops
) -> tuple[tuple[int, int], Array]:
    """Corner in the picture and tight crop of what members (tile, row) have in the core."""
    boxes = np.array([found[tile].boxes[row] for tile, row in members])
    (x0, y0), (x1, y1) = boxes[:, :2].min(0).tolist(), boxes[:, 2:].max(0).tolist()
    box = _overlap((x0, y0, x1, y1), core) or core
    part = np.zeros(_shape(box), bool)
    for place, (tile, row) in zip(boxes.tolist(), members, strict=True):
        _paint(part, box, place, crops(tile, [row])[0])
    masks = Masks.from_dense(part)
    x, y = masks.corners[0].tolist()
    return (x + box[0], y + box[1]), masks.crops[0]
