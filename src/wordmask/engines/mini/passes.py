"""Several looks of `mini` at one picture, joined."""

from collections.abc import Sequence

import cv2
import numpy as np

from wordmask.core.image import Array


def mean_vectors(passes: Sequence[Array]) -> Array:
    """(H, W, D) unit rows on the largest grid: the mean of (h, w, D) of each pass, interpolated.

    In memory each dimension is a plane, as the network gives it: OpenCV resizes planes more than
    twice as fast as pixels of many channels.
    """
    planes = sorted((np.moveaxis(one, -1, 0) for one in passes), key=lambda one: -one[0].size)
    grid = planes[0].shape[1:]
    total = np.array(planes[0], np.float32, order="C")
    larger = np.empty(grid, np.float32)
    for one in planes[1:]:
        for row, plane in enumerate(np.ascontiguousarray(one)):
            cv2.resize(plane, grid[::-1], dst=larger, interpolation=cv2.INTER_LINEAR)
            total[row] += larger
    total /= np.maximum(np.sqrt(np.einsum("dhw,dhw->hw", total, total)), 1e-6)
    return np.moveaxis(total, 0, -1)
