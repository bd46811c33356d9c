"""Which homography takes one frame of a video to another, by points that both hold.

For pans and far grounds one homography is the whole truth; where things lie at several depths, the
one of the points near a box is right there.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.ops.regions import Box

POINTS = 1500  # corners a frame is known by
LEAST = 12  # that must agree on a homography
LEAST_NEAR = 20  # matches near a box for a homography of its own
ERROR_PX, ERROR_NEAR_PX = 2.0, 3.0  # by which points may miss
NEAR = 0.6  # how far around a box is near, as a share of its sides


class Corners(NamedTuple):
    """What a frame is known by."""

    xy: Array  # (N, 2) float32
    codes: Array  # (N, 32) uint8


def find_corners(pixels: Array, skip: Array) -> Corners:
    """Corners of (H, W, 3) uint8 away from `skip`, (H, W) bool: what moves by itself."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15))
    mask = cv2.dilate(skip.astype(np.uint8), kernel) == 0
    orb: Any = cv2.ORB_create(POINTS)  # type: ignore[attr-defined]  # the stubs lack it
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    points, codes = orb.detectAndCompute(grey, mask.astype(np.uint8) * 255)
    if codes is None:
        return Corners(np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8))
    return Corners(np.array([point.pt for point in points], np.float32), codes)


def homographies(here: Corners, there: Corners, box: Box) -> list[Array]:
    """(3, 3) each, from here to there, of which the caller takes the one that fits best.

    Of all points, of those near `box`, and one that only moves, turns and scales: it needs few
    points to be right away from them. None where nothing matches.
    """
    if min(len(here.xy), len(there.xy)) < LEAST:
        return []
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(here.codes, there.codes)
    start = here.xy[[match.queryIdx for match in matches]]
    end = there.xy[[match.trainIdx for match in matches]]
    found = [_fit(start, end, ERROR_PX), _fit_simply(start, end)]
    near = _is_near(start, box)
    if LEAST_NEAR <= near.sum() < len(near):
        found.append(_fit(start[near], end[near], ERROR_NEAR_PX))
    return [matrix for matrix in found if matrix is not None]


def _is_near(xy: Array, box: Box) -> Array:
    x0, y0, x1, y1 = box
    dx, dy = NEAR * (x1 - x0), NEAR * (y1 - y0)
    low, high = np.array([x0 - dx, y0 - dy]), np.array([x1 + dx, y1 + dy])
    near = (xy > low) & (xy < high)
    return near[:, 0] & near[:, 1]


def _fit(start: Array, end: Array, error_px: float) -> Array | None:
    if len(start) < LEAST:
        return None
    cv2.setRNGSeed(0)  # the same frames give the same homography
    matrix, agrees = cv2.findHomography(start, end, cv2.RANSAC, error_px)
    return None if matrix is None or agrees.sum() < LEAST else np.asarray(matrix)


def _fit_simply(start: Array, end: Array) -> Array | None:
    cv2.setRNGSeed(0)
    affine, agrees = cv2.estimateAffinePartial2D(start, end, ransacReprojThreshold=ERROR_PX)
    if affine is None or agrees.sum() < LEAST:
        return None
    return np.vstack([affine, [0, 0, 1]])
