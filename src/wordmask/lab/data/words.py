"""The truth of a picture in the words of its data set, where all of them are asked for at once."""

from typing import TypeAlias

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import FormatError
from wordmask.lab.data.sample import VOID, Dataset, Truth

WordLabels: TypeAlias = Array  # (H, W) index into the words, their number = none of them, or VOID


def word_labels(data: Dataset, truth: Truth, *, complete: bool) -> WordLabels:
    """The word of every pixel; the background is none of them.

    `complete`: every region of the words is listed, so what no region covers is none of them too.
    """
    if truth.labels is None:
        raise FormatError(f"{data.name} has no label maps")
    none = len(data.words)
    table = [
        none if index == data.background else data.words.index(name)
        for index, name in enumerate(data.classes)
    ]
    rest = none if complete else VOID  # for VOID itself, -1, which is the last row
    labels: Array = np.array([*table, rest], np.int32)[truth.labels]
    return labels
