"""Colours belong to words, differ within a result, and differ for colour-blind people too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.media.drawing import palette

# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def seen(colours: np.ndarray, sight: str) -> np.ndarray:
    """(N, 3) L*a*b* of sRGB uint8 as that eye sees it."""
    color = pytest.importorskip("skimage.color", reason="scikit-image is a development library")
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(SIGHT[sight]).T, 0, 1)
    return color.rgb2lab(
        np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)[None]
    )[0]


def smallest_difference(colours: np.ndarray, sight: str) -> float:
    color = pytest.importorskip("skimage.color", reason="scikit-image is a development library")
    lab = seen(colours, sight)
    differences = color.deltaE_ciede2000(lab[:, None], lab[None])
    return float(differences[~np.eye(len(lab), dtype=bool)].min())


@pytest.mark.parametrize("sight", SIGHT)
def test_the_first_colours_differ_for_every_eye(sight):
    colours = np.array(palette.PALETTE)
    assert smallest_difference(colours[: palette.FIRST], sight) > 8
    assert smallest_difference(colours, sight) > 3


def test_all_colours_show_on_dark_and_on_bright():
    lightness = seen(np.array(palette.PALETTE), "normal")[:, 0]
    assert 42 < lightness.min() < lightness.max() < 92


@given(st.lists(st.text(min_size=1, max_size=6), max_size=40))
def test_words_of_one_result_have_their_own_colours_in_any_order(words):
    plain = {" ".join(word.split()).casefold() for word in words}
    colours = palette.colours(words)
    assert len({tuple(colour) for colour in colours.tolist()}) == len(plain)
    assert (palette.colours(words[::-1])[::-1] == colours).all()


def test_a_word_alone_has_the_same_colour_everywhere():
    assert palette.colours(["person"]).tolist() == [list(palette.PALETTE[6])]
    assert (palette.colours(["Hot  Dog"]) == palette.colours(["hot dog"])).all()


def test_more_words_than_colours():
    colours = palette.colours([f"word {index}" for index in range(200)])
    assert len(np.unique(colours, axis=0)) == 200


@pytest.mark.parametrize("colour", [*palette.PALETTE, palette.GREY])
def test_letters_are_legible_on_every_colour(colour):
    """WCAG asks for 4.5 : 1 at small sizes; the letters of a chip are at least as clear as large print."""
    light, dark = sorted(
        (palette.luminance(colour), palette.luminance(palette.ink(colour))), reverse=True
    )
    assert (light + 0.05) / (dark + 0.05) >= 4.2
