"""Windows over a picture on its grid of patches; where they overlap their vectors are averaged."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from wordmask.core.image import Array, Size

# Times the short side. A longer picture is squeezed; else it would have windows without number.
LONGEST = 4


@dataclass(frozen=True)
class WindowGrid:
    """A picture's grid of patches, and where on it the windows stand."""

    grid: Size  # patches of the whole picture
    window: Size  # patches of one window
    corners: tuple[tuple[int, int], ...]  # (row, column) of each window's first patch


def layout(size: Size, short: int, window: int | None, stride: int) -> WindowGrid:
    """In patches: the short side gets `short`, windows step by `stride`, the last meet the edge.

    Each side is rounded to whole patches, so that no window lies between them: the picture is
    stretched by less than half a patch. `window` None is one window over everything.

    >>> layout((480, 640), 21, 14, 7).grid
    (21, 28)
    """
    height, width = size
    least = min(size)
    grid = (_cells(height / least, short), _cells(width / least, short))
    if window is None:
        return WindowGrid(grid, grid, ((0, 0),))
    shape = (min(window, grid[0]), min(window, grid[1]))
    rows, columns = (_starts(cells, step, stride) for cells, step in zip(grid, shape, strict=True))
    return WindowGrid(grid, shape, tuple(product(rows, columns)))


def _cells(aspect: float, short: int) -> int:
    return round(short * min(aspect, LONGEST))


def _starts(cells: int, window: int, stride: int) -> list[int]:
    return [*range(0, cells - window, stride), cells - window]


class Blend:
    """The mean, in every patch, of the vectors of all windows that see it."""

    def __init__(self, layout: WindowGrid) -> None:
        self._layout = layout
        self._sums = np.zeros(
            (*layout.grid, 0), np.float32
        )  # as wide as the first window's vectors
        self._counts = np.zeros((*layout.grid, 1), np.float32)

    def add(self, corner: tuple[int, int], vectors: Array) -> None:
        """Add the vectors (h * w, D) of the window at `corner`."""
        if not self._sums.shape[2]:
            self._sums = np.zeros((*self._layout.grid, vectors.shape[1]), np.float32)
        (row, column), (height, width) = corner, self._layout.window
        place = (slice(row, row + height), slice(column, column + width))
        self._sums[place] += vectors.reshape(height, width, -1)
        self._counts[place] += 1

    def unit(self) -> Array:
        """(h, w, D) unit vectors. Averaging vectors averages logits: the product is linear."""
        lengths = np.linalg.norm(self._sums, axis=-1, keepdims=True)
        vectors: Array = self._sums / np.maximum(lengths, 1e-12)
        return vectors
