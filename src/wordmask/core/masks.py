"""N masks of one picture as tight crops: memory follows the objects' areas, not N x H x W."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from wordmask.core import rle
from wordmask.core.image import Array, Size, frozen
from wordmask.errors import MaskError

TILE = 96  # side of the squares in which overlaps of many large masks are counted
PAIRS_WORK = 1 << 27  # pixels up to which going pair by pair is quicker than going tile by tile
PAIR_COST = 1 << 14  # a pair costs as much as so many pixels, before its first (measured)


@dataclass(frozen=True, eq=False)
class Masks:
    """Masks of a picture of `size`: the crop of mask k stands at `corners[k]` = (x0, y0).

    Every border row and column of a crop holds a True; an empty mask is a (0, 0) crop at (0, 0).

    >>> masks = Masks.from_dense(np.array([[[0, 1, 1], [0, 1, 0]]], bool))
    >>> masks.boxes.tolist(), masks.areas.tolist()
    ([[1, 0, 3, 2]], [3])
    """

    size: Size
    corners: Array  # (N, 2) int32, x0 y0
    crops: tuple[Array, ...]  # bool

    def __post_init__(self) -> None:
        height, width = (int(side) for side in self.size)
        corners = np.asarray(self.corners, np.int32).reshape(-1, 2)
        if len(corners) != len(self.crops):
            raise MaskError(f"{len(self.crops)} crops but {len(corners)} corners")
        for (x0, y0), crop in zip(corners.tolist(), self.crops, strict=True):
            _check_crop(crop, x0, y0, (height, width))
        self._set((height, width), corners, self.crops)

    def _set(self, size: Size, corners: Array, crops: Iterable[Array]) -> None:
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "corners", frozen(corners))
        object.__setattr__(self, "crops", tuple(map(frozen, crops)))

    @classmethod
    def _of_tight(cls, size: Size, corners: Array, crops: Iterable[Array]) -> "Masks":
        """Of crops that are known to be tight: looking at every border is most of the work."""
        masks = cls.__new__(cls)
        masks._set((int(size[0]), int(size[1])), corners, crops)
        return masks

    # ---- made from other things

    @classmethod
    def empty(cls, size: Size) -> "Masks":
        return cls(size, np.zeros((0, 2), np.int32), ())

    @classmethod
    def from_crops(
        cls, size: Size, corners: Array | Sequence[Sequence[int]], crops: Iterable[Array]
    ) -> "Masks":
        """From crops that may have empty borders, reach over the picture's edge, or be empty."""
        pairs = [
            _trim(crop, int(x0), int(y0), size)
            for crop, (x0, y0) in zip(crops, corners, strict=True)
        ]
        return cls(
            size,
            np.array([corner for corner, _ in pairs], np.int32),
            tuple(crop for _, crop in pairs),
        )

    @classmethod
    def from_dense(cls, dense: Array) -> "Masks":
        """From (N, H, W) or one (H, W), bool or 0 / 1."""
        stack = dense[None] if dense.ndim == 2 else dense
        if stack.ndim != 3:
            raise MaskError(f"expected (N, H, W) or (H, W), got {dense.shape}")
        if stack.dtype != bool and not np.isin(np.unique(stack), (0, 1)).all():
            raise MaskError(
                f"masks hold 0 and 1 only, got values up to {stack.max()}; "
                "label maps: from_label_map"
            )
        size = (stack.shape[1], stack.shape[2])
        return cls.from_crops(
            size, [(0, 0)] * len(stack), (mask.astype(bool, copy=False) for mask in stack)
        )

    @classmethod
    def from_label_map(cls, labels: Array) -> tuple["Masks", Array]:
        """One mask for every value above or equal to 0 in (H, W), and those values, ascending."""
        if labels.ndim != 2 or labels.dtype.kind not in "iu":
            raise MaskError(f"a label map is (H, W) of integers, got {labels.shape} {labels.dtype}")
        flat = labels.ravel()
        order = np.argsort(flat, kind="stable")
        order = order[np.count_nonzero(flat < 0) :]
        values, firsts = np.unique(flat[order], return_index=True)
        corners, crops = _scatter(order, firsts, labels.shape[1])
        size = (labels.shape[0], labels.shape[1])
        return cls._of_tight(size, corners, crops), values

    @classmethod
    def from_rle(cls, codes: Sequence[Any], size: Size | None = None) -> "Masks":
        """From COCO run-length codes, plain or compressed; without any code `size` is needed."""
        parsed = [rle.counts_of(code) for code in codes]
        sizes = {got for got, _ in parsed} | ({size} if size else set())
        if len(sizes) != 1:
            raise MaskError(
                f"the codes and the picture must share one size, got {sorted(sizes) or 'none'}"
            )
        (size,) = sizes
        pairs = [rle.crop_of_runs(size, counts) for _, counts in parsed]
        return cls.from_crops(size, [corner for corner, _ in pairs], [crop for _, crop in pairs])

    @classmethod
    def concatenate(cls, parts: Sequence["Masks"]) -> "Masks":
        """All masks of several sets over one picture, in order."""
        if len({part.size for part in parts}) != 1:
            raise MaskError(
                "only masks of one picture can be joined, "
                f"got sizes {[part.size for part in parts]}"
            )
        corners = np.concatenate([part.corners for part in parts])
        return cls._of_tight(
            parts[0].size, corners, (crop for part in parts for crop in part.crops)
        )

    # ---- derived

    @cached_property
    def boxes(self) -> Array:
        """(N, 4) int32, x0 y0 x1 y1, exclusive ends."""
        sides = np.array([crop.shape[::-1] for crop in self.crops], np.int32).reshape(-1, 2)
        return frozen(np.concatenate([self.corners, self.corners + sides], 1))

    @cached_property
    def areas(self) -> Array:
        """(N,) int64, pixels."""
        return frozen(np.array([np.count_nonzero(crop) for crop in self.crops], np.int64))

    @property
    def nbytes(self) -> int:
        return int(self.corners.nbytes + sum(crop.nbytes for crop in self.crops))

    def __len__(self) -> int:
        return len(self.crops)

    def __iter__(self) -> Iterator[Array]:
        """Each mask as (H, W) bool, one at a time."""
        return (self.one(index) for index in range(len(self)))

    def __getitem__(self, index: Any) -> "Masks":
        """A subset: an index, slice, list of indices or bool row each give a `Masks`.

        >>> len(Masks.from_dense(np.ones((3, 2, 2), bool))[[True, False, True]])
        2
        """
        rows = row_numbers(index, len(self))
        return self._of_tight(
            self.size, self.corners[rows], (self.crops[row] for row in rows.tolist())
        )

    def one(self, index: int) -> Array:
        """Mask `index` as (H, W) bool."""
        full = np.zeros(self.size, bool)
        self.paint(full, index, True)
        return full

    def dense(self) -> Array:
        """(N, H, W) bool. Costs N x H x W bytes: prefer what works on crops."""
        full = np.zeros((len(self), *self.size), bool)
        for index in range(len(self)):
            self.paint(full[index], index, True)
        return full

    def paint(self, canvas: Array, index: int, value: Any) -> None:
        """Write `value` where mask `index` is, into an (H, W, ...) array."""
        x0, y0, x1, y1 = self.boxes[index].tolist()
        canvas[y0:y1, x0:x1][self.crops[index]] = value

    def union(self) -> Array:
        """(H, W) bool, True where any mask is."""
        full = np.zeros(self.size, bool)
        for index in range(len(self)):
            self.paint(full, index, True)
        return full

    def to_rle(self, *, compressed: bool = True) -> list[dict[str, Any]]:
        """COCO codes.

        >>> Masks.from_dense(np.eye(2, dtype=bool)).to_rle(compressed=False)
        [{'size': [2, 2], 'counts': [0, 1, 2, 1]}]
        """
        pairs = zip(self.corners, self.crops, strict=True)
        runs = (rle.runs_of_crop(self.size, corner, crop) for corner, crop in pairs)
        return [
            {"size": list(self.size), "counts": rle.pack(run) if compressed else run.tolist()}
            for run in runs
        ]

    # ---- compared

    def intersections(self, other: "Masks") -> Array:
        """(N, M) int64 pixels that each pair shares."""
        if other.size != self.size:
            raise MaskError(f"masks of different pictures: {self.size} and {other.size}")
        starts = np.maximum(self.boxes[:, None, :2], other.boxes[None, :, :2])
        stops = np.minimum(self.boxes[:, None, 2:], other.boxes[None, :, 2:])
        sides = np.maximum(stops - starts, 0).astype(np.int64)
        pixels = sides[..., 0] * sides[..., 1]
        pairs = np.nonzero(pixels)
        if len(pairs[0]) * PAIR_COST + int(pixels.sum()) <= PAIRS_WORK:
            return self._by_pairs(other, pairs, np.concatenate([starts[pairs], stops[pairs]], 1))
        return self._by_tiles(other)

    def _by_pairs(self, other: "Masks", pairs: tuple[Array, ...], windows: Array) -> Array:
        """Overlaps of the pairs whose boxes meet in `windows` (x0 y0 x1 y1)."""
        shared = np.zeros((len(self), len(other)), np.int64)
        mine, theirs = self.corners.tolist(), other.corners.tolist()
        for i, j, (x0, y0, x1, y1) in zip(
            pairs[0].tolist(), pairs[1].tolist(), windows.tolist(), strict=True
        ):
            (ax, ay), (bx, by) = mine[i], theirs[j]
            one = self.crops[i][y0 - ay : y1 - ay, x0 - ax : x1 - ax]
            two = other.crops[j][y0 - by : y1 - by, x0 - bx : x1 - bx]
            shared[i, j] = np.count_nonzero(one & two)
        return shared

    def _by_tiles(self, other: "Masks") -> Array:
        """All overlaps, one matrix product per tile of the picture."""
        shared = np.zeros((len(self), len(other)), np.int64)
        for y0 in range(0, self.size[0], TILE):
            for x0 in range(0, self.size[1], TILE):
                window = (x0, y0, min(x0 + TILE, self.size[1]), min(y0 + TILE, self.size[0]))
                rows, mine = self._window(window)
                columns, theirs = (rows, mine) if other is self else other._window(window)
                if len(rows) and len(columns):
                    # float32 counts to 2^24 exactly; a tile has fewer than 2^14 pixels
                    shared[np.ix_(rows, columns)] += (mine @ theirs.T).astype(np.int64)
        return shared

    def iou(self, other: "Masks") -> Array:
        """(N, M) intersection over union; 0 where both are empty."""
        shared = self.intersections(other)
        union = self.areas[:, None] + other.areas[None] - shared
        return np.asarray(np.divide(shared, union, out=np.zeros(shared.shape), where=union > 0))

    def containment(self, other: "Masks") -> Array:
        """(N, M) intersection over the smaller of the two."""
        shared = self.intersections(other)
        smaller = np.minimum(self.areas[:, None], other.areas[None])
        return np.asarray(np.divide(shared, smaller, out=np.zeros(shared.shape), where=smaller > 0))

    # ---- moved

    def resize(self, size: Size) -> "Masks":
        """Nearest neighbour at pixel centres, on the picture resized to `size`."""
        rows = _sources(self.size[0], size[0])
        columns = _sources(self.size[1], size[1])
        corners, crops = [], []
        for (x0, y0, x1, y1), crop in zip(self.boxes.tolist(), self.crops, strict=True):
            left, right = np.searchsorted(columns, (x0, x1))
            top, bottom = np.searchsorted(rows, (y0, y1))
            corners.append((left, top))
            crops.append(crop[np.ix_(rows[top:bottom] - y0, columns[left:right] - x0)])
        return Masks.from_crops(size, corners, crops)

    def crop(self, box: Sequence[int]) -> "Masks":
        """What is inside the box x0 y0 x1 y1, as masks of that part of the picture."""
        x0, y0, x1, y1 = (int(side) for side in box)
        if not (0 <= x0 < x1 <= self.size[1] and 0 <= y0 < y1 <= self.size[0]):
            raise MaskError(
                f"the box {(x0, y0, x1, y1)} does not lie in the picture of {self.size} "
                "(height, width)"
            )
        return self.move((y1 - y0, x1 - x0), (-x0, -y0))

    def move(self, size: Size, offset: Sequence[int]) -> "Masks":
        """The masks shifted by (dx, dy) in a picture of `size`; what leaves it is cut off."""
        return Masks.from_crops(size, self.corners + np.asarray(offset, np.int32), self.crops)

    def _window(self, window: tuple[int, int, int, int]) -> tuple[Array, Array]:
        """Which masks reach into the window, and their pixels there as (n, pixels) float32 rows."""
        x0, y0, x1, y1 = window
        boxes = self.boxes
        inside = (boxes[:, 0] < x1) & (boxes[:, 2] > x0) & (boxes[:, 1] < y1) & (boxes[:, 3] > y0)
        rows = np.flatnonzero(inside)
        pixels = np.zeros((len(rows), y1 - y0, x1 - x0), np.float32)
        starts = np.maximum(boxes[rows, :2], (x0, y0)).tolist()
        stops = np.minimum(boxes[rows, 2:], (x1, y1)).tolist()
        corners = self.corners[rows].tolist()
        for k, row in enumerate(rows.tolist()):
            (left, top), (right, bottom), (cx, cy) = starts[k], stops[k], corners[k]
            part = self.crops[row][top - cy : bottom - cy, left - cx : right - cx]
            pixels[k, top - y0 : bottom - y0, left - x0 : right - x0] = part
        return rows, pixels.reshape(len(rows), (y1 - y0) * (x1 - x0))


def _check_crop(crop: Array, x0: int, y0: int, size: Size) -> None:
    if crop.ndim != 2 or crop.dtype != bool:
        raise MaskError(f"a crop is (h, w) bool, got {crop.shape} {crop.dtype}")
    height, width = crop.shape
    if x0 < 0 or y0 < 0 or x0 + width > size[1] or y0 + height > size[0]:
        raise MaskError(
            f"a {height} x {width} crop at x={x0}, y={y0} leaves the picture of {size} "
            "(height, width)"
        )
    if not crop.size:
        if crop.shape != (0, 0) or (x0, y0) != (0, 0):
            raise MaskError(
                f"an empty mask is a (0, 0) crop at (0, 0), got {crop.shape} at {(x0, y0)}"
            )
    elif not (crop[0].any() and crop[-1].any() and crop[:, 0].any() and crop[:, -1].any()):
        raise MaskError("a crop has an empty border row or column; use Masks.from_crops")


def _trim(crop: Array, x0: int, y0: int, size: Size) -> tuple[tuple[int, int], Array]:
    left, top = max(0, -x0), max(0, -y0)
    crop = crop[top : max(top, size[0] - y0), left : max(left, size[1] - x0)]
    x_min, y_min, x_max, y_max = tight_box(crop)
    if x_min == x_max:
        return (0, 0), np.zeros((0, 0), bool)
    tight = crop[y_min:y_max, x_min:x_max]
    # A small crop of a large array would keep the whole array alive.
    own = tight if tight.base is None or tight.base.nbytes <= 2 * tight.nbytes else tight.copy()
    return (x0 + left + x_min, y0 + top + y_min), own


def tight_box(mask: Array) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 (exclusive) of what is True in (H, W); four zeros where nothing is."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _scatter(order: Array, firsts: Array, width: int) -> tuple[Array, list[Array]]:
    """Corners and tight crops of masks: flat pixel indices, those of each one ascending."""
    if not len(firsts):
        return np.zeros((0, 2), np.int32), []
    stops = np.append(firsts[1:], len(order))
    columns = (order % width).astype(np.int32)
    left, right = (one.reduceat(columns, firsts) for one in (np.minimum, np.maximum))
    top, bottom = order[firsts] // width, order[stops - 1] // width
    heights, widths = bottom - top + 1, right.astype(np.int64) - left + 1
    crops = []
    for first, stop, y0, x0, h, w in np.stack(
        (firsts, stops, top, left, heights, widths), 1
    ).tolist():
        places = order[first:stop]
        crop = np.zeros(h * w, bool)
        crop[places + places // width * (w - width) - (y0 * w + x0)] = True
        crops.append(crop.reshape(h, w))
    return np.stack((left, top), 1).astype(np.int32), crops


def _sources(old: int, new: int) -> Array:
    """For each of `new` pixels, the one of `old` pixels under its centre."""
    return (2 * np.arange(new, dtype=np.int64) + 1) * old // (2 * new)


def row_numbers(index: Any, count: int) -> Array:
    """The rows, of `count`, that an int, slice, list of bools or list of indices chooses.

    >>> row_numbers([True, False, True], 3).tolist(), row_numbers(-1, 3).tolist()
    ([0, 2], [2])
    """
    if not isinstance(index, slice):
        index = np.asarray(index)
        if not index.size:  # numpy takes an empty list for numbers with a fraction
            index = index.astype(np.int64)
    return np.atleast_1d(np.arange(count)[index])
