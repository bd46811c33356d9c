import cv2
import numpy as np
import pytest

from wordmask.errors import OptionError
from wordmask.ops.guided_filter import GuidedFilter, guided_filter


def guided_as_written(pixels, values, radius, eps):
    """The filter window by window; borders are mirrored, so pad first and cut at the end."""
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
            spread = centred.T @ centred / len(colours) + eps * np.eye(3)
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
    guide = pixels.astype(np.float32) / 255
    found = guided_filter(guide, values, radius=radius, eps=1e-2)
    assert np.allclose(found, guided_as_written(pixels, values, radius, 1e-2), atol=1e-4)


def test_where_the_picture_is_flat_the_guide_changes_nothing_but_smooths():
    values = np.zeros((9, 9))
    values[4, 4] = 1
    grey = np.full((9, 9, 3), 0.4, np.float32)
    twice = cv2.blur(cv2.blur(values, (3, 3)), (3, 3))
    assert np.allclose(guided_filter(grey, values, radius=1, eps=1e-3), twice, atol=1e-5)


@pytest.mark.parametrize(("radius", "eps"), [(0, 1e-3), (8, 0.0)])
def test_impossible_options_are_refused(radius, eps):
    with pytest.raises(OptionError, match="radius must be"):
        guided_filter(np.zeros((4, 4, 3), np.float32), np.zeros((4, 4)), radius=radius, eps=eps)


def test_a_guided_filter_keeps_what_the_guide_explains():
    # Where the target is a linear function of the guide, it comes back.
    rng = np.random.default_rng(1)
    guide = rng.random((40, 40, 3)).astype(np.float32)
    target = (0.2 * guide[..., 0] - 0.5 * guide[..., 1] + 0.3 * guide[..., 2] + 0.4).astype(
        np.float32
    )
    assert np.abs(guided_filter(guide, target, radius=4, eps=1e-6) - target).max() < 2e-3


def test_values_follow_the_edge_of_the_guide():
    guide = np.zeros((24, 24, 3), np.float32)
    guide[:, 12:] = 0.9
    values = np.zeros((24, 24), np.float32)
    values[:, 9:] = 1  # three columns too far left
    for _ in range(3):
        values = guided_filter(guide, values, radius=4, eps=1e-3)
    assert (values[:, :11] < 0.5).all()
    assert (values[:, 13:] > 0.5).all()


def test_one_filter_serves_many_fields():
    rng = np.random.default_rng(5)
    guide = rng.random((12, 16, 3), np.float32)
    options = {"radius": 4, "eps": 1e-3, "coarse": 2}
    snap = GuidedFilter(guide, **options)
    for values in rng.random((3, 12, 16), np.float32):
        assert (snap(values) == guided_filter(guide, values, **options)).all()
