"""Pictures of several data sets with their truth in words, as suites need them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Image
from wordmask.errors import InputError, Mend
from wordmask.lab.data import Dataset, Sample, Truth, open_data
from wordmask.lab.data.words import WordLabels, word_labels


class WordTruth(NamedTuple):
    """One picture, and the word of every pixel."""

    image: Image
    labels: WordLabels
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
    labels = word_labels(data, truth, complete=truth.exhaustive)
    return WordTruth(data.image(sample), labels, truth)


def has_none(data: Dataset) -> bool:
    """Whether the set has pixels that are none of its words: a background, or listed regions."""
    return data.background is not None or any(sample.regions for sample in data.samples)
