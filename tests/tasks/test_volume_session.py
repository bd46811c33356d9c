"""One volume, many clicks: going back, undo, redo, words."""

import numpy as np
import pytest

from scans import ball, paint
from wordmask import engines
from wordmask.core.volume import Volume
from wordmask.errors import PromptError
from wordmask.tasks.volume_session import VolumeSession

SHAPE = (36, 30, 20)
ONE, TWO = ball(SHAPE, (9, 12, 10), 7), ball(SHAPE, (26, 18, 10), 6)


@pytest.fixture
def session():
    scan = Volume(paint([(ONE, 110), (TWO, 190)], SHAPE), np.eye(4))
    return VolumeSession(scan, engines.load("fake"))


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_objects_one_after_the_other_and_back(session):
    assert not session.result.labels.any()
    session.click((9, 12, 10))
    session.go_to(2)
    both = session.click((26, 18, 10))
    assert session.objects == (1, 2)
    assert dice(both.labels == 2, TWO) > 0.95
    session.go_to(1)
    again = session.click((9, 9, 12))
    assert session.current == 1
    assert dice(again.labels == 1, ONE) > 0.95
    assert len(again.solids[0].prompts) == 2


def test_undo_and_redo_make_nothing_again(session, monkeypatch):
    first = session.click((9, 12, 10))
    session.go_to(2)
    second = session.click((26, 18, 10))
    made = []
    monkeypatch.setattr(session._maker, "make", made.append)
    session.undo()
    assert (session.undo().labels == first.labels).all()
    assert session.current == 1
    session.redo()
    assert (session.redo().labels == second.labels).all()
    assert made == []
    for _ in range(9):
        empty = session.undo()
    assert not empty.labels.any()


def test_a_step_that_cannot_be_answered_changes_nothing(session):
    before = session.click((9, 12, 10))
    with pytest.raises(PromptError):
        session.click((99, 0, 0))
    with pytest.raises(PromptError):
        session.go_to(0)
    assert (session.result.labels == before.labels).all()


def test_a_box_a_painted_slice_and_forgetting(session):
    session.box((1, 4, 10, 18, 21, 11))
    session.go_to(2)
    mask = session.volume.slicing("axial").take(TWO, 10)
    found = session.paint(mask, plane="axial", index=10)
    assert dice(found.labels == 1, ONE) > 0.95
    assert dice(found.labels == 2, TWO) > 0.95
    assert set(np.unique(session.remove(1).labels)) == {0, 2}


def test_words_name_objects_in_a_slice(session):
    found = session.segment("white disc", plane="axial", index=10)
    assert [solid.name for solid in found.solids] == ["white disc"]
    assert dice(found.labels > 0, TWO) > 0.9
    with pytest.raises(PromptError, match="no axial slice"):
        session.segment("disc", plane="axial", index=99)
