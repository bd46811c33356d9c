"""Clicks, and sessions in which they add up."""

import numpy as np
import pytest

from drawing import box_mask, disc, paint
from wordmask import engines
from wordmask.core.prompts import Boxes, Points, Text
from wordmask.errors import OptionError, PromptError
from wordmask.tasks.click import Click, ClickOptions, click
from wordmask.tasks.session import Session


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


def test_a_session_encodes_once(fake, image):
    session = Session(image, fake)
    session.click([(80, 80)])
    session.click([(230, 130, False)])
    session.everything()
    assert session.trace.encodings == 1


def test_clicks_add_up_and_can_be_undone(fake, image):
    session = Session(image, fake)
    assert len(session.result) == 0
    first = session.click([(80, 80)])
    second = session.click([(230, 130, False)])
    assert second.one().why.prompt == "point 80,80 not 230,130"
    assert session.undo() is first
    assert session.redo() is second
    assert len(session.undo()) == len(first)
    assert len(session.undo()) == 0
    assert len(session.undo()) == 0


def test_a_new_click_forgets_what_was_undone(fake, image):
    session = Session(image, fake)
    session.click([(80, 80)])
    session.undo()
    again = session.click([(230, 130)])
    assert session.redo() is again


def test_a_point_given_again_counts_once_and_its_newer_meaning_holds(fake, image):
    session = Session(image, fake)
    session.click([(80, 80)])
    assert session.click([(80, 80), (70, 80)]).one().why.prompt == "point 80,80 point 70,80"
    assert session.click([(70, 80, False)]).one().why.prompt == "point 80,80 not 70,80"


def test_reset_starts_a_new_thing(fake, image):
    session = Session(image, fake)
    session.click([(80, 80)])
    session.reset()
    assert len(session.result) == 0
    assert session.click([(230, 130)]).one().why.prompt == "point 230,130"


def test_a_failed_click_changes_nothing(fake, image):
    session = Session(image, fake)
    first = session.click([(80, 80)])
    with pytest.raises(PromptError):
        session.click([(999, 999)])
    assert session.result is first


def test_two_sessions_do_not_disturb_each_other(fake, image):
    one, two = Session(image, fake), Session(image, fake)
    one.click([(80, 80)])
    two.click([(230, 130)])
    assert one.result.one().box != two.result.one().box


def test_options_are_checked():
    with pytest.raises(OptionError, match="candidates"):
        ClickOptions(candidates=0)
