"""Soft edges: how much of each pixel belongs to the object, and the object's own colour there.

A hard mask says yes or no; along hair and blur a pixel is both. The guided filter (He, Sun, Tang 2013) lets the
share follow the picture's colours near the mask's edge, and blur fusion (Forte 2021) takes the old background out
of the colours, so that hair does not carry a fringe of it onto a new one.
"""

import cv2
import numpy as np

from wordmask.core.image import Array

Box = tuple[int, int, int, int]


def reach_of(mask: Array) -> int:
    """Pixels on either side of the edge within which a matte is soft: 3 % of the object's size, 2 to 40."""
    return int(np.clip(round(0.03 * float(np.sqrt(np.count_nonzero(mask)))), 2, 40))


def box_around(mask: Array, margin: int) -> Box:
    """x0, y0, x1, y1 of a non-empty mask with a margin, inside the picture."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (
        max(0, int(columns[0]) - margin),
        max(0, int(rows[0]) - margin),
        min(mask.shape[1], int(columns[-1]) + 1 + margin),
        min(mask.shape[0], int(rows[-1]) + 1 + margin),
    )


def soft_matte(
    pixels: Array, mask: Array, *, reach: int | None = None, eps: float = 1e-4, coarse: int = 1
) -> Array:
    """(H, W) float32 in [0, 1]: 1 deeper than `reach` inside the mask, 0 farther than it outside.

    `eps` is the variance of colour (0..1) below which an edge is none; `coarse` computes the filter on every
    `coarse`-th pixel, which is that squared times faster and hardly seen (fast guided filter).
    """
    out = np.zeros(mask.shape, np.float32)
    if not mask.any():
        return out
    reach = reach_of(mask) if reach is None else reach
    x0, y0, x1, y1 = box_around(mask, 2 * reach + 2)
    hard = mask[y0:y1, x0:x1].astype(np.float32)
    guide = pixels[y0:y1, x0:x1].astype(np.float32) / 255
    soft = guided(guide, hard, radius=reach, eps=eps, coarse=coarse)
    # The filter's slopes are a little flat: stretch, so that sure pixels are sure.
    soft = np.clip((soft - 0.08) / 0.84, 0, 1)
    out[y0:y1, x0:x1] = np.where(_core(hard, reach), 1, np.where(_core(1 - hard, reach), 0, soft))
    return out


def _core(hard: Array, reach: int) -> Array:
    """What lies deeper than `reach` inside; the crop's border counts as more of the same."""
    deep: Array = cv2.distanceTransform((hard > 0.5).astype(np.uint8), cv2.DIST_L2, 3) > reach
    return deep


def guided(guide: Array, target: Array, *, radius: int, eps: float, coarse: int = 1) -> Array:
    """`target` (H, W) as a local linear function of `guide` (H, W, 3) float32 in [0, 1]: edges follow the guide."""
    size_wh = target.shape[::-1]
    small_wh = (max(1, size_wh[0] // coarse), max(1, size_wh[1] // coarse))
    small = cv2.resize(guide, small_wh, interpolation=cv2.INTER_AREA) if coarse > 1 else guide
    wanted = cv2.resize(target, small_wh, interpolation=cv2.INTER_AREA) if coarse > 1 else target
    slopes, offset = _fit(small, wanted, max(1, radius // coarse), eps)
    if coarse > 1:
        slopes = cv2.resize(slopes, size_wh, interpolation=cv2.INTER_LINEAR)
        offset = cv2.resize(offset, size_wh, interpolation=cv2.INTER_LINEAR)
    out: Array = np.einsum("hwc,hwc->hw", slopes, guide) + offset
    return out


def _fit(guide: Array, target: Array, radius: int, eps: float) -> tuple[Array, Array]:
    """Slopes (h, w, 3) and offset (h, w) of the window-wise regressions, averaged over the windows of a pixel."""
    side = (2 * radius + 1, 2 * radius + 1)

    def mean(array: Array) -> Array:
        blurred: Array = cv2.boxFilter(array, cv2.CV_32F, side, borderType=cv2.BORDER_REFLECT)
        return blurred

    average, level = mean(guide), mean(target)
    covariance = mean(guide * target[..., None]) - average * level[..., None]
    r, g, b = (np.ascontiguousarray(guide[..., c]) for c in range(3))
    squares = mean(np.dstack([r * r, g * g, b * b])) - average * average + np.float32(eps)
    mixed = (
        mean(np.dstack([r * g, r * b, g * b])) - average[..., [0, 0, 1]] * average[..., [1, 2, 2]]
    )
    slopes = _solve(squares, mixed, covariance)
    offset = level - np.einsum("hwc,hwc->hw", slopes, average)
    return mean(slopes), mean(np.ascontiguousarray(offset))


def _solve(squares: Array, mixed: Array, right: Array) -> Array:
    """x of A x = right, by cofactors; A is symmetric with `squares` on its diagonal and `mixed` = (01, 02, 12)."""
    a, d, f = (squares[..., k] for k in range(3))
    b, c, e = (mixed[..., k] for k in range(3))
    c00, c01, c02 = d * f - e * e, c * e - b * f, b * e - c * d
    c11, c12, c22 = a * f - c * c, b * c - a * e, a * d - b * b
    determinant = a * c00 + b * c01 + c * c02
    x, y, z = (right[..., k] for k in range(3))
    out: Array = np.dstack(
        [c00 * x + c01 * y + c02 * z, c01 * x + c11 * y + c12 * z, c02 * x + c12 * y + c22 * z]
    )
    out /= np.maximum(determinant, 1e-12)[..., None]
    return out


def foreground(pixels: Array, alpha: Array, *, reach: int, coarse: int = 1) -> Array:
    """(H, W, 3) uint8: the object's own colours, with the background's share taken out along soft edges.

    Blur fusion, twice: the object's and the background's mean colours nearby explain the pixel; the rest is corrected.
    The means are smooth, so they may be computed on every `coarse`-th pixel.
    """
    soft = (alpha > 0) & (alpha < 1)
    if not soft.any():
        return pixels
    x0, y0, x1, y1 = box_around(soft, 3 * reach)
    part, share = pixels[y0:y1, x0:x1], np.ascontiguousarray(alpha[y0:y1, x0:x1])
    size_wh = (max(1, (x1 - x0) // coarse), max(1, (y1 - y0) // coarse))
    small = cv2.resize(part, size_wh, interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = cv2.resize(share, size_wh, interpolation=cv2.INTER_AREA)[..., None]
    radii = [max(1, radius // coarse) for radius in (3 * reach, max(2, reach // 3))]
    far_own, far_behind = _near(small, weight, radii[0]), _near(small, 1 - weight, radii[0])
    own, behind = (
        _near(_fused(small, weight, far_own, far_behind), weight, radii[1]),
        _near(far_behind, 1 - weight, radii[1]),
    )
    rows = np.flatnonzero(soft[y0:y1, x0:x1])
    near = [
        cv2.resize(array, share.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(-1, 3)[rows]
        for array in (own, behind)
    ]
    out = pixels.copy()
    flat = out[y0:y1, x0:x1].reshape(-1, 3)
    flat[rows] = np.rint(
        np.clip(_fused(flat[rows].astype(np.float32), share.reshape(-1, 1)[rows], *near), 0, 255)
    )
    out[y0:y1, x0:x1] = flat.reshape(part.shape)
    return out


def _fused(pixels: Array, share: Array, own: Array, behind: Array) -> Array:
    """The colour that, mixed with `behind` by `share`, comes nearest to the pixel, starting from `own`."""
    out: Array = own + share * (pixels - share * own - (1 - share) * behind)
    return out


def _near(values: Array, weight: Array, radius: int) -> Array:
    """The weighted mean of (h, w, 3) values around each pixel; `weight` is (h, w, 1)."""
    side = (2 * radius + 1, 2 * radius + 1)
    total = cv2.boxFilter(values * weight, cv2.CV_32F, side, borderType=cv2.BORDER_REFLECT)
    count = cv2.boxFilter(
        np.ascontiguousarray(weight[..., 0]), cv2.CV_32F, side, borderType=cv2.BORDER_REFLECT
    )
    mean: Array = total / np.maximum(count, 1e-4)[..., None]
    return mean
