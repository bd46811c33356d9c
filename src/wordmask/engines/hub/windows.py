"""Windows over a picture, all on the grid of patches, and their answers averaged where they overlap."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from wordmask.core.image import Array, Size

LONGEST = (
    4  # times the short side; a longer picture is squeezed, or its windows would be without number
)


@dataclass(frozen=True)
class Layout:
    """How a picture is laid out: its grid of patches and where the windows of `window` patches stand."""

    grid: Size  # patches of the whole picture
    window: Size  # patches of one window
    corners: tuple[tuple[int, int], ...]  # (row, column) of each window's first patch


def layout(size: Size, short: int, window: int | None, stride: int) -> Layout:
    """All in patches: the short side gets `short`; windows step by `stride`, and the last ones end at the edge.

    Each side is rounded to whole patches, so that no window lies between them: the picture is stretched by less
    than half a patch. `window` None is one window over everything.

    >>> layout((480, 640), 21, 14, 7).grid
    (21, 28)
    """
    height, width = size
    least = min(size)
    grid = (_cells(height / least, short), _cells(width / least, short))
    if window is None:
        return Layout(grid, grid, ((0, 0),))
    shape = (min(window, grid[0]), min(window, grid[1]))
    rows, columns = (_starts(cells, step, stride) for cells, step in zip(grid, shape, strict=True))
    return Layout(grid, shape, tuple(product(rows, columns)))


def _cells(aspect: float, short: int) -> int:
    return round(short * min(aspect, LONGEST))


def _starts(cells: int, window: int, stride: int) -> list[int]:
    return [*range(0, cells - window, stride), cells - window]


class Blend:
    """The mean, in every patch, of all windows that see it."""

    def __init__(self, plan: Layout, width: int) -> None:
        self._plan = plan
        self._sums = np.zeros((*plan.grid, width), np.float32)
        self._counts = np.zeros((*plan.grid, 1), np.float32)

    def add(self, corner: tuple[int, int], vectors: Array) -> None:
        """Lay one window's vectors (h * w, D) on the rest."""
        (row, column), (height, width) = corner, self._plan.window
        place = (slice(row, row + height), slice(column, column + width))
        self._sums[place] += vectors.reshape(height, width, -1)
        self._counts[place] += 1

    def unit(self) -> Array:
        """(h, w, D), each of length 1. Averaging unit vectors is averaging their logits: the product is linear."""
        lengths = np.linalg.norm(self._sums, axis=-1, keepdims=True)
        vectors: Array = self._sums / np.maximum(lengths, 1e-12)
        return vectors
