"""Batches of own pictures for the words of `mini`."""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.lab.data.sample import VOID, Dataset, Sample
from wordmask.lab.training.batches import TrainingBatch, collate, stream_ahead
from wordmask.lab.training.labels import IGNORE, MIN_AREA, LabelledMasks, Labels, TeacherBoxes
from wordmask.lab.training.own_split import OwnSplit
from wordmask.lab.training.samples import SampleOptions, make_sample
from wordmask.ops.regions import pieces_as_masks

KEPT = 256  # pictures in memory, with their labels


class OwnReader:
    """What a picture says, in rows: the number of a word, or the number of words for none."""

    def __init__(self, split: OwnSplit) -> None:
        self.split = split
        self._parts = (split.learn, split.fit, split.test)
        self._samples = [{one.name: one for one in part.samples} for part in self._parts]
        self._kept = lru_cache(KEPT)(self._read)

    def read(self, data: Dataset, sample: Sample) -> Labels:
        """`data` is one of the parts of the split."""
        return self._kept(self._parts.index(data), sample.name)

    def _read(self, part: int, name: str) -> Labels:
        data, sample = self._parts[part], self._samples[part][name]
        image, truth = data.image(sample), data.truth(sample)
        labels = self.split.labels(data, truth)
        regions = self._regions(labels)
        if truth.exhaustive:
            regions = self._things(truth.result.masks, truth.result.names)
        return Labels(image.pixels, [labels.astype(np.int16)], regions, _no_boxes(), None)

    def _things(self, masks: Masks, names: tuple[str, ...]) -> LabelledMasks:
        words = self.split.words
        rows = np.array([words.index(one) if one in words else IGNORE for one in names], np.int64)
        return LabelledMasks(masks, rows)

    def _regions(self, labels: Array) -> LabelledMasks:
        """Classes of a label map, piece by piece."""
        height, width = labels.shape
        found = [LabelledMasks.alike(Masks.empty((height, width)), IGNORE)]
        for row in np.unique(labels).tolist():
            if row not in (VOID, len(self.split.words)):
                pieces = pieces_as_masks(labels == row, min_area=MIN_AREA)
                found.append(LabelledMasks.alike(pieces, row))
        return LabelledMasks.join(found)


class OwnBatches:
    """Draws pictures by how rare their words are; batches depend on seed and step alone."""

    def __init__(self, split: OwnSplit, options: SampleOptions, size: int) -> None:
        self.split, self.options, self.size = split, options, size
        self.reader = OwnReader(split)
        self.odds = _odds(split)

    def batch(self, seed: int, step: int) -> TrainingBatch:
        """The batch of one step."""
        rng = np.random.default_rng([seed, step])
        samples = self.split.learn.samples
        chosen = [samples[row] for row in rng.choice(len(samples), self.size, p=self.odds)]
        return self._make(self.split.learn, chosen, rng)

    def stream(self, seed: int, start: int) -> Iterator[TrainingBatch]:
        """Batches from step `start` on."""
        return stream_ahead(lambda step: self.batch(seed, step), start)

    def test_batches(self, most: int) -> Iterator[TrainingBatch]:
        """Crops of at most so many pictures of the test set, always the same."""
        samples = self.split.test.samples[:most]
        for start in range(0, len(samples), self.size):
            rng = np.random.default_rng(start)
            yield self._make(self.split.test, samples[start : start + self.size], rng)

    def _make(
        self, data: Dataset, chosen: tuple[Sample, ...] | list[Sample], rng: np.random.Generator
    ) -> TrainingBatch:
        made = [make_sample(self.reader.read(data, one), rng, self.options) for one in chosen]
        return collate(made, np.zeros((len(made), 1), np.float32), self.options)


def _odds(split: OwnSplit) -> Array:
    """How likely each picture is: as its rarest word, 1 / sqrt(pictures with it)."""
    shown = [split.shown[sample.name] for sample in split.learn.samples]
    times = Counter(word for words in shown for word in words)
    rarity = np.array([max(times[word] ** -0.5 for word in words) for words in shown])
    odds: Array = rarity / rarity.sum()
    return odds


def _no_boxes() -> TeacherBoxes:
    return TeacherBoxes(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0))
