"""Things that are shown in slices of a volume -> solids, each voxel with one owner.

Not a medical device: what comes of it is for research and must not be used for a diagnosis.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from wordmask.core.image import Array
from wordmask.core.models import Models
from wordmask.core.protocols import Segmenter
from wordmask.core.volume import Plane, Volume
from wordmask.errors import PromptError
from wordmask.ops.intensity import Seeds, contradicts, grow_by_values, refine_by_values
from wordmask.ops.odds import sigmoid
from wordmask.ops.resample import bilinear
from wordmask.ops.solids import (
    Block,
    block_of,
    fill_holes,
    keep_pieces,
    split_touching,
)
from wordmask.ops.windows import ValueWindow, find_window
from wordmask.tasks.solid.following import SliceViews, follow
from wordmask.tasks.solid.options import VolumeOptions
from wordmask.tasks.solid.shown import ShownObject, VolumePrompt, objects_of

__all__ = ["DISCLAIMER", "Solid", "VolumeOptions", "VolumePrompt", "VolumeResult", "volume"]

DISCLAIMER = "Not a medical device: for research only, not for diagnosis or treatment."
NESTED = 0.9  # of the smaller solid in the larger one, from which it is a part of it
SAME = 0.6  # IoU from which two solids are one that must be split

# What made a solid: the engine alone, with the values deciding at its edge, or the values alone.
By = Literal["engine", "engine and values", "values"]


@dataclass(frozen=True, eq=False)
class Solid:
    """One object of a volume: its voxels in the block around it, and how it came about."""

    id: int
    name: str
    block: Block | None  # None: nothing of it was found
    voxels: Array  # bool, of the block
    score: float  # mean confidence of its slices
    slices: dict[Plane, tuple[int, int]]  # first and last slice in which it was followed
    by: By
    seeds: Array  # (N, 3) voxels that are surely of it
    prompts: tuple[VolumePrompt, ...] = ()

    @property
    def count(self) -> int:
        return int(self.voxels.sum())


class _Rough(NamedTuple):
    """A solid before it is tidied, the mean confidence, and how far it was followed."""

    solid: Array
    score: float
    slices: dict[Plane, tuple[int, int]]
    by: By = "engine"


@dataclass(frozen=True, eq=False)
class VolumeResult:
    """The objects of a volume. `labels` (I, J, K) holds their ids, 0 where none is."""

    volume: Volume
    labels: Array
    solids: tuple[Solid, ...]
    window: ValueWindow
    made_by: tuple[str, ...]
    note: str = DISCLAIMER

    def millilitres(self, id: int) -> float:
        """The volume of one object."""
        return float((self.labels == id).sum()) * self.volume.voxel_ml

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{solid.name or solid.id}: {self.millilitres(solid.id):.3g} ml"
            for solid in self.solids
        )
        return f"<VolumeResult {self.volume.name} {sizes or 'nothing'}>"


def volume(
    scan: Volume,
    prompts: Iterable[VolumePrompt],
    models: Models,
    options: VolumeOptions | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> VolumeResult:
    """Every object that is shown, as a solid; `progress` is told of objects done and in all."""
    options = options or VolumeOptions()
    shown = objects_of(prompts, scan, options.planes_of(scan))
    if not shown:
        raise PromptError("there is nothing to segment: click on a thing, draw a box, or name it")
    models.get(Segmenter)
    maker = SolidMaker(scan, models, options)
    solids = []
    for number, one in enumerate(shown):
        progress(number, len(shown))
        solids.append(maker.make(one))
    progress(len(shown), len(shown))
    return maker.result(solids)


class SolidMaker:
    """Makes solids of one volume. It keeps the slices that it has encoded."""

    def __init__(self, scan: Volume, models: Models, options: VolumeOptions) -> None:
        self.scan, self.models, self.options = scan, models, options
        self.window = find_window(options.window, scan)
        self._views: dict[Plane, SliceViews] = {}

    def views(self, plane: Plane) -> SliceViews:
        """The slices of a plane."""
        if plane not in self._views:
            self._views[plane] = SliceViews(self.scan, self.window, plane, self.models)
        return self._views[plane]

    def make(self, shown: ShownObject) -> Solid:
        """One object, as if it were alone."""
        made = self._make(shown)
        seeds = _seeds(shown, made.solid)
        solid = self._tidy(made.solid, seeds)
        block = block_of(solid)
        voxels = np.zeros((0, 0, 0), bool) if block is None else solid[block].copy()
        return Solid(
            shown.id, shown.name, block, voxels, made.score, made.slices, made.by, seeds,
            shown.prompts,
        )  # fmt: skip

    def _make(self, shown: ShownObject) -> _Rough:
        """Followed by the engine, or grown by the values of the clicks."""
        seeds = Seeds(_rows(shown.inside), _rows(shown.outside))
        has_both = len(seeds.inside) > 0 and len(seeds.outside) > 0
        if self.options.how == "values":
            if not has_both:
                raise PromptError(
                    f"object {shown.id} by its values needs a click on it and one beside it"
                )
            return self._grow(seeds)
        rough = self._follow(shown)
        if self.options.how == "auto" and has_both and contradicts(self.scan, rough.solid, seeds):
            return self._grow(seeds)
        if self.options.refine == "none":
            return rough
        refined = refine_by_values(self.scan, rough.solid, seeds)
        if not refined.is_refined:
            return rough
        return rough._replace(solid=refined.solid, by="engine and values")

    def _grow(self, seeds: Seeds) -> _Rough:
        return _Rough(grow_by_values(self.scan, seeds), 1.0, {}, "values")

    def result(self, solids: Sequence[Solid]) -> VolumeResult:
        """The solids together, each voxel with one owner."""
        labels = join_solids(self.scan.shape, solids)
        made_by = self.models.made_by
        return VolumeResult(self.scan, labels, tuple(solids), self.window, made_by)

    def _follow(self, shown: ShownObject) -> _Rough:
        """Followed in each plane in which it is shown; the planes vote."""
        votes = np.zeros(self.scan.shape, np.uint8)
        weight = 254 // len(shown.planes)
        scores, ends = [], {}
        for plane, slices in shown.planes.items():
            views = self.views(plane)
            indices = []
            for step in follow(views, slices, self.options):
                inside = bilinear(step.logits.astype(np.float32), views.size)
                share = np.round(weight * sigmoid(inside)).astype(np.uint8)
                views.slicing.take(votes, step.index)[...] += share
                scores.append(step.score)
                indices.append(step.index)
            ends[plane] = (min(indices), max(indices))
        solid = votes > weight * len(shown.planes) // 2
        return _Rough(solid, float(np.mean(scores)), ends)

    def _tidy(self, solid: Array, seeds: Array) -> Array:
        options = self.options
        if options.pieces == "shown":
            solid = keep_pieces(solid, seeds, least=options.min_voxels)
        else:
            largest = options.pieces == "largest"
            solid = keep_pieces(solid, largest=largest, least=options.min_voxels)
        return fill_holes(solid) if options.holes == "fill" else solid


def _rows(voxels: Sequence[tuple[int, int, int]]) -> Array:
    return np.array(voxels, np.int64).reshape(-1, 3)


def _seeds(shown: ShownObject, rough: Array) -> Array:
    """Voxels that are surely of the object: the clicks, else the middle of the rough solid."""
    if shown.inside:
        return _rows(shown.inside)
    block = block_of(rough)
    if block is None:
        return np.zeros((0, 3), np.int64)
    # The middle of the middle plane: a list of all voxels would be larger than the volume.
    inside = rough[block]
    below = inside.sum((0, 1)).cumsum()
    k = int(np.searchsorted(below, below[-1] / 2))
    places = np.argwhere(inside[:, :, k])
    middle = places[((places - places.mean(0)) ** 2).sum(1).argmin()]
    start = np.array([side.start for side in block], np.int64)
    return np.array([[*middle, k]], np.int64) + start


# ---- each voxel has one owner


def join_solids(shape: tuple[int, int, int], solids: Sequence[Solid]) -> Array:
    """(I, J, K) ids. A solid inside another one is cut out of it; two that are one are split."""
    highest = max((solid.id for solid in solids), default=0)
    labels = np.zeros(shape, np.uint8 if highest < 256 else np.uint16)
    for solid in sorted(solids, key=lambda one: -one.count):
        if solid.block is None:
            continue
        part = labels[solid.block]
        for other in np.unique(part[solid.voxels]).tolist():
            if other:
                owner = next(one for one in solids if one.id == other)
                _settle(labels, owner, solid)
        part[solid.voxels & (part == 0)] = solid.id
    return labels


def _settle(labels: Array, owner: Solid, solid: Solid) -> None:
    """Voxels of two solids go to the smaller one if it lies in the larger, else they are split."""
    block = solid.block
    if block is None:
        return
    shared = solid.voxels & (labels[block] == owner.id)
    count = int(shared.sum())
    union = owner.count + solid.count - count
    if count >= NESTED * solid.count and count < SAME * union:
        labels[block][shared] = solid.id
        return
    whole = labels == owner.id
    whole[block] |= solid.voxels
    parts = split_touching(whole, [owner.seeds, solid.seeds])
    labels[whole & (parts == 1)] = owner.id
    labels[whole & (parts == 2)] = solid.id
