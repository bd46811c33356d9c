"""Several looks of `mini` at one picture, joined, and its cells drawn together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from wordmask.core.image import Array

Run = Callable[[Mapping[str, Any]], Array]


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
    _make_unit(total)
    return np.moveaxis(total, 0, -1)


def draw_together(vectors: Array, run: Run, *, share: float, sharpness: float, every: int) -> Array:
    """(h, w, D) unit rows, each moved by `share` towards the mean of those that are like it.

    `run` is together.onnx (`lab/export/mini_graphs.py`). To bound the work, means are taken over
    every so many cells of every so many rows.
    """
    planes = np.moveaxis(vectors, -1, 0)
    some = planes[:, every // 2 :: every, every // 2 :: every]
    drawn = run(
        {
            "cells": np.ascontiguousarray(planes.reshape(len(planes), -1)),
            "some": np.ascontiguousarray(some.reshape(len(planes), -1)),
            "share": np.array(share, np.float32),
            "sharpness": np.array(sharpness, np.float32),
        }
    )
    return np.moveaxis(drawn.reshape(planes.shape), 0, -1)


def _make_unit(planes: Array) -> None:
    """In place, (D, h, w)."""
    planes /= np.maximum(np.sqrt(np.einsum("dhw,dhw->hw", planes, planes)), 1e-6)
