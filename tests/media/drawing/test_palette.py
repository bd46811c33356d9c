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


MAIN = [*palette.VIVID, *palette.NATURAL.values(), palette.GREY]


@pytest.mark.parametrize("sight", SIGHT)
def test_vivid_and_natural_colours_differ_for_every_eye(sight):
    assert smallest_difference(np.array(MAIN), sight) > 7.5
    assert smallest_difference(np.array(palette.PALETTE), sight) > 4


def test_vivid_colours_show_on_dark_and_on_bright():
    lightness = seen(np.array(palette.VIVID), "normal")[:, 0]
    assert 42 < lightness.min() < lightness.max() < 92


@pytest.mark.parametrize(
    ("word", "hue"),
    [
        ("sky", "blue"), ("sea", "blue"), ("rivers", "blue"), ("grass", "green"), ("tree", "green"),
        ("Palm trees", "green"), ("potted plant", "green"), ("sand", "yellow"), ("soil", "yellow"),
        ("road", "grey"), ("clouds", "grey"), ("snow", "grey"), ("mountain", "grey"),
        ("fire", "red"),
    ],
)  # fmt: skip
def test_things_with_a_natural_colour_have_it(word, hue):
    red, green, blue = palette.colours([word])[0].astype(int)
    looks = {
        "blue": blue > max(red, green) + 20,
        "green": green > max(red, blue) + 20,
        "yellow": min(red, green) > blue + 35 and red >= green,
        "grey": max(red, green, blue) - min(red, green, blue) < 40,
        "red": red > max(green, blue) + 100,
    }
    assert looks[hue]


@pytest.mark.parametrize(
    "word", ["person", "sky diver", "fire truck", "sea lion", "glass", "s", ""]
)
def test_other_things_have_a_vivid_colour(word):
    assert palette.natural_kinds(word) == ()
    assert tuple(palette.colours([word])[0]) in palette.VIVID


def test_two_things_of_one_nature_take_its_shades_in_turn():
    shades = {palette.NATURAL[kind] for kind in ("grass", "plant", "tree")}
    assert {tuple(row) for row in palette.colours(["lawn", "bush", "forest"])} == shades
    assert {tuple(row) for row in palette.colours(["grass", "lawn", "meadow"])} == shades
    fourth = palette.colours(["grass", "lawn", "meadow", "turf"])
    assert len({tuple(row) for row in fourth} - shades) == 1


OUTDOORS = st.lists(st.sampled_from([*palette.PREFERENCES, *map(str, range(9))]), max_size=12)


@given(OUTDOORS)
def test_neighbours_differ_for_every_eye(words):
    colours = np.unique(palette.colours(words), axis=0)
    for sight in SIGHT if len(colours) > 1 else ():
        assert smallest_difference(colours, sight) > 7.5


@given(st.lists(st.text(min_size=1, max_size=6), max_size=40))
def test_words_of_one_result_have_their_own_colours_in_any_order(words):
    plain = {" ".join(word.split()).casefold() for word in words}
    colours = palette.colours(words)
    assert len({tuple(colour) for colour in colours.tolist()}) == len(plain)
    assert (palette.colours(words[::-1])[::-1] == colours).all()


def test_a_word_alone_has_the_same_colour_everywhere():
    assert palette.colours(["person"]).tolist() == [list(palette.VIVID[4])]
    assert palette.colours(["sky", "person", "road"])[1].tolist() == list(palette.VIVID[4])
    assert (palette.colours(["Hot  Dog"]) == palette.colours(["hot dog"])).all()


def test_more_words_than_colours():
    colours = palette.colours([f"word {index}" for index in range(200)])
    assert len(np.unique(colours, axis=0)) == 200


@pytest.mark.parametrize("colour", [*palette.PALETTE, palette.GREY])
def test_letters_are_legible_on_every_colour(colour):
    # WCAG asks for 4.5 : 1 at small sizes and 3 : 1 at large ones.
    light, dark = sorted(
        (palette.luminance(colour), palette.luminance(palette.ink(colour))), reverse=True
    )
    assert (light + 0.05) / (dark + 0.05) >= 4.2
