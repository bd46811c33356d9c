"""A volume: a box of voxels, where it lies in the patient or the world, and its slices.

Voxel (i, j, k) is centred at whole numbers; `affine` takes it to millimetres, x to the right, y to
the front, z to the head (RAS, as NIfTI has it). A slice is shown as radiologists do: the head or
the front on top, the patient's right on the left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from wordmask.core.image import Array, Size, frozen
from wordmask.errors import ImageError, PromptError

Plane = Literal["sagittal", "coronal", "axial"]
PLANES: tuple[Plane, ...] = get_args(Plane)  # by the world axis that they are seen along
Shape = tuple[int, int, int]
MOST_SAMPLED = 1 << 20  # voxels by which percentiles and histograms are told


class Slicing(NamedTuple):
    """How the slices of one plane lie in the array."""

    axis: int  # the slices are counted along it
    rows: int  # the axis that runs down
    columns: int  # the axis that runs to the right
    flips: tuple[bool, bool]  # whether rows and columns run against their axes
    spacing: tuple[float, float]  # mm between rows and between columns
    gap: float  # mm between slices

    def take(self, values: Array, index: int) -> Array:
        """Slice `index` of an array of the volume's shape, as it is shown: a view."""
        where: list[Any] = [slice(None)] * 3
        where[self.axis] = index
        plane = values[tuple(where)]
        plane = plane if self.rows < self.columns else plane.T
        rows, columns = self.flips
        turned: Array = plane[:: -1 if rows else 1, :: -1 if columns else 1]
        return turned

    def place(self, ijk: Sequence[float], shape: Shape) -> tuple[int, tuple[float, float]]:
        """The slice on which a voxel lies, and (x, y) there in voxels."""
        row, column = float(ijk[self.rows]), float(ijk[self.columns])
        if self.flips[0]:
            row = shape[self.rows] - 1 - row
        if self.flips[1]:
            column = shape[self.columns] - 1 - column
        return round(float(ijk[self.axis])), (column + 0.5, row + 0.5)

    def voxel(self, index: int, xy: Sequence[float], shape: Shape) -> tuple[int, int, int]:
        """The voxel at (x, y) of slice `index`: the other way round."""
        row, column = int(xy[1]), int(xy[0])
        ijk = [0, 0, 0]
        ijk[self.axis] = index
        ijk[self.rows] = shape[self.rows] - 1 - row if self.flips[0] else row
        ijk[self.columns] = shape[self.columns] - 1 - column if self.flips[1] else column
        return ijk[0], ijk[1], ijk[2]

    @property
    def stretch(self) -> tuple[float, float]:
        """What rows and columns are multiplied by so that pixels become square."""
        finest = min(self.spacing)
        return self.spacing[0] / finest, self.spacing[1] / finest

    def picture_size(self, shape: Shape) -> Size:
        """Of a slice with square pixels."""
        down, across = self.stretch
        height, width = round(shape[self.rows] * down), round(shape[self.columns] * across)
        return max(1, height), max(1, width)


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels as the file holds them; `values` says what they mean."""

    stored: Array  # (I, J, K)
    affine: Array  # (4, 4) float64
    slope: float = 1.0
    intercept: float = 0.0
    padding: float | None = None  # a stored value that stands where nothing was measured
    inverted: bool = False  # whether larger values are darker (MONOCHROME1)
    modality: str = ""  # "CT", "MR" where the file says so
    name: str = ""
    geometry: Any = None  # the file's own words about its place, for what is written of it
    notes: tuple[str, ...] = field(default=())  # what a reader should know

    def __post_init__(self) -> None:
        affine = np.array(self.affine, np.float64)
        if self.stored.ndim != 3 or 0 in self.stored.shape:
            got = self.stored.shape
            raise ImageError(f"{self.name or 'a volume'} must be (I, J, K), got {got}")
        linear = affine[:3, :3]
        if not np.isfinite(affine).all() or abs(np.linalg.det(linear)) < 1e-12:
            raise ImageError(
                f"{self.name or 'the volume'} lies nowhere: its affine {affine.tolist()} does not "
                "span three directions; write a valid sform or qform"
            )
        object.__setattr__(self, "affine", frozen(affine))
        object.__setattr__(self, "stored", frozen(self.stored))

    @property
    def shape(self) -> Shape:
        i, j, k = self.stored.shape
        return i, j, k

    @property
    def spacing(self) -> Array:
        """(3,) mm between voxels along each axis of the array."""
        return np.asarray(np.sqrt((self.affine[:3, :3] ** 2).sum(0)))

    @property
    def voxel_ml(self) -> float:
        """Millilitres of one voxel."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000

    def values(self, stored: Array) -> Array:
        """float32 values (Hounsfield units in CT) of stored ones; what is no number becomes 0."""
        found = np.asarray(stored, np.float32)
        if (self.slope, self.intercept) != (1.0, 0.0):
            found = found * np.float32(self.slope) + np.float32(self.intercept)
        return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)

    @cached_property
    def sample(self) -> Array:
        """(N,) float32 values spread over the volume, without padding and what is no number."""
        step = max(1, round((self.stored.size / MOST_SAMPLED) ** (1 / 3)))
        some = self.stored[::step, ::step, ::step].ravel()
        if self.padding is not None:
            some = some[some != self.padding]
        return self.values(some[np.isfinite(some)])

    def slicing(self, plane: Plane) -> Slicing:
        """How slices of the plane that is nearest to this one are cut and turned."""
        world, signs = _world_axes(self.affine)
        axis = world.index(PLANES.index(plane))
        rest = [other for other in range(3) if other != axis]
        # The head is on top where it is seen, else the front.
        rows = max(rest, key=lambda other: world[other])
        (columns,) = (other for other in rest if other != rows)
        # Axes of the world run up, and to the left: to the patient's right, and to the front.
        down, across = signs[rows] > 0, signs[columns] > 0
        spacing = self.spacing
        return Slicing(
            axis, rows, columns, (down, across),
            (float(spacing[rows]), float(spacing[columns])), float(spacing[axis]),
        )  # fmt: skip

    def check_inside(self, ijk: Sequence[float]) -> None:
        """Raise where a voxel is not one of the volume's."""
        if not all(0 <= at < side for at, side in zip(ijk, self.shape, strict=True)):
            place, sides = ", ".join(f"{at:g}" for at in ijk), " x ".join(map(str, self.shape))
            raise PromptError(
                f"the voxel {place} is outside {self.name or 'the volume'} of {sides} voxels, "
                "which are counted from 0"
            )

    def __repr__(self) -> str:
        sides = " x ".join(map(str, self.shape))
        spacing = " x ".join(f"{side:g}" for side in self.spacing.round(4))
        return f"<Volume {self.name or 'unnamed'} {sides}, {spacing} mm>"


def world_of(affine: Array, ijk: Array) -> Array:
    """(N, 3) mm of voxels (N, 3).

    >>> world_of(np.diag([2.0, 2.0, 3.0, 1.0]), np.array([[1, 1, 1]])).tolist()
    [[2.0, 2.0, 3.0]]
    """
    found: Array = np.asarray(ijk, np.float64) @ affine[:3, :3].T + affine[:3, 3]
    return found


def _world_axes(affine: Array) -> tuple[list[int], list[float]]:
    """The world axis that each axis of the array is nearest to, each once, and its direction."""
    linear = affine[:3, :3] / np.sqrt((affine[:3, :3] ** 2).sum(0))
    left = np.abs(linear)
    world, signs = [0, 0, 0], [1.0, 1.0, 1.0]
    for _ in range(3):
        best, axis = (int(at) for at in np.unravel_index(int(left.argmax()), (3, 3)))
        world[axis], signs[axis] = best, float(np.sign(linear[best, axis]))
        left[best, :] = left[:, axis] = -1
    return world, signs
