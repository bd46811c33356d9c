"""Batches: which pictures, how often, and their samples laid side by side as tensors.

The batch of step k depends on the seed and k alone, so a run that was killed goes on exactly as it would have.
"""

import queue
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wordmask.lab.data.packs import SURE, Packs, Record
from wordmask.lab.training.samples import Sample, SampleOptions, make_sample

# Share of each set in a batch: the dense truths first, then the teachers' pictures, which carry most of COCO's words.
SHARES = {
    "voc": 2.6, "coco": 2.4, "nyu": 2.0, "camvid": 1.5, "coco_person": 0.5, "unlabelled": 2.6, "flickr8k": 0.7,
    "ccp": 0.35, "carparts": 0.25, "facade": 0.25, "bsds": 0.35, "coco_airport": 0.15, "suim": 0.03, "davis": 0.12,
}  # fmt: skip
HELD_OUT = 0.05
"""The last share of each set's sorted pictures is never trained on: model selection and calibration look there."""


@dataclass(frozen=True)
class Batch:
    """B crops; what belongs to pictures is padded, what belongs to cuts says which picture it is of."""

    pictures: Tensor
    points: Tensor
    """(B, P, 2); rows -1 where padded."""
    point_rows: Tensor
    region_points: Tensor
    """(B, R, K, 2)"""
    region_rows: Tensor
    region_boxes: Tensor
    cut_of: Tensor
    """(C,) index of the picture."""
    cut_masks: Tensor
    cut_points: Tensor
    cut_kinds: Tensor
    cut_before: Tensor
    cut_rows: Tensor
    depth: Tensor
    captions: Tensor
    """(B, D) vector of one caption, zeros where there is none."""

    def to(self, device: torch.device) -> "Batch":
        return Batch(*(getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)))


def split(records: list[Record]) -> tuple[list[Record], list[Record]]:
    """(to learn from, held out). NYU and CamVid neighbours show the same place, hence a block, not a sample."""
    by_set: dict[str, list[Record]] = defaultdict(list)
    for r in records:
        by_set[r.set].append(r)
    learn, held = [], []
    for rows in by_set.values():
        cut = len(rows) - int(len(rows) * HELD_OUT)
        learn += rows[:cut]
        held += rows[cut:]
    return learn, held


class Batches:
    """Draws pictures: first the set by its share, then the picture by how rare its words are."""

    def __init__(
        self,
        packs: Packs,
        options: SampleOptions,
        size: int,
        captions: dict[str, NDArray[np.float32]],
    ) -> None:
        self.packs, self.options, self.size, self.captions = packs, options, size, captions
        learn, _ = split(packs.records)
        self.records = learn
        self.odds = _odds(learn)

    def batch(self, seed: int, step: int) -> Batch:
        rng = np.random.default_rng([seed, step])
        chosen = [self.records[k] for k in rng.choice(len(self.records), self.size, p=self.odds)]
        samples = [make_sample(self.packs.load(r), rng, self.options) for r in chosen]
        return collate(samples, self._captions(chosen, rng), self.options)

    def stream(self, seed: int, start: int, ahead: int = 3) -> Iterator[Batch]:
        """Batches from step `start` on, made by one thread that stays `ahead`."""
        ready: queue.Queue[Batch | Exception] = queue.Queue(ahead)
        threading.Thread(target=self._fill, args=(ready, seed, start), daemon=True).start()
        while True:
            got = ready.get()
            if isinstance(got, Exception):
                raise got
            yield got

    def _fill(self, ready: "queue.Queue[Batch | Exception]", seed: int, step: int) -> None:
        try:
            while True:
                ready.put(self.batch(seed, step))
                step += 1
        except Exception as error:
            ready.put(error)

    def _captions(self, chosen: list[Record], rng: np.random.Generator) -> NDArray[np.float32]:
        width = next(iter(self.captions.values())).shape[1] if self.captions else 1
        rows = np.zeros((len(chosen), width), np.float32)
        for k, r in enumerate(chosen):
            known = self.captions.get(f"{r.set}/{r.stem}")
            if known is not None:
                rows[k] = known[rng.integers(len(known))]
        return rows


def _odds(records: list[Record]) -> NDArray[np.float64]:
    """Within a set a picture counts as its rarest word does: 1 / sqrt(pictures that show it)."""
    shown = [
        {(r.set, b[4]) for b in r.boxes if b[5] >= SURE}
        | {(r.set, a["name"]) for a in r.annotations}
        for r in records
    ]
    count: dict[tuple[str, object], int] = defaultdict(int)
    total: dict[str, float] = defaultdict(float)
    for words in shown:
        for w in words:
            count[w] += 1
    rarity = np.array([max((count[w] ** -0.5 for w in words), default=0.05) for words in shown])
    for r, value in zip(records, rarity, strict=True):
        total[r.set] += float(value)
    odds = np.array(
        [v / total[r.set] * SHARES.get(r.set, 0.0) for r, v in zip(records, rarity, strict=True)]
    )
    normal: NDArray[np.float64] = odds / odds.sum()
    return normal


def collate(samples: list[Sample], captions: NDArray[np.float32], o: SampleOptions) -> Batch:
    """Samples side by side; regions padded to `o.regions` and points to `o.points`."""
    b = len(samples)
    points, rows = np.zeros((b, o.points, 2), np.float32), np.full((b, o.points), -1, np.int64)
    where = np.zeros((b, o.regions, o.inside, 2), np.float32)
    names, boxes = np.full((b, o.regions), -1, np.int64), np.zeros((b, o.regions, 4), np.float32)
    for k, s in enumerate(samples):
        points[k, : len(s.points)], rows[k, : len(s.points)] = s.points, s.point_rows
        n = len(s.region_rows)
        where[k, :n], names[k, :n], boxes[k, :n] = s.region_points, s.region_rows, s.region_boxes
    of = np.repeat(np.arange(b), [len(s.cut_masks) for s in samples])
    cuts = [
        np.concatenate([getattr(s, f) for s in samples])
        for f in ("cut_masks", "cut_points", "cut_kinds", "cut_before", "cut_rows")
    ]
    pictures = np.stack([s.picture for s in samples])
    depth = np.stack([s.depth for s in samples])
    arrays = (points, rows, where, names, boxes, of, *cuts, depth, captions)
    return Batch(torch.from_numpy(pictures).permute(0, 3, 1, 2), *map(torch.from_numpy, arrays))
