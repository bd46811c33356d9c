import numpy as np
import pytest

import drawing
from wordmask.ops.matte import foreground, reach_of, soft_matte


def disc(side: int, radius: int) -> np.ndarray:
    """A disc in the middle of a square."""
    return drawing.disc((side, side), (side // 2 + 0.5, side // 2 + 0.5), radius)


def blended_disc(side: int = 96, radius: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Picture, true alpha (soft over 8 pixels), hard mask: a red disc on blue."""
    y, x = np.mgrid[:side, :side]
    away = np.hypot(y - side / 2, x - side / 2) - radius
    alpha = np.clip(0.5 - away / 8, 0, 1)
    pixels = alpha[..., None] * (220, 30, 30) + (1 - alpha[..., None]) * (20, 40, 200)
    return np.rint(pixels).astype(np.uint8), alpha, alpha > 0.5


@pytest.mark.parametrize("coarse", [1, 2])
def test_the_matte_is_nearer_to_the_true_alpha_than_the_hard_mask(coarse):
    pixels, alpha, mask = blended_disc()
    matte = soft_matte(pixels, mask, reach=8, coarse=coarse)
    assert np.abs(matte - alpha).mean() < 0.6 * np.abs(mask - alpha).mean()
    assert matte.min() == 0
    assert matte.max() == 1


def test_far_from_the_edge_the_matte_is_the_mask():
    rng = np.random.default_rng(0)
    mask = disc(80, 30)
    matte = soft_matte(rng.integers(0, 255, (80, 80, 3), np.uint8), mask, reach=4)
    assert (matte[disc(80, 25)] == 1).all()
    assert (matte[~disc(80, 35)] == 0).all()


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        pytest.param(np.zeros((9, 9), bool), 0, id="empty"),
        pytest.param(np.ones((9, 9), bool), 1, id="everything"),
    ],
)
def test_masks_without_an_edge_give_flat_mattes(mask, expected):
    assert (soft_matte(np.full((9, 9, 3), 77, np.uint8), mask) == expected).all()


def test_a_one_pixel_mask_gives_a_finite_matte():
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    matte = soft_matte(np.full((9, 9, 3), 77, np.uint8), mask)
    assert np.isfinite(matte).all()
    assert 0 <= matte.min() <= matte.max() <= 1


def test_the_foreground_loses_the_old_background():
    pixels, alpha, mask = blended_disc()
    edge = (alpha > 0.3) & (alpha < 0.8)
    own = foreground(pixels, alpha.astype(np.float32), reach=8).astype(int)
    pure = np.array((220, 30, 30))
    assert np.abs(own[edge] - pure).mean() < 0.35 * np.abs(pixels[edge].astype(int) - pure).mean()
    assert (own[alpha == 1] == pixels[alpha == 1]).all()
    assert mask.any()


def test_the_reach_follows_the_mask():
    mask = np.zeros((50, 60), bool)
    mask[10:20, 30:50] = True
    assert reach_of(mask) == 2
    assert reach_of(np.ones((4000, 4000), bool)) == 40
