import numpy as np
import pytest

from wordmask.errors import OptionError
from wordmask.ops import colour


@pytest.mark.parametrize(
    ("text", "rgb"),
    [("red", (220, 30, 30)), (" Gray ", (128, 128, 128)), ("#FF8000", (255, 128, 0))],
)
def test_colours_have_names_and_numbers(text, rgb):
    assert colour.parse_colour(text) == rgb


@pytest.mark.parametrize("text", ["", "reed", "#12345", "#1234567", "rgb(1,2,3)"])
def test_other_colours_are_refused(text):
    with pytest.raises(OptionError, match="#rrggbb"):
        colour.parse_colour(text)


def test_a_third_of_a_turn_makes_red_green():
    red = np.full((2, 2, 3), (255, 0, 0), np.uint8)
    assert np.abs(colour.turn_hue(red, 120).astype(int) - (0, 255, 0)).max() <= 6
    assert np.abs(colour.turn_hue(red, 0).astype(int) - red).max() <= 2
    assert (colour.turn_hue(red, 360) == colour.turn_hue(red, 0)).all()


def test_a_tint_keeps_light_and_shadow_in_order():
    ramp = np.repeat(np.linspace(20, 235, 32).astype(np.uint8)[None, :, None], 3, 2)
    tinted = colour.tint(ramp, (220, 30, 30), np.ones((1, 32), bool))
    grey = tinted.astype(int).sum(2)[0]
    assert (np.diff(grey) >= -3).all()
    middle = tinted[0, 16].astype(int)
    assert middle[0] > middle[1] + 60


def test_black_stays_black_and_white_white_under_a_tint():
    ends = np.array([[[0, 0, 0], [128, 128, 128], [255, 255, 255]]], np.uint8)
    tinted = colour.tint(ends, (30, 80, 230), np.ones((1, 3), bool))[0].astype(int)
    assert tinted[0].max() <= 3
    assert tinted[2].min() >= 252


def test_transfer_takes_the_references_mean():
    rng = np.random.default_rng(0)
    pixels = rng.integers(80, 120, (20, 20, 3), np.uint8)
    reference = (rng.integers(0, 30, (10, 10, 3)) + np.array([180, 120, 60])).astype(np.uint8)
    moved = colour.transfer(pixels, reference)
    assert np.abs(moved.mean((0, 1)) - reference.mean((0, 1))).max() < 6


def test_posterise_leaves_few_values_and_sketch_no_colour():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 40, 3), np.uint8)
    assert len(np.unique(colour.posterise(pixels, 4))) <= 4
    drawn = colour.sketch(pixels)
    assert (drawn == drawn[..., :1]).all()
    assert (colour.grey(pixels)[..., 0] == colour.grey(pixels)[..., 2]).all()
