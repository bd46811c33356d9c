"""One object through the slices of one plane, both ways from where it is shown.

With a `Tracker` each slice is the next frame; without one the mask of the neighbouring slice and
its box are the prompt. A way ends where the confidence falls too low. Between two slices in which
the object is shown it is followed from both to the middle, or its shape is interpolated.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np

from wordmask.core.image import Array
from wordmask.core.models import Models
from wordmask.core.protocols import Memory, PromptBatch, Segmenter, Tracker
from wordmask.core.volume import Plane, Volume
from wordmask.ops import regions, resample
from wordmask.ops.solids import blend_shapes
from wordmask.ops.windows import ValueWindow, slice_image
from wordmask.tasks.click import click_logits
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.solid.options import VolumeOptions
from wordmask.tasks.solid.shown import SliceShown

KEPT = 24  # slices whose encodings are kept
JUMP = 0.2  # IoU with the neighbour under which it is something else
GREYS = 16.0  # of 255, by which the mean grey may change, beside twice its spread
SURE = 8.0  # logit of what is known


@dataclass(frozen=True, eq=False)
class FollowedSlice:
    """One slice: logits (h, w) edge to edge, > 0 is inside, and how sure they are."""

    index: int
    logits: Array
    score: float


class SliceViews:
    """The slices of one plane as pictures, each encoded when it is first looked at."""

    def __init__(self, volume: Volume, window: ValueWindow, plane: Plane, models: Models) -> None:
        self.volume, self.window, self.models = volume, window, models
        self.plane, self.slicing = plane, volume.slicing(plane)
        self.trace = Trace()
        self._views: OrderedDict[int, View] = OrderedDict()

    @property
    def count(self) -> int:
        return self.volume.shape[self.slicing.axis]

    @property
    def size(self) -> tuple[int, int]:
        """(rows, columns) in voxels."""
        shape = self.volume.shape
        return shape[self.slicing.rows], shape[self.slicing.columns]

    def view(self, index: int) -> View:
        if index not in self._views:
            plane = self.slicing.take(self.volume.stored, index)
            size = self.slicing.picture_size(self.volume.shape)
            image = slice_image(self.volume, self.window, plane, size)
            image = replace(image, name=f"{self.volume.name} {self.plane} {index}")
            self._views[index] = View(image, self.models, self.trace)
            while len(self._views) > KEPT:
                self._views.popitem(last=False)
        self._views.move_to_end(index)
        return self._views[index]


class Walker(Protocol):
    """Goes from slice to slice with one object."""

    def begin(self, index: int, logits: Array) -> None: ...
    def step(self, index: int) -> FollowedSlice: ...


@dataclass
class TrackerWalker:
    """By an engine's tracker."""

    views: SliceViews
    tracker: Tracker
    memory: Memory | None = None

    def begin(self, index: int, logits: Array) -> None:
        view = self.views.view(index)
        mask = resample.bilinear(logits.astype(np.float32), view.image.size) > 0
        self.memory = None if not mask.any() else self._remember(view, mask)

    def step(self, index: int) -> FollowedSlice:
        if self.memory is None:
            return FollowedSlice(index, np.full((1, 1), -SURE, np.float32), 0.0)
        seen = self.views.view(index).encoding_of(self.tracker)
        (found,) = self.tracker.step([self.memory], seen)
        self.memory = found.memory
        logits = found.logits if found.logits is not None else np.full((1, 1), -SURE, np.float32)
        return FollowedSlice(index, logits, found.score)

    def _remember(self, view: View, mask: Array) -> Memory:
        return self.tracker.remember(view.encoding_of(self.tracker), mask, self.memory)


@dataclass
class NeighbourWalker:
    """By the neighbour's mask, its box and its deepest point as prompts."""

    views: SliceViews
    logits: Array | None = None
    shade: tuple[float, float] | None = None  # mean and spread of the greys under what was shown

    def begin(self, index: int, logits: Array) -> None:
        self.logits = logits
        self.shade = _shade(self.views.view(index), logits)

    def step(self, index: int) -> FollowedSlice:
        last = self.logits
        if last is None or not (last > 0).any():
            return FollowedSlice(index, np.full((1, 1), -SURE, np.float32), 0.0)
        logits, score = cut_again(self.views.view(index), last)
        here = resample.bilinear(last.astype(np.float32), logits.shape) > 0
        jumped = float(regions.overlaps(logits > 0, here)) < JUMP
        if jumped or not self._looks_like_it(index, logits):
            score = 0.0
        self.logits = logits
        return FollowedSlice(index, logits, score)

    def _looks_like_it(self, index: int, logits: Array) -> bool:
        """Beyond its end an object's place is taken by something else, as a rule of other grey."""
        here = _shade(self.views.view(index), logits)
        if here is None or self.shade is None:
            return here is not None
        mean, spread = self.shade
        return abs(here[0] - mean) <= GREYS + 2 * spread


def _shade(view: View, logits: Array) -> tuple[float, float] | None:
    """Mean and spread of the greys of a slice under a mask; None where it is empty."""
    mask = resample.bilinear(logits.astype(np.float32), view.image.size) > 0
    greys = view.image.pixels[..., 0][mask]
    return (float(greys.mean()), float(greys.std())) if len(greys) else None


def cut_again(view: View, logits: Array, points: tuple[tuple[float, float, bool], ...] = ()
              ) -> tuple[Array, float]:  # fmt: skip
    """A slice cut by what stands near it: the mask, its box, and perhaps points."""
    segmenter = view.models.get(Segmenter)
    height, width = view.image.size
    mask = resample.bilinear(logits.astype(np.float32), (height, width)) > 0
    box = np.array(regions.box_around(mask, 1), np.float32)
    xy = np.array([point[:2] for point in points], np.float32).reshape(-1, 2)
    keep = np.array([point[2] for point in points], np.int8)
    coarse = logits.astype(np.float32)
    cuts = segmenter.cut(view.encoding_of(segmenter), PromptBatch.click(xy, keep, box, coarse))
    # Of several candidates the one that is most like the neighbour, and good by its own account.
    found = cuts.logits[0]
    here = resample.bilinear(coarse, (found.shape[1], found.shape[2])) > 0
    alike = regions.overlaps(found > 0, here[None])
    best = int((alike * cuts.quality[0]).argmax())
    return found[best], float(np.clip(cuts.quality[0, best], 0, 1))


def follow(
    views: SliceViews, shown: Mapping[int, SliceShown], options: VolumeOptions
) -> Iterator[FollowedSlice]:
    """Every slice in which the object is, each once, in no order."""
    first_cuts = {
        index: _cut(views, index, what) for index, what in shown.items() if what.is_positive
    }
    yield from first_cuts.values()
    keys = sorted(first_cuts)
    beside = {index: what for index, what in shown.items() if index not in first_cuts}
    yield from _walk(views, first_cuts[keys[0]], range(keys[0] - 1, -1, -1), beside, options)
    yield from _walk(views, first_cuts[keys[-1]], range(keys[-1] + 1, views.count), beside, options)
    for low, high in pairwise(keys):
        one, other = first_cuts[low], first_cuts[high]
        if options.between == "interpolate":
            yield from _interpolate(views, one, other)
            continue
        middle = (low + high) // 2
        yield from _walk(views, one, range(low + 1, middle + 1), beside, options)
        yield from _walk(views, other, range(high - 1, middle, -1), beside, options)


def _cut(views: SliceViews, index: int, what: SliceShown) -> FollowedSlice:
    """What is shown in a slice."""
    if what.mask is not None:
        logits = np.where(what.mask, SURE, -SURE).astype(np.float32)
        if not what.points:
            return FollowedSlice(index, logits, 1.0)
        return FollowedSlice(index, *cut_again(views.view(index), logits, what.points))
    return FollowedSlice(index, *click_logits(views.view(index), what.to_click()))


def _walk(
    views: SliceViews,
    start: FollowedSlice,
    way: range,
    beside: Mapping[int, SliceShown],
    options: VolumeOptions,
) -> Iterator[FollowedSlice]:
    """Slice after slice until the object ends."""
    if not len(way):
        return
    walker = make_walker(views, options)
    walker.begin(start.index, start.logits)
    for index in way[: options.max_slices]:
        step = walker.step(index)
        if step.score < options.stop_below or not (step.logits > 0).any():
            return
        if index in beside:
            step = FollowedSlice(
                index, *cut_again(views.view(index), step.logits, beside[index].points)
            )
            walker.begin(index, step.logits)
        yield step


def make_walker(views: SliceViews, options: VolumeOptions) -> Walker:
    """The tracker where there is one, unless the neighbour is asked for."""
    has_tracker = options.how == "tracker" or views.models.has(Tracker)
    if options.how != "neighbour" and has_tracker:
        return TrackerWalker(views, views.models.get(Tracker))
    return NeighbourWalker(views)


def _interpolate(
    views: SliceViews, one: FollowedSlice, other: FollowedSlice
) -> Iterator[FollowedSlice]:
    masks = [resample.bilinear(step.logits.astype(np.float32), views.size) > 0
             for step in (one, other)]  # fmt: skip
    for index in range(one.index + 1, other.index):
        share = (index - one.index) / (other.index - one.index)
        mask = blend_shapes(masks[0], masks[1], share)
        logits = np.where(mask, SURE, -SURE).astype(np.float32)
        yield FollowedSlice(index, logits, min(one.score, other.score))
