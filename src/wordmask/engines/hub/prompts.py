"""Mask logits between a picture and a SAM network's square input.

Low-resolution logits cover the padded square; what leaves here covers the picture, edge to edge.
"""

from math import ceil

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from wordmask.core.image import Size
from wordmask.ops.resample import Taps

OUTSIDE = -10.0  # logit of the padding, which holds no object


def crop_padding(logits: Tensor, side: int, inner: Size) -> Tensor:
    """(..., s, s) over the square -> (..., h, w) over the picture, which fills `inner` of it."""
    cells = logits.shape[-1]
    for axis, extent in ((-2, inner[0]), (-1, inner[1])):
        valid = extent * cells / side  # in cells, perhaps a fraction
        count = ceil(valid)
        if count == valid:
            logits = logits.narrow(axis, 0, count)
        else:
            places = (np.arange(count) + 0.5) * valid / count - 0.5
            matrix = Taps.at(places, cells).matrix(cells)
            matrix = torch.from_numpy(matrix).to(logits)
            logits = matrix @ logits if axis == -2 else logits @ matrix.T
    return logits


def pad_to_square(logits: Tensor, cells: int, side: int, inner: Size) -> Tensor:
    """(P, h, w) over the picture -> (P, 1, cells, cells) over the square, padded with `OUTSIDE`."""
    height, width = (max(1, round(extent * cells / side)) for extent in inner)
    small = functional.interpolate(
        logits[:, None], (height, width), mode="bilinear", antialias=True
    )
    return functional.pad(small, (0, cells - width, 0, cells - height), value=OUTSIDE)
