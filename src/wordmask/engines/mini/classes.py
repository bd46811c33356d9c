"""What ImageNet's classes say about a picture: probabilities in cells, and in the whole."""

from collections.abc import Sequence

import numpy as np

from wordmask.core.classes import ClassMaps
from wordmask.core.image import Array
from wordmask.ops.odds import softmax_in_place

# A mean over a picture is less certain than its cells are, so it is sharpened.
SHARPER = 2.0
PEAK_CELLS = 8  # cells whose mean is the peak of a class


def class_maps(passes: Sequence[Array]) -> ClassMaps:
    """From logits (K, h, w) of each pass; the picture as a whole is judged by the smallest."""
    smallest = min(passes, key=lambda logits: logits.size)
    whole = class_probabilities(SHARPER * smallest.mean((1, 2)))
    summary = np.mean([_summarise(logits) for logits in passes], 0)
    return ClassMaps(tuple(class_probabilities(logits) for logits in passes), whole, summary)


def _summarise(logits: Array) -> Array:
    """(2 K,): the mean and the peak of each class over the cells of (K, h, w)."""
    flat = logits.reshape(len(logits), -1)
    cells = min(PEAK_CELLS, flat.shape[1])
    peaks = np.partition(flat, -cells, axis=1)[:, -cells:]
    return np.concatenate([flat.mean(1), peaks.mean(1)])


def class_probabilities(logits: Array) -> Array:
    """Softmax over the first axis."""
    probabilities = logits.astype(np.float32)  # a copy
    softmax_in_place(probabilities)
    return probabilities
