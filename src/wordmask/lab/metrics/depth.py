"""Depth against measured depth (Eigen et al. 2014); relative depth is fitted to it first."""

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import MaskError

NAMES = ("abs_rel", "rmse", "log10", "delta1", "delta2", "delta3")


def align(predicted: Array, truth: Array, *, inverse: bool) -> Array:
    """(H, W) metres from a prediction that is right up to scale and shift.

    Both are fitted by least squares where `truth` > 0. `inverse`: the prediction grows towards the
    camera; the fit is then made in 1 / metres.
    """
    known = truth > 0
    values = predicted.astype(np.float64)
    if not known.any():
        return values
    target = 1 / truth[known] if inverse else truth[known]
    design = np.stack([values[known], np.ones(np.count_nonzero(known))], 1)
    (scale, shift), *_ = np.linalg.lstsq(design, target, rcond=None)
    fitted: Array = values * scale + shift
    if not inverse:
        return fitted
    # Beyond the farthest measured point the fitted inverse may cross zero; there it means "far".
    metres: Array = 1 / np.maximum(fitted, float(target.min()) / 2)
    return metres


def figures(truth: Array, predicted: Array) -> dict[str, float]:
    """Errors in metres over the pixels where `truth` (H, W) > 0; NaN if there is none."""
    if truth.shape != predicted.shape:
        raise MaskError(
            f"truth {truth.shape} and prediction {predicted.shape} must be of one picture"
        )
    known = truth > 0
    if not known.any():
        return dict.fromkeys(NAMES, np.nan)
    real = truth[known].astype(np.float64)
    guess = np.maximum(predicted[known].astype(np.float64), 1e-6)
    ratio = np.maximum(real / guess, guess / real)
    return {
        "abs_rel": float((np.abs(real - guess) / real).mean()),
        "rmse": float(np.sqrt(((real - guess) ** 2).mean())),
        "log10": float(np.abs(np.log10(real / guess)).mean()),
        **{f"delta{power}": float((ratio < 1.25**power).mean()) for power in (1, 2, 3)},
    }
