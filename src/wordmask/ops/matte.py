"""Soft edges: how much of each pixel belongs to the object, and the object's own colour there.

A hard mask says yes or no; along hair and blur a pixel is both. The guided filter lets the share
follow the picture's colours near the mask's edge. Blur fusion (Forte 2021) takes the old
background out of the colours, so that hair does not carry a fringe of it onto a new one.
"""

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.ops.guided_filter import guided_filter
from wordmask.ops.regions import box_around


def reach_of(mask: Array) -> int:
    """Pixels on both sides of the edge where a matte is soft: 3 % of the object's size, 2 to 40."""
    return int(np.clip(round(0.03 * float(np.sqrt(np.count_nonzero(mask)))), 2, 40))


def soft_matte(
    pixels: Array, mask: Array, *, reach: int | None = None, eps: float = 1e-4, coarse: int = 1
) -> Array:
    """(H, W) float32 in [0, 1]: 1 deeper than `reach` inside the mask, 0 farther than it outside.

    `eps` is the variance of colour (0..1) below which an edge is none; for `coarse` see
    `guided_filter`.
    """
    matte = np.zeros(mask.shape, np.float32)
    if not mask.any():
        return matte
    reach = reach_of(mask) if reach is None else reach
    x0, y0, x1, y1 = box_around(mask, 2 * reach + 2)
    hard = mask[y0:y1, x0:x1].astype(np.float32)
    guide = pixels[y0:y1, x0:x1].astype(np.float32) / 255
    soft = guided_filter(guide, hard, radius=reach, eps=eps, coarse=coarse)
    # The filter's slopes are a little flat: stretch them, so that sure pixels are sure.
    soft = np.clip((soft - 0.08) / 0.84, 0, 1)
    soft[_is_deep(1 - hard, reach)] = 0
    soft[_is_deep(hard, reach)] = 1
    matte[y0:y1, x0:x1] = soft
    return matte


def _is_deep(hard: Array, reach: int) -> Array:
    """What lies deeper than `reach` inside; the crop's border counts as more of the same."""
    deep: Array = cv2.distanceTransform((hard > 0.5).astype(np.uint8), cv2.DIST_L2, 3) > reach
    return deep


def foreground(pixels: Array, alpha: Array, *, reach: int, coarse: int = 1) -> Array:
    """(H, W, 3) uint8: the object's own colours, without the background's share along soft edges.

    Blur fusion, twice: the mean colours of object and background nearby explain the pixel, and
    what they leave is corrected. The means are smooth, so they may be computed on every
    `coarse`-th pixel.
    """
    soft = (alpha > 0) & (alpha < 1)
    if not soft.any():
        return pixels
    x0, y0, x1, y1 = box_around(soft, 3 * reach)
    part, share = pixels[y0:y1, x0:x1], np.ascontiguousarray(alpha[y0:y1, x0:x1])
    own, behind = _mean_colours(part, share, reach, coarse)
    rows = np.flatnonzero(soft[y0:y1, x0:x1])
    size_wh = share.shape[::-1]
    near_own, near_behind = (
        cv2.resize(means, size_wh, interpolation=cv2.INTER_LINEAR).reshape(-1, 3)[rows]
        for means in (own, behind)
    )
    out = pixels.copy()
    flat = out[y0:y1, x0:x1].reshape(-1, 3)
    seen = flat[rows].astype(np.float32)
    fused = _fuse(seen, share.reshape(-1, 1)[rows], near_own, near_behind)
    flat[rows] = np.rint(np.clip(fused, 0, 255))
    out[y0:y1, x0:x1] = flat.reshape(part.shape)
    return out


def _mean_colours(part: Array, share: Array, reach: int, coarse: int) -> tuple[Array, Array]:
    """(h, w, 3) float32: the object's and the background's colours near each `coarse`-th pixel."""
    height, width = share.shape
    size_wh = (max(1, width // coarse), max(1, height // coarse))
    small = cv2.resize(part, size_wh, interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = cv2.resize(share, size_wh, interpolation=cv2.INTER_AREA)[..., None]
    far, near = (max(1, radius // coarse) for radius in (3 * reach, max(2, reach // 3)))
    own, behind = _weighted_mean(small, weight, far), _weighted_mean(small, 1 - weight, far)
    fused = _fuse(small, weight, own, behind)
    return _weighted_mean(fused, weight, near), _weighted_mean(behind, 1 - weight, near)


def _fuse(pixels: Array, share: Array, own: Array, behind: Array) -> Array:
    """`own`, corrected so that it gives the pixel when laid over `behind` by `share`."""
    fused: Array = own + share * (pixels - share * own - (1 - share) * behind)
    return fused


def _weighted_mean(values: Array, weight: Array, radius: int) -> Array:
    """The weighted mean of (h, w, 3) values around each pixel; `weight` is (h, w, 1)."""
    side = (2 * radius + 1, 2 * radius + 1)
    plane = np.ascontiguousarray(weight[..., 0])
    total = cv2.boxFilter(values * weight, cv2.CV_32F, side, borderType=cv2.BORDER_REFLECT)
    count = cv2.boxFilter(plane, cv2.CV_32F, side, borderType=cv2.BORDER_REFLECT)
    mean: Array = total / np.maximum(count, 1e-4)[..., None]
    return mean
