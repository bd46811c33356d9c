"""The guided filter (He, Sun and Tang, 2013): smooth values with the edges of a picture."""

import cv2
import numpy as np

from wordmask.core.image import Array
from wordmask.errors import OptionError


class GuidedFilter:
    """The filter of one picture, for any number of fields of values.

    `guide` (H, W, 3) float32 holds colours in 0..1, windows are 2 `radius` + 1 pixels wide, and
    `eps` is the variance of colour below which a window counts as flat. `coarse` computes the
    functions on every `coarse`-th pixel, which is that squared times faster and hardly seen (fast
    guided filter).
    """

    def __init__(self, guide: Array, *, radius: int, eps: float, coarse: int = 1) -> None:
        if radius < 1 or eps <= 0:
            raise OptionError(f"radius must be at least 1 and eps above 0, got {radius} and {eps}")
        height, width = guide.shape[:2]
        self._guide, self._small = guide, guide
        self._small_wh = max(1, width // coarse), max(1, height // coarse)
        if coarse > 1:
            self._small = cv2.resize(guide, self._small_wh, interpolation=cv2.INTER_AREA)
        self._side = (2 * max(1, radius // coarse) + 1,) * 2
        self._colour = self._window_mean(self._small)
        self._cofactors, self._determinant = _cofactors(*self._covariances(eps))

    def __call__(self, values: Array) -> Array:
        """(H, W) float32: `values` (H, W), in every window a linear function of the colour."""
        small: Array = values.astype(np.float32)
        size_wh = values.shape[::-1]
        is_coarse = self._small is not self._guide
        if is_coarse:
            small = cv2.resize(small, self._small_wh, interpolation=cv2.INTER_AREA)
        slopes, offset = self._regress(small)
        if is_coarse:
            slopes = cv2.resize(slopes, size_wh, interpolation=cv2.INTER_LINEAR)
            offset = cv2.resize(offset, size_wh, interpolation=cv2.INTER_LINEAR)
        filtered: Array = np.einsum("hwc,hwc->hw", slopes, self._guide) + offset
        return filtered

    def _window_mean(self, array: Array) -> Array:
        mean: Array = cv2.boxFilter(array, cv2.CV_32F, self._side, borderType=cv2.BORDER_REFLECT)
        return mean

    def _covariances(self, eps: float) -> tuple[Array, Array]:
        """(h, w, 3) variances of the channels plus `eps`, and covariances of the pairs."""
        colour = self._colour
        r, g, b = (np.ascontiguousarray(self._small[..., channel]) for channel in range(3))
        squares = self._window_mean(np.dstack([r * r, g * g, b * b])) - colour * colour
        products = self._window_mean(np.dstack([r * g, r * b, g * b]))
        products = products - colour[..., [0, 0, 1]] * colour[..., [1, 2, 2]]
        return squares + np.float32(eps), products

    def _regress(self, values: Array) -> tuple[Array, Array]:
        """Slopes (h, w, 3) and offset (h, w) of every window, averaged over those of a pixel."""
        value = self._window_mean(values)
        covariance = self._window_mean(self._small * values[..., None])
        slopes = self._solve(covariance - self._colour * value[..., None])
        offset = value - np.einsum("hwc,hwc->hw", slopes, self._colour)
        return self._window_mean(slopes), self._window_mean(np.ascontiguousarray(offset))

    def _solve(self, right: Array) -> Array:
        """x of (covariance of the colours) x = right at every pixel."""
        c00, c01, c02, c11, c12, c22 = self._cofactors
        x, y, z = (right[..., k] for k in range(3))
        solution: Array = np.dstack(
            [c00 * x + c01 * y + c02 * z, c01 * x + c11 * y + c12 * z, c02 * x + c12 * y + c22 * z]
        )
        solution /= self._determinant[..., None]
        return solution


def guided_filter(
    guide: Array, values: Array, *, radius: int, eps: float, coarse: int = 1
) -> Array:
    """`GuidedFilter` for one field of values."""
    return GuidedFilter(guide, radius=radius, eps=eps, coarse=coarse)(values)


def _cofactors(squares: Array, products: Array) -> tuple[tuple[Array, ...], Array]:
    """Six cofactors and the determinant of a symmetrical matrix at every pixel.

    `squares` are its diagonal, `products` its entries (0, 1), (0, 2), (1, 2).
    """
    a, d, f = (squares[..., k] for k in range(3))
    b, c, e = (products[..., k] for k in range(3))
    c00, c01, c02 = d * f - e * e, c * e - b * f, b * e - c * d
    c11, c12, c22 = a * f - c * c, b * c - a * e, a * d - b * b
    determinant: Array = np.maximum(a * c00 + b * c01 + c * c02, 1e-12)
    return (c00, c01, c02, c11, c12, c22), determinant
