import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import drawing
from budget import examples
from wordmask.errors import MaskError
from wordmask.ops.fill import PatchOptions, patch_fill, smooth


def weave(side: int = 96) -> np.ndarray:
    """A regular texture: (side, side, 3) uint8."""
    y, x = np.mgrid[:side, :side]
    plane = (
        128
        + 60 * np.sin(2 * np.pi * x / 9)
        + 50 * np.sign(np.sin(2 * np.pi * (y + x // 9 * 5) / 12))
    )
    return np.repeat(plane.clip(0, 255).astype(np.uint8)[..., None], 3, 2)


def disc(side: int, radius: int) -> np.ndarray:
    """A disc in the middle of a square."""
    return drawing.disc((side, side), (side // 2 + 0.5, side // 2 + 0.5), radius)


def psnr(got: np.ndarray, truth: np.ndarray, hole: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((got[hole].astype(float) - truth[hole]) ** 2)))


def test_texture_goes_on_at_least_two_decibels_better_than_telea():
    truth, hole = weave(), disc(96, 16)
    dirty = np.where(hole[..., None], np.uint8(0), truth)
    telea = cv2.inpaint(dirty, hole.astype(np.uint8), 5, cv2.INPAINT_TELEA)
    assert psnr(patch_fill(dirty, hole), truth, hole) >= psnr(telea, truth, hole) + 2


def test_what_is_in_the_hole_plays_no_part():
    truth, hole = weave(64), disc(64, 8)
    black, white = (
        patch_fill(np.where(hole[..., None], np.uint8(v), truth), hole) for v in (0, 255)
    )
    assert (black == white).all()


def test_the_same_seed_gives_the_same_bytes():
    rng = np.random.default_rng(0)
    pixels, hole = (
        cv2.GaussianBlur(rng.integers(0, 255, (64, 64, 3), np.uint8), (0, 0), 2),
        disc(64, 10),
    )
    first, second, other = (patch_fill(pixels, hole, PatchOptions(seed=seed)) for seed in (1, 1, 2))
    assert (first == second).all()
    assert (first != other).any()


@examples(15)
@example(height=9, width=22, seed=9)  # one whole patch is known: it has no covariance
@given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 2**32 - 1))
def test_any_hole_in_any_small_picture_keeps_what_is_known(height, width, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
    hole = rng.random((height, width)) < rng.random()
    filled = patch_fill(pixels, hole)
    assert filled.shape == pixels.shape
    assert filled.dtype == np.uint8
    assert (filled[~hole] == pixels[~hole]).all()


@pytest.mark.parametrize(
    "corner",
    [
        pytest.param((0, 0), id="corner"),
        pytest.param((0, 20), id="edge"),
        pytest.param((20, 20), id="inside"),
    ],
)
def test_one_colour_stays_one_colour_wherever_the_hole_is(corner):
    pixels = np.full((48, 48, 3), (10, 200, 90), np.uint8)
    hole = np.zeros((48, 48), bool)
    hole[corner[0] : corner[0] + 12, corner[1] : corner[1] + 12] = True
    filled = patch_fill(np.where(hole[..., None], np.uint8(255), pixels), hole)
    assert (np.abs(filled.astype(int) - pixels) <= 1).all()


def test_no_hole_changes_nothing_and_a_foreign_hole_is_refused():
    pixels = weave(32)
    assert (patch_fill(pixels, np.zeros((32, 32), bool)) == pixels).all()
    with pytest.raises(MaskError, match="the hole is"):
        patch_fill(pixels, np.zeros((3, 3), bool))


def test_smooth_lies_between_what_surrounds_the_hole():
    pixels = np.zeros((16, 16, 3), np.float32)
    pixels[:, 8:] = 100
    filled = smooth(pixels, disc(16, 4))
    assert filled.min() >= 0
    assert filled.max() <= 100
    assert 20 < filled[8, 8, 0] < 80
