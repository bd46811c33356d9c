from math import exp, sqrt

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.errors import OptionError
from wordmask.ops.refine import guided, pamr, snap


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


@settings(max_examples=25, deadline=None)
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


# ---- the guided filter


def guided_as_written(pixels, values, radius, smoothness):
    """The colour guided filter window by window; borders mirrored, so pad first and cut at the end."""
    pad = 2 * radius
    guide = np.pad(pixels / 255.0, ((pad, pad), (pad, pad), (0, 0)), mode="symmetric")
    target = np.pad(values, pad, mode="symmetric")
    height, width = target.shape
    slopes, offsets = np.zeros((height, width, 3)), np.zeros((height, width))
    for y in range(radius, height - radius):
        for x in range(radius, width - radius):
            window = np.s_[y - radius : y + radius + 1, x - radius : x + radius + 1]
            colours, wanted = guide[window].reshape(-1, 3), target[window].ravel()
            centred = colours - colours.mean(0)
            spread = centred.T @ centred / len(colours) + smoothness * np.eye(3)
            slopes[y, x] = np.linalg.solve(
                spread, centred.T @ (wanted - wanted.mean()) / len(colours)
            )
            offsets[y, x] = wanted.mean() - slopes[y, x] @ colours.mean(0)
    out = np.zeros(values.shape)
    for y, x in np.ndindex(*values.shape):
        window = np.s_[
            y + pad - radius : y + pad + radius + 1, x + pad - radius : x + pad + radius + 1
        ]
        out[y, x] = (
            slopes[window].reshape(-1, 3).mean(0) @ guide[y + pad, x + pad] + offsets[window].mean()
        )
    return out


@pytest.mark.parametrize("radius", [1, 2])
def test_the_guided_filter_is_its_definition(radius):
    rng = np.random.default_rng(4)
    pixels, values = rng.integers(0, 256, (10, 13, 3)).astype(np.uint8), rng.random((10, 13))
    found = guided(pixels, values, radius=radius, smoothness=1e-2)
    assert np.allclose(found, guided_as_written(pixels, values, radius, 1e-2), atol=1e-4)


def test_where_the_picture_is_flat_the_guide_changes_nothing_but_smooths():
    values = np.zeros((9, 9))
    values[4, 4] = 1
    grey = np.full((9, 9, 3), 90, np.uint8)
    twice = cv2.blur(cv2.blur(values, (3, 3)), (3, 3))
    assert np.allclose(guided(grey, values, radius=1), twice, atol=1e-5)


@pytest.mark.parametrize("options", [{"radius": 0}, {"smoothness": 0.0}])
def test_guided_refuses_impossible_options(options):
    with pytest.raises(OptionError, match="radius must be"):
        guided(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), **options)


def disc_picture() -> tuple[Image, np.ndarray]:
    truth = np.zeros((120, 160), np.uint8)
    cv2.circle(truth, (90, 60), 35, 1, -1)
    pixels = np.where(truth[..., None] == 1, (200, 60, 50), (40, 90, 160)).astype(np.uint8)
    noise = np.random.default_rng(0).integers(-8, 9, pixels.shape)
    return Image((pixels + noise).astype(np.uint8)), truth.astype(bool)


@pytest.mark.parametrize("grow", [-4, 4])
def test_snap_moves_a_loose_edge_onto_the_pictures_edge(grow):
    image, truth = disc_picture()
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(grow) + 1,) * 2)
    work = cv2.dilate if grow > 0 else cv2.erode
    loose = Masks.from_dense(work(truth.astype(np.uint8), kernel).astype(bool))
    exact = Masks.from_dense(truth)
    before, after = loose.iou(exact)[0, 0], snap(image, loose).iou(exact)[0, 0]
    assert before < 0.83
    assert after > 0.97


def test_snap_leaves_a_good_mask_good_and_other_masks_alone():
    image, truth = disc_picture()
    exact = Masks.from_dense(truth)
    assert snap(image, exact).iou(exact)[0, 0] > 0.97
    both = Masks.concatenate([exact, Masks.from_dense(np.zeros_like(truth))])
    alone, empty = snap(image, exact), snap(image, both)
    assert (empty[:1].dense() == alone.dense()).all()
    assert empty.areas[1] == 0


def test_snap_works_at_the_corner_as_in_the_whole_picture():
    image, truth = disc_picture()
    cut = Image(image.pixels[:70, :100].copy())
    corner = Masks.from_dense(truth[:70, :100])
    assert snap(cut, corner).iou(corner)[0, 0] > 0.95


def test_a_mask_that_would_vanish_stays():
    grey = Image(np.full((40, 40, 3), 90, np.uint8))
    dot = Masks.from_crops((40, 40), [(20, 20)], [np.ones((1, 1), bool)])
    assert snap(grey, dot).boxes.tolist() == [[20, 20, 21, 21]]


def test_snap_of_nothing_and_of_another_picture():
    image, _ = disc_picture()
    assert len(snap(image, Masks.empty(image.size))) == 0
    with pytest.raises(OptionError, match="the picture is"):
        snap(image, Masks.empty((3, 3)))
