"""Three ways to follow objects, one interface: by an engine, by pairing regions, and refined."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.protocols import Memory, PromptBatch, Tracker, TrackStep
from wordmask.core.result import UNNAMED
from wordmask.ops import regions
from wordmask.tasks.tracking.association import Regions, associate, join_regions, no_region
from wordmask.tasks.tracking.sight import Sight

INSIDE = np.float32(4)  # logit of a mask that has none
# A cut replaces the tracker's mask if it is good, agrees with it, and is about as large.
LEAST_QUALITY, LEAST_IOU, SMALLEST, LARGEST = 0.85, 0.7, 0.7, 1.4


class Follower(Protocol):
    """A `Tracker`, as tasks use it: what it sees are frames that all engines share."""

    def remember(self, sight: Sight, mask: Array, memory: Memory | None = None) -> Memory: ...
    def step(self, memories: Sequence[Memory], sight: Sight) -> list[TrackStep]: ...


@dataclass(frozen=True)
class EngineFollower:
    """By an engine that remembers objects."""

    tracker: Tracker

    def remember(self, sight: Sight, mask: Array, memory: Memory | None = None) -> Memory:
        with sight.view.trace.stage("track"):
            return self.tracker.remember(sight.view.encoding_of(self.tracker), mask, memory)

    def step(self, memories: Sequence[Memory], sight: Sight) -> list[TrackStep]:
        if not memories:
            return []
        seen = sight.view.encoding_of(self.tracker)
        with sight.view.trace.stage("track"):
            return self.tracker.step(memories, seen)


@dataclass(frozen=True, eq=False)
class _Region:
    """What is remembered of an object that is paired with regions."""

    mask: Masks  # one; empty while it is away
    label_id: int
    vector: Array | None  # (D,)


class RegionFollower:
    """By the regions of each frame, of which the one that fits best is the object."""

    def remember(self, sight: Sight, mask: Array, memory: Memory | None = None) -> Memory:
        one = Masks.from_dense(mask)
        vectors = sight.vectors(one)
        vector = None if vectors is None else vectors[0]
        label = _label_of(sight, one) if memory is None else memory.state.label_id
        return _pack(_Region(one, label, vector), 0 if memory is None else memory.frame)

    def step(self, memories: Sequence[Memory], sight: Sight) -> list[TrackStep]:
        if not memories:
            return []
        found, known = sight.regions, [memory.state for memory in memories]
        vectors = sight.vectors(found.masks)
        before = join_regions(
            [region.mask for region in known],
            [region.label_id for region in known],
            [region.vector for region in known],
        )
        now = Regions(found.masks, found.label_ids, vectors)
        rows, columns = associate(before, now, is_cut=sight.is_cut)
        column_of = dict(zip(rows.tolist(), columns.tolist(), strict=True))
        steps = []
        for row, (memory, region) in enumerate(zip(memories, known, strict=True)):
            column = column_of.get(row)
            if column is None:
                gone = replace(region, mask=no_region(found.size))
                steps.append(TrackStep(_pack(gone, memory.frame + 1), None, 0.0))
                continue
            vector = region.vector if vectors is None else vectors[column]
            after = _Region(found.masks[column], region.label_id, vector)
            inside = found.masks.one(column)
            logits = np.where(inside, INSIDE, -INSIDE).astype(np.float32)
            steps.append(
                TrackStep(_pack(after, memory.frame + 1), logits, float(found.scores[column]))
            )
        return steps


@dataclass(frozen=True)
class RefiningFollower:
    """Another follower whose masks a segmenter cuts again; good cuts go into the memory."""

    inner: Follower
    every: int = 0  # frames of an object; 0: never by the clock
    below: float = 0.0  # confidence under which a mask is cut again at once

    def remember(self, sight: Sight, mask: Array, memory: Memory | None = None) -> Memory:
        return self.inner.remember(sight, mask, memory)

    def step(self, memories: Sequence[Memory], sight: Sight) -> list[TrackStep]:
        return [self._refine(step, sight) for step in self.inner.step(memories, sight)]

    def _refine(self, step: TrackStep, sight: Sight) -> TrackStep:
        is_due = self.every > 0 and step.memory.frame % self.every == 0
        if step.logits is None or not (is_due or step.score < self.below):
            return step
        size = sight.view.image.size
        (mask,) = regions.masks_of_logits(step.logits[None], size)
        if not mask.any():
            return step
        better = refine(sight, mask, step.logits)
        if better is None:
            return step
        cut, logits, quality = better
        memory = self.inner.remember(sight, cut, step.memory)
        return TrackStep(memory, logits, max(step.score, quality))


def refine(sight: Sight, mask: Array, logits: Array) -> tuple[Array, Array, float] | None:
    """Mask, logits and quality of a cut that may replace `mask` (H, W); None if none may."""
    view = sight.view
    box = np.array(regions.box_around(mask), np.float32)
    cuts = view.segmenter.cut(view.encoding, PromptBatch.of_boxes(box[None], logits[None]))
    masks = regions.masks_of_logits(cuts.logits[0], view.image.size)
    own = Masks.from_dense(mask)
    overlap, ratio = masks.iou(own)[:, 0], masks.areas / own.areas[0]
    quality = np.clip(cuts.quality[0], 0, 1)
    good = (quality >= LEAST_QUALITY) & (overlap >= LEAST_IOU)
    good &= (ratio >= SMALLEST) & (ratio <= LARGEST)
    if not good.any():
        return None
    best = int(np.where(good, quality * overlap, -1).argmax())
    return masks.one(best), np.asarray(cuts.logits[0, best], np.float32), float(quality[best])


def _label_of(sight: Sight, mask: Masks) -> int:
    """The word of the region that a mask is; none where it is not one of them."""
    if sight.text is None or not len(sight.regions):
        return UNNAMED
    overlap = sight.regions.masks.iou(mask)[:, 0]
    best = int(overlap.argmax())
    return int(sight.regions.label_ids[best]) if overlap[best] >= 0.5 else UNNAMED


def _pack(region: _Region, frame: int) -> Memory:
    vector = 0 if region.vector is None else region.vector.nbytes
    return Memory(region, frame, region.mask.nbytes + int(vector))
