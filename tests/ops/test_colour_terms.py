import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawing import box_mask, draw
from wordmask.ops.colour_terms import TERMS, erode, name_colours, nearest_terms

SIZE = (40, 60)


def flat(colour) -> np.ndarray:
    return np.full((*SIZE, 3), colour, np.uint8)


@pytest.mark.parametrize(
    ("colour", "term"),
    [
        ((0, 0, 0), "black"), ((255, 255, 255), "white"), ((128, 128, 128), "grey"),
        ((220, 20, 20), "red"), ((250, 140, 20), "orange"), ((250, 230, 40), "yellow"),
        ((30, 150, 50), "green"), ((30, 60, 220), "blue"), ((120, 30, 150), "purple"),
        ((255, 150, 190), "pink"), ((110, 60, 20), "brown"),
    ],
)  # fmt: skip
def test_a_plain_colour_has_its_name(colour, term):
    assert [one.term for one in name_colours(flat(colour), np.ones(SIZE, bool))] == [term]


def test_a_second_colour_is_named_from_three_tenths_on():
    pixels, everywhere = flat((220, 20, 20)), np.ones(SIZE, bool)
    pixels[:, :24] = (255, 255, 255)
    assert [one.term for one in name_colours(pixels, everywhere)] == ["red", "white"]
    pixels[:, 10:] = (220, 20, 20)
    assert [one.term for one in name_colours(pixels, everywhere)] == ["red"]


def test_the_rim_has_no_vote_and_nothing_has_no_colour():
    mask = box_mask(SIZE, (10, 10, 50, 30))
    pixels = flat((30, 60, 220))
    pixels[box_mask(SIZE, (11, 11, 49, 29))] = (220, 20, 20)
    assert name_colours(pixels, mask) == [("red", 1.0)]
    assert name_colours(pixels, np.zeros(SIZE, bool)) == []


def test_a_thin_mask_is_not_eroded_away():
    line = draw("......", "######", "......")
    assert (erode(line) == line).all()


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=20))
def test_every_colour_has_a_term_and_neighbours_do_not_matter(colours):
    together = nearest_terms(np.array(colours, np.uint8))
    alone = [nearest_terms(np.array([one], np.uint8))[0] for one in colours]
    assert together.tolist() == alone
    assert all(0 <= term < len(TERMS) for term in alone)
