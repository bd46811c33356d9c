"""Scale and shift of a relative depth, from depths that are known, some of them wrongly."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import OptionError

PAIRS = 2000  # tried; all of them where there are fewer
WIDE = 2.5  # robust deviations from which a known depth is taken for wrong
MAD_TO_SIGMA = 1.4826
FEW = 5 / 1000  # a share of Z: residuals below this are as good as none


@dataclass(frozen=True, eq=False)
class DepthFit:
    """`values * scale + shift` is Z, or 1 / Z where the values are inverse."""

    scale: float
    shift: float
    agree: Array  # (N,) bool: the known depths that it goes by
    error: float  # typical relative error of Z at those


def fit_depth(values: Array, z: Array, *, inverse: bool, seed: int = 0) -> DepthFit | None:
    """Scale and shift from N >= 2 known depths `z` at `values`; up to half of them may be wrong.

    Each line through two of them is held against all: the one with the least median error in 1 / Z
    stays, and is fitted again to those near it. None where no line makes far things far.
    """
    values, z = np.asarray(values, np.float64), np.asarray(z, np.float64)
    if len(values) != len(z) or len(z) < 2:
        raise OptionError(f"a scale and a shift take at least 2 known depths, got {len(z)}")
    wanted = 1 / z if inverse else z
    first, second = _pairs(len(z), seed)
    run = values[second] - values[first]
    usable = np.abs(run) > 1e-9 * max(float(np.ptp(values)), 1e-9)
    first, second, run = first[usable], second[usable], run[usable]
    scales = (wanted[second] - wanted[first]) / run
    shifts = wanted[first] - scales * values[first]
    grow = scales > 0
    if not grow.any():
        return None
    scales, shifts = scales[grow], shifts[grow]
    errors = _inverse_errors(values[None] * scales[:, None] + shifts[:, None], z, inverse)
    best = int(np.median(errors, 1).argmin())
    agree = _near(errors[best], z)
    scale, shift = _refit(values, wanted, agree, inverse) or (scales[best], shifts[best])
    relative = _inverse_errors(values * scale + shift, z, inverse) * z
    return DepthFit(float(scale), float(shift), agree, float(np.median(relative[agree])))


def fit_scale(guess: Array, z: Array) -> tuple[float, float]:
    """The factor from guessed depths to known ones, by the median, and its relative spread."""
    ratios = np.asarray(z, np.float64) / np.asarray(guess, np.float64)
    factor = float(np.median(ratios))
    return factor, float(np.median(np.abs(ratios / factor - 1)))


def _pairs(count: int, seed: int) -> tuple[Array, Array]:
    if count * (count - 1) // 2 <= PAIRS:
        first, second = np.array(list(combinations(range(count), 2))).T
        return first, second
    rng = np.random.default_rng(seed)
    first = rng.integers(0, count, PAIRS)
    return first, (first + rng.integers(1, count, PAIRS)) % count


def _inverse_errors(fitted: Array, z: Array, inverse: bool) -> Array:
    """|1 / Z - 1 / Z known|; infinite where the fit lies behind the camera."""
    ahead = fitted > 0
    safe = np.where(ahead, fitted, 1)
    found = safe if inverse else 1 / safe
    return np.where(ahead, np.abs(found - 1 / z), np.inf)


def _near(errors: Array, z: Array) -> Array:
    """(N,) bool: errors that are usual beside those of the better half."""
    sigma = MAD_TO_SIGMA * float(np.median(errors))
    near: Array = errors <= np.maximum(WIDE * sigma, FEW / z)
    return near


def _refit(values: Array, wanted: Array, agree: Array, inverse: bool) -> tuple[float, float] | None:
    """Least squares of the relative error; None where it would turn near and far round."""
    design = np.stack([values[agree], np.ones(np.count_nonzero(agree))], 1)
    weights = 1 / wanted[agree]
    if np.count_nonzero(agree) < 2 or np.ptp(values[agree]) == 0:
        return None
    (scale, shift), *_ = np.linalg.lstsq(design * weights[:, None], wanted[agree] * weights)
    ahead = (values[agree] * scale + shift > 0).all()
    return (float(scale), float(shift)) if scale > 0 and ahead else None
