"""The part of a frame that is encoded closely, and its cells' places."""

from dataclasses import dataclass

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.ops import resample

MARGIN = 0.6  # around the box, of the side of a square with its area
ENLARGED = 2.5  # at most


@dataclass(frozen=True)
class CloseUp:
    """A box of whole pixels inside a frame."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def area(self) -> int:
        return (self.x1 - self.x0) * (self.y1 - self.y0)

    def part_of(self, frame: Array) -> Array:
        return frame[self.y0 : self.y1, self.x0 : self.x1]

    def cells_of(self, mask: Array, grid: Size) -> Array:
        """(h, w) float32: how much of each cell of the window is inside the mask (H, W)."""
        return resample.stretch(self.part_of(mask).astype(np.float32), grid)

    def on_frame(self, logits: Array, size: Size) -> Array:
        """(H, W) float32: logits (h, w) over the window, and surely outside around it."""
        frame = np.full(size, -16, np.float32)
        part = (self.y1 - self.y0, self.x1 - self.x0)
        frame[self.y0 : self.y1, self.x0 : self.x1] = resample.bilinear(logits, part)
        return frame

    def places(self, grid: Size) -> tuple[Array, Array]:
        """(h * w, 2) centres of the cells in the frame's pixels, and a cell's (2,) sides."""
        cell = np.array([(self.x1 - self.x0) / grid[1], (self.y1 - self.y0) / grid[0]], np.float32)
        xs = self.x0 + cell[0] * (np.arange(grid[1], dtype=np.float32) + 0.5)
        ys = self.y0 + cell[1] * (np.arange(grid[0], dtype=np.float32) + 0.5)
        return np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2).astype(np.float32), cell

    def around(self, box: tuple[int, ...], grid: Size) -> tuple[Array, Array]:
        """The same from the middle of a box and in its size: it moves and grows with the object."""
        places, cell = self.places(grid)
        x0, y0, x1, y1 = box
        side = float(max(1, (x1 - x0) * (y1 - y0))) ** 0.5
        middle = np.array([x0 + x1, y0 + y1], np.float32) / 2
        return ((places - middle) / side).astype(np.float32), cell / side


def fit_close_up(box: tuple[int, int, int, int], size: Size, side: int) -> tuple[CloseUp, Size]:
    """The surroundings of a box in a frame of `size`, and the size at which they are encoded.

    They have about side x side pixels there, and sides that are multiples of 32.
    """
    x0, y0, x1, y1 = box
    margin = MARGIN * float(max(1, (x1 - x0) * (y1 - y0))) ** 0.5
    window = CloseUp(
        max(0, int(x0 - margin)), max(0, int(y0 - margin)),
        min(size[1], int(np.ceil(x1 + margin))), min(size[0], int(np.ceil(y1 + margin))),
    )  # fmt: skip
    height, width = window.y1 - window.y0, window.x1 - window.x0
    scale = min(ENLARGED, side / float(height * width) ** 0.5)
    inner = max(2, round(height * scale / 32)) * 32, max(2, round(width * scale / 32)) * 32
    return window, inner
