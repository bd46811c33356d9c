"""Clicks, a box, words for what is cut."""

import numpy as np
import pytest

from drawing import box_mask, disc, paint
from wordmask import engines
from wordmask.core.prompts import Boxes, Points, Text
from wordmask.errors import OptionError, PromptError
from wordmask.tasks.click import Click, ClickOptions, click


@pytest.fixture(scope="module")
def fake():
    return engines.load("fake")


@pytest.fixture
def image():
    size = (200, 300)
    square = box_mask(size, (200, 100, 261, 161))
    return paint(size, (disc(size, (80, 80), 40), (255, 0, 0)), (square, (0, 0, 255)))


def at(*rows):
    return Click(Points.of(rows))


def test_a_click_cuts_what_it_is_on(fake, image):
    best = click(image, at((80, 80)), fake).one()
    truth = (image.pixels == (255, 0, 0)).all(-1)
    assert (best.mask & truth).sum() / (best.mask | truth).sum() > 0.97
    assert best.why.prompt == "point 80,80"


def test_a_box_cuts_what_is_in_it(fake, image):
    found = click(image, Click(box=Boxes([[190, 90, 270, 170]])), fake)
    assert np.abs(np.subtract(found.one().box, (200, 100, 261, 161))).max() <= 1


def test_candidates_come_best_first_and_are_limited(fake, image):
    found = click(image, at((80, 80)), fake, options=ClickOptions(candidates=1))
    assert len(found) == 1
    several = click(image, at((80, 80)), fake)
    assert (np.diff(several.scores) <= 0).all()


def test_with_words_each_candidate_is_named(fake, image):
    found = click(image, at((80, 80)), fake, Text(("blue", "red")))
    assert found.one().name == "red"
    assert found.vocabulary == ("blue", "red")
    assert found.one().why.rival in ("blue", "none of these")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Click, "needs points or a box"),
        (lambda: at((5, 5, False)), "not this"),
        (lambda: Click(box=Boxes([[0, 0, 5, 5], [1, 1, 3, 3]])), "one box"),
    ],
)
def test_clicks_that_say_nothing_are_refused(asked, message):
    with pytest.raises(PromptError, match=message):
        asked()


@pytest.mark.parametrize("place", [(-1, 5), (301, 5), (5, 200.5)])
def test_a_point_outside_the_picture_is_refused(fake, image, place):
    with pytest.raises(PromptError, match="outside the picture of 300 x 200"):
        click(image, at(place), fake)


def test_a_box_outside_the_picture_is_refused(fake, image):
    with pytest.raises(PromptError, match="outside"):
        click(image, Click(box=Boxes([[300, 0, 320, 10]])), fake)


def test_options_are_checked():
    with pytest.raises(OptionError, match="candidates"):
        ClickOptions(candidates=0)
