from math import exp, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from budget import examples
from wordmask.errors import OptionError
from wordmask.ops.refine import pamr


def pamr_as_written(pixels, scores, dilations, iterations):
    """PAMR straight from its definition: one pixel, one class, one neighbour at a time."""
    height, width, channels = pixels.shape

    def at(plane, y, x):
        return float(plane[min(max(y, 0), height - 1)][min(max(x, 0), width - 1)])

    steps = [(dy * d, dx * d) for d in dilations for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    around = [step for step in steps if step != (0, 0)]
    weights = {}
    for y in range(height):
        for x in range(width):
            logits = [0.0] * len(around)
            for c in range(channels):
                plane = pixels[:, :, c]
                values = [at(plane, y + dy, x + dx) for dy, dx in steps]
                mean = sum(values) / len(values)
                std = sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
                for k, (dy, dx) in enumerate(around):
                    logits[k] -= (
                        abs(at(plane, y, x) - at(plane, y + dy, x + dx))
                        / (1e-8 + 0.1 * std)
                        / channels
                    )
            top = max(logits)
            parts = [exp(logit - top) for logit in logits]
            weights[y, x] = [part / sum(parts) for part in parts]
    for _ in range(iterations):
        before = scores
        scores = np.zeros_like(before)
        for c, y, x in np.ndindex(*before.shape):
            for weight, (dy, dx) in zip(weights[y, x], around, strict=True):
                scores[c, y, x] += weight * at(before[c], y + dy, x + dx)
    return scores


@pytest.mark.parametrize(
    ("dilations", "iterations"), [((8, 16), 2), ((1,), 3), ((1, 3), 1), ((2,), 0)]
)
def test_pamr_is_its_definition(dilations, iterations):
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (9, 11, 3)).astype(np.uint8)
    scores = rng.random((2, 9, 11))
    expected = pamr_as_written(pixels, scores, dilations, iterations)
    found = pamr(pixels, scores, dilations=dilations, iterations=iterations)
    assert np.allclose(found, expected, atol=1e-5)


def test_pamr_by_default_is_ten_rounds_at_8_and_16():
    rng = np.random.default_rng(2)
    pixels, scores = rng.random((40, 40, 3)), rng.random((1, 40, 40))
    assert (pamr(pixels, scores) == pamr(pixels, scores, dilations=(8, 16), iterations=10)).all()
    assert not np.allclose(pamr(pixels, scores), pamr(pixels, scores, iterations=9))


@examples(25)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 8), st.integers(1, 8), st.just(3))),
    st.lists(st.integers(1, 5), min_size=1, max_size=2, unique=True),
)
def test_pamr_keeps_probabilities_probabilities(pixels, dilations):
    first = pixels[..., 0] / 255
    refined = pamr(pixels, np.stack([first, 1 - first]), dilations=dilations, iterations=3)
    assert np.allclose(refined.sum(0), 1, atol=1e-5)
    assert refined.min() >= 0
    # The scale of the colours does not matter: weights are relative to the local spread.
    scaled = pamr(
        pixels.astype(np.float64) * 4,
        np.stack([first, 1 - first]),
        dilations=dilations,
        iterations=3,
    )
    assert np.allclose(refined, scaled, atol=1e-4)


def test_pamr_does_not_change_its_inputs_and_takes_no_class_at_all():
    pixels, scores = (
        np.zeros((4, 5, 3), np.uint8),
        np.random.default_rng(0).random((2, 4, 5)).astype(np.float32),
    )
    before = scores.copy()
    pamr(pixels, scores)
    assert (scores == before).all()
    assert pamr(pixels, scores[:0]).shape == (0, 4, 5)


def test_pamr_moves_a_label_to_the_pictures_edge():
    pixels = np.zeros((24, 24, 3), np.uint8)
    pixels[:, 12:] = 255
    scores = np.zeros((2, 24, 24), np.float32)
    scores[0, :, :9], scores[1, :, 9:] = 1, 1  # three columns too far left
    refined = pamr(pixels, scores, dilations=(1, 2), iterations=30)
    assert refined.argmax(0)[:, :12].sum() == 0
    assert refined.argmax(0)[:, 12:].all()


@pytest.mark.parametrize(
    ("pixels", "scores", "dilations"),
    [
        (np.zeros((4, 5, 3)), np.zeros((2, 5, 4)), (8,)),
        (np.zeros((4, 5)), np.zeros((2, 4, 5)), (8,)),
        (np.zeros((4, 5, 3)), np.zeros((4, 5)), (8,)),
        (np.zeros((4, 5, 3)), np.zeros((2, 4, 5)), (0,)),
        (np.zeros((4, 5, 3)), np.zeros((2, 4, 5)), ()),
    ],
)
def test_pamr_refuses_what_does_not_fit(pixels, scores, dilations):
    with pytest.raises(OptionError):
        pamr(pixels, scores, dilations=dilations)
