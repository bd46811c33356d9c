"""Probabilities, their log-odds, and back."""

import numpy as np

from wordmask.core.image import Array


def softmax_in_place(planes: Array) -> None:
    """Logits become probabilities over the first axis."""
    planes -= planes.max(0)
    np.exp(planes, out=planes)
    planes /= planes.sum(0)


def log_sum_exp(logits: Array) -> Array:
    """The logit of all together, over the first axis; -inf where all are.

    >>> np.exp(log_sum_exp(np.log(np.array([[1.0], [3.0]])))).round(6).tolist()
    [4.0]
    """
    highest = logits.max(0, initial=np.finfo(logits.dtype).min)
    shares = logits - highest
    np.exp(shares, out=shares)
    with np.errstate(divide="ignore"):
        together: Array = np.log(shares.sum(0)) + highest
    return together


def sigmoid(log_odds: Array) -> Array:
    """
    >>> sigmoid(np.array([-900.0, 0.0, 900.0])).round(3).tolist()
    [0.0, 0.5, 1.0]
    """
    probability: Array = 1 / (1 + np.exp(-np.clip(log_odds, -50, 50)))
    return probability


def log_odds(probabilities: Array, least: float) -> Array:
    """Probabilities below `least` count as it, those above 1 - `least` as that.

    >>> log_odds(np.array([0.0, 0.5]), 1e-4).round(2).tolist()
    [-9.21, 0.0]
    """
    clipped = np.clip(probabilities, least, 1 - least)
    odds: Array = np.log(clipped / (1 - clipped))
    return odds
