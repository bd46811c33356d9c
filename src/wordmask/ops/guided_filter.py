"""The guided filter (He, Sun and Tang, 2013): smooth values with the edges of a picture."""

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.errors import OptionError


def guided_filter(
    guide: Array, values: Array, *, radius: int, eps: float, coarse: int = 1
) -> Array:
    """(H, W) float32: `values` (H, W), in every window a linear function of the guide's colour.

    `guide` (H, W, 3) float32 holds colours in 0..1, windows are 2 `radius` + 1 pixels wide, and
    `eps` is the variance of colour below which a window counts as flat. `coarse` computes the
    functions on every `coarse`-th pixel, which is that squared times faster and hardly seen (fast
    guided filter).
    """
    if radius < 1 or eps <= 0:
        raise OptionError(f"radius must be at least 1 and eps above 0, got {radius} and {eps}")
    size_wh = values.shape[::-1]
    small_guide, small_values = guide, values.astype(np.float32)
    if coarse > 1:
        small_wh = (max(1, size_wh[0] // coarse), max(1, size_wh[1] // coarse))
        small_guide = cv2.resize(guide, small_wh, interpolation=cv2.INTER_AREA)
        small_values = cv2.resize(small_values, small_wh, interpolation=cv2.INTER_AREA)
    slopes, offset = _regress(small_guide, small_values, max(1, radius // coarse), eps)
    if coarse > 1:
        slopes = cv2.resize(slopes, size_wh, interpolation=cv2.INTER_LINEAR)
        offset = cv2.resize(offset, size_wh, interpolation=cv2.INTER_LINEAR)
    filtered: Array = np.einsum("hwc,hwc->hw", slopes, guide) + offset
    return filtered


def _regress(guide: Array, values: Array, radius: int, eps: float) -> tuple[Array, Array]:
    """Slopes (h, w, 3) and offset (h, w) of every window, averaged over the windows of a pixel."""
    side = (2 * radius + 1, 2 * radius + 1)

    def window_mean(array: Array) -> Array:
        mean: Array = cv2.boxFilter(array, cv2.CV_32F, side, borderType=cv2.BORDER_REFLECT)
        return mean

    colour, value = window_mean(guide), window_mean(values)
    covariance = window_mean(guide * values[..., None]) - colour * value[..., None]
    r, g, b = (np.ascontiguousarray(guide[..., channel]) for channel in range(3))
    squares = window_mean(np.dstack([r * r, g * g, b * b])) - colour * colour + np.float32(eps)
    products = window_mean(np.dstack([r * g, r * b, g * b]))
    products = products - colour[..., [0, 0, 1]] * colour[..., [1, 2, 2]]
    slopes = _solve(squares, products, covariance)
    offset = value - np.einsum("hwc,hwc->hw", slopes, colour)
    return window_mean(slopes), window_mean(np.ascontiguousarray(offset))


def _solve(squares: Array, products: Array, right: Array) -> Array:
    """x of A x = right at every pixel, by cofactors.

    A is symmetric: `squares` are its diagonal, `products` its entries (0, 1), (0, 2), (1, 2).
    """
    a, d, f = (squares[..., k] for k in range(3))
    b, c, e = (products[..., k] for k in range(3))
    c00, c01, c02 = d * f - e * e, c * e - b * f, b * e - c * d
    c11, c12, c22 = a * f - c * c, b * c - a * e, a * d - b * b
    determinant = a * c00 + b * c01 + c * c02
    x, y, z = (right[..., k] for k in range(3))
    solution: Array = np.dstack(
        [c00 * x + c01 * y + c02 * z, c01 * x + c11 * y + c12 * z, c02 * x + c12 * y + c22 * z]
    )
    solution /= np.maximum(determinant, 1e-12)[..., None]
    return solution
