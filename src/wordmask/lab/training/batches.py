"""Batches: which pictures, how often, and their samples side by side as tensors.

The batch of step k depends on the seed and k alone, so a run that was killed goes on exactly.
"""

import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from itertools import count
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wordmask.lab.data.packs import SURE, Packs, Record
from wordmask.lab.training.labels import LabelReader
from wordmask.lab.training.place import RunPlace
from wordmask.lab.training.samples import SampleOptions, TrainingSample, make_sample

# Share of each set in a batch: sets with dense truths first, then the teachers' pictures, which
# carry most of COCO's words.
SHARES = {
    "voc": 2.6,
    "coco": 2.4,
    "nyu": 2.0,
    "camvid": 1.5,
    "coco_person": 0.5,
    "unlabelled": 2.6,
    "flickr8k": 0.7,
    "ccp": 0.35,
    "carparts": 0.25,
    "facade": 0.25,
    "bsds": 0.35,
    "coco_airport": 0.15,
    "suim": 0.03,
    "davis": 0.12,
}
Made = TypeVar("Made")
HELD_OUT = 0.05  # share of each set, its last pictures by name, that is never trained on


@dataclass(frozen=True, eq=False)
class TrainingBatch:
    """B crops side by side. What belongs to a crop is padded; a mask says which crop it is of."""

    pictures: Tensor
    """(B, 3, side, side) uint8 RGB"""
    points: Tensor
    """(B, P, 2)"""
    point_rows: Tensor
    """(B, P); -1 where padded."""
    region_points: Tensor
    """(B, R, K, 2)"""
    region_rows: Tensor
    """(B, R); -1 where padded."""
    region_boxes: Tensor
    """(B, R, 4)"""
    cut_of: Tensor
    """(C,) index of the crop."""
    cut_masks: Tensor
    """(C, side/4, side/4)"""
    cut_points: Tensor
    """(C, pad, 2)"""
    cut_kinds: Tensor
    """(C, pad)"""
    cut_before: Tensor
    """(C, side/8, side/8)"""
    depth: Tensor
    """(B, side/8, side/8)"""
    captions: Tensor
    """(B, D) vector of one caption, zeros where there is none."""

    def take(self, rows: slice) -> "TrainingBatch":
        """Some of the crops, with what belongs to them."""
        first, last, _ = rows.indices(len(self.pictures))
        cuts = (self.cut_of >= first) & (self.cut_of < last)
        columns = {
            one.name: getattr(self, one.name)[cuts if one.name.startswith("cut_") else rows]
            for one in fields(self)
        }
        return TrainingBatch(**columns | {"cut_of": columns["cut_of"] - first})

    def to(self, device: torch.device) -> "TrainingBatch":
        return TrainingBatch(
            *(getattr(self, one.name).to(device, non_blocking=True) for one in fields(self))
        )

    def share(self, place: RunPlace) -> "TrainingBatch":
        """The crops that a process computes, on its device."""
        return self.take(place.rows(len(self.pictures))).to(place.device)


def split(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """(to learn from, held out).

    Of each set a block at its end is held out, because neighbours in NYU and CamVid look alike.
    """
    by_set: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_set[record.set].append(record)
    learn, held = [], []
    for rows in by_set.values():
        end = len(rows) - int(len(rows) * HELD_OUT)
        learn += rows[:end]
        held += rows[end:]
    return learn, held


class Batches:
    """Draws pictures: first the set by its share, then the picture by how rare its words are."""

    def __init__(
        self,
        labels: LabelReader,
        options: SampleOptions,
        size: int,
        captions: Mapping[str, NDArray[np.float32]],
        shares: Mapping[str, float] = SHARES,
    ) -> None:
        """`captions`: "set/stem" -> (n, D) vectors of the picture's captions. `shares`: of sets."""
        self.labels, self.options, self.size, self.captions = labels, options, size, captions
        self.records, _ = split(labels.packs.records)
        self.odds = _odds(self.records, labels.packs, shares)

    def batch(self, seed: int, step: int) -> TrainingBatch:
        """The batch of one step."""
        rng = np.random.default_rng([seed, step])
        rows = rng.choice(len(self.records), self.size, p=self.odds)
        chosen = [self.records[row] for row in rows]
        samples = [make_sample(self.labels.read(one), rng, self.options) for one in chosen]
        return collate(samples, self._captions(chosen, rng), self.options)

    def stream(self, seed: int, start: int) -> Iterator[TrainingBatch]:
        """Batches from step `start` on."""
        return stream_ahead(lambda step: self.batch(seed, step), start)

    def _captions(self, chosen: list[Record], rng: np.random.Generator) -> NDArray[np.float32]:
        width = next(iter(self.captions.values())).shape[1] if self.captions else 1
        rows = np.zeros((len(chosen), width), np.float32)
        for k, record in enumerate(chosen):
            known = self.captions.get(f"{record.set}/{record.stem}")
            if known is not None:
                rows[k] = known[rng.integers(len(known))]
        return rows


def stream_ahead(make: Callable[[int], Made], start: int, ahead: int = 3) -> Iterator[Made]:
    """`make(step)` from step `start` on, in one thread that stays `ahead` steps ahead."""
    ready: queue.Queue[Made | Exception] = queue.Queue(ahead)
    stopped = threading.Event()

    def offer(item: Made | Exception) -> None:
        while not stopped.is_set():
            with suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return

    def fill() -> None:
        try:
            for step in count(start):
                offer(make(step))
                if stopped.is_set():
                    return
        except Exception as error:
            offer(error)

    threading.Thread(target=fill, daemon=True).start()
    try:
        while True:
            got = ready.get()
            if isinstance(got, Exception):
                raise got
            yield got
    finally:
        stopped.set()


def _odds(records: list[Record], packs: Packs, shares: Mapping[str, float]) -> NDArray[np.float64]:
    """How likely each picture is: within its set as its rarest word, 1 / sqrt(pictures with it)."""
    shown = [_words_shown(record, packs) for record in records]
    times: dict[tuple[str, object], int] = defaultdict(int)
    for words in shown:
        for one in words:
            times[one] += 1
    rarity = [max((times[one] ** -0.5 for one in words), default=0.05) for words in shown]
    total: dict[str, float] = defaultdict(float)
    for record, value in zip(records, rarity, strict=True):
        total[record.set] += value
    odds: NDArray[np.float64] = np.zeros(len(records))
    for k, (record, value) in enumerate(zip(records, rarity, strict=True)):
        odds[k] = value / total[record.set] * shares.get(record.set, 0.0)
    odds /= odds.sum()
    return odds


def _words_shown(record: Record, packs: Packs) -> set[tuple[str, object]]:
    """What a picture shows, by its teachers' sure boxes and its own annotations.

    A class counts in each set by itself, and a teacher's apart from a truth.
    """
    data = packs.sets[record.set]
    boxes = {(record.set, box.category) for box in record.boxes if box.score >= SURE}
    names = {data.classes[data.values[region.category]] for region in record.sample.regions}
    return boxes | {(record.set, name) for name in names}


def collate(
    samples: list[TrainingSample], captions: NDArray[np.float32], o: SampleOptions
) -> TrainingBatch:
    """Samples side by side; regions are padded to `o.regions` and points to `o.points`."""
    size = len(samples)
    points = np.zeros((size, o.points, 2), np.float32)
    point_rows = np.full((size, o.points), -1, np.int64)
    where = np.zeros((size, o.regions, o.inside, 2), np.float32)
    rows = np.full((size, o.regions), -1, np.int64)
    boxes = np.zeros((size, o.regions, 4), np.float32)
    for k, one in enumerate(samples):
        points[k, : len(one.points)] = one.points
        point_rows[k, : len(one.points)] = one.point_rows
        found = len(one.regions.rows)
        where[k, :found], rows[k, :found] = one.regions.xy, one.regions.rows
        boxes[k, :found] = one.regions.boxes
    cuts = [one.cuts for one in samples]
    pictures = np.stack([one.picture for one in samples])
    arrays = {
        "points": points,
        "point_rows": point_rows,
        "region_points": where,
        "region_rows": rows,
        "region_boxes": boxes,
        "cut_of": np.repeat(np.arange(size), [len(one.masks) for one in cuts]),
        "cut_masks": np.concatenate([one.masks for one in cuts]),
        "cut_points": np.concatenate([one.xy for one in cuts]),
        "cut_kinds": np.concatenate([one.kinds for one in cuts]),
        "cut_before": np.concatenate([one.before for one in cuts]),
        "depth": np.stack([one.depth for one in samples]),
        "captions": captions,
    }
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return TrainingBatch(torch.from_numpy(pictures).permute(0, 3, 1, 2), **tensors)
