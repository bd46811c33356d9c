"""The truth of a picture in the words of its data set, for suites that ask for all at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.errors import InputError, Mend
from wordmask.lab.data import Dataset, Sample, Truth, open_data


class WordTruth(NamedTuple):
    """One picture, and the word of every pixel."""

    image: Image
    labels: Array  # (H, W) index into the words; their number = none of them, -1 = not scored
    truth: Truth


def open_pack(folder: Path, name: str) -> Dataset:
    """One of the data sets that lie in a folder together."""
    if not folder.is_dir():
        raise InputError(f"there are no data sets at {folder}", mend=Mend("data", "FOLDER"))
    return open_data(folder / name)


def spread_samples(data: Dataset, count: int) -> Sequence[Sample]:
    """At most `count` samples, evenly spread over the set; 0 = all."""
    total = len(data.samples)
    if not 0 < count < total:
        return data.samples
    places = np.linspace(0, total - 1, count).round().astype(int)
    return [data.samples[place] for place in places.tolist()]


def read_words(data: Dataset, sample: Sample) -> WordTruth:
    truth = data.truth(sample)
    return WordTruth(data.image(sample), word_labels(data, truth), truth)


def word_labels(data: Dataset, truth: Truth) -> Array:
    """(H, W) index into `data.words`; their number = none of them, -1 = not scored."""
    if truth.labels is None:
        raise InputError(f"{data.name} has no label maps")
    none = len(data.words)
    table = np.full(len(data.classes) + 1, -1, np.int32)  # the last row is for -1
    for index, name in enumerate(data.classes):
        table[index] = none if index == data.background else data.words.index(name)
    if truth.exhaustive:  # every region is listed, so what none covers is none of the words
        table[-1] = none
    labels: Array = table[truth.labels]
    return labels


def has_none(data: Dataset) -> bool:
    """Whether the set has pixels that are none of its words: a background, or listed regions."""
    return data.background is not None or any(sample.rows for sample in data.samples)
