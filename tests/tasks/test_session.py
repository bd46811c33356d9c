"""Sessions, in which clicks on one picture add up."""

import pytest

from drawing import box_mask, disc, paint
from wordmask import engines
from wordmask.errors import PromptError
from wordmask.tasks.session import Session


@pytest.fixture(scope="module")
def fake():
    return engines.load("fake")


@pytest.fixture
def image():
    size = (200, 300)
    square = box_mask(size, (200, 100, 261, 161))
    return paint(size, (disc(size, (80, 80), 40), (255, 0, 0)), (square, (0, 0, 255)))


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
