"""What ImageNet's classes say about a picture: probabilities in cells, and in the whole."""

from collections.abc import Sequence

import numpy as np

from wordmask.core.classes import ClassMaps
from wordmask.core.image import Array
from wordmask.ops.odds import softmax_in_place

# A mean over a picture is less certain than its cells are, so it is sharpened.
SHARPER = 2.0


def class_maps(passes: Sequence[Array]) -> ClassMaps:
    """From logits (K, h, w) of each pass; the picture as a whole is judged by the smallest."""
    smallest = min(passes, key=lambda logits: logits.size)
    whole = class_probabilities(SHARPER * smallest.mean((1, 2)))
    return ClassMaps(tuple(class_probabilities(logits) for logits in passes), whole)


def class_probabilities(logits: Array) -> Array:
    """Softmax over the first axis."""
    probabilities = logits.astype(np.float32)  # a copy
    softmax_in_place(probabilities)
    return probabilities
