"""The way back from a late frame."""

import numpy as np
import pytest

import wordmask
from drawing import disc
from moving_discs import SIZE, frame
from wordmask import FramePrompt, TrackOptions
from wordmask.jobs.following import frames_backwards
from wordmask.jobs.footage import footage_of_pictures

BACK = TrackOptions(backward=True)


def track(frames, *prompts, words=None, options=BACK):
    followed = wordmask.track(frames, words, prompts=prompts, model="fake", options=options)
    return [result for _, result in followed]


def at(k, id=None):
    """A click on the red disc in frame k."""
    return FramePrompt.of(k, [(30 + 4 * k, 30)], id=id)


def test_a_click_on_a_late_frame_gives_masks_before_it_too():
    frames = [frame(k).pixels for k in range(12)]
    results = track(frames, at(8))
    for k, result in enumerate(results):
        assert result.track_ids.tolist() == [1]
        truth = disc(SIZE, (30 + 4 * k, 30), 12)
        mask = result.masks.one(0)
        assert (mask & truth).sum() / (mask | truth).sum() > 0.9
    ahead = track(frames, at(8), options=None)
    assert [len(result) for result in ahead] == [0] * 8 + [1] * 4
    for one, other in zip(results[8:], ahead[8:], strict=True):
        assert (one.masks.dense() == other.masks.dense()).all()


def test_each_object_goes_back_from_its_own_first_frame():
    frames = [frame(k).pixels for k in range(10)]
    blue = FramePrompt.of(3, [(170 - 12, 90)], id=7)
    results = track(frames, at(6, id=2), blue, at(8, id=2))
    assert [sorted(one.track_ids.tolist()) for one in results] == [[2, 7]] * 10


def test_words_and_the_way_back_share_no_pixel_and_no_number():
    frames = [frame(k).pixels for k in range(8)]
    results = track(frames, at(5), words=["blue disc"])
    for result in results:
        assert sorted(result.track_ids.tolist()) == [1, 2]
        assert result.masks.dense().sum(0).max() == 1


def test_what_came_late_is_not_there_before():
    frames = [frame(k, blue=k >= 4).pixels for k in range(8)]
    results = track(frames, FramePrompt.of(6, [(170 - 24, 90)]))
    assert [len(one) for one in results] == [0] * 4 + [1] * 4


def test_frames_that_come_once_cannot_be_gone_back():
    once = (frame(k).pixels for k in range(8))
    with pytest.raises(wordmask.WordmaskError, match="can be read again"):
        track(once, at(5))


def test_frames_backwards_hold_few(monkeypatch):
    monkeypatch.setattr("wordmask.jobs.following.MOST_BYTES", 1)
    pictures = [np.full((2, 2, 3), k, np.uint8) for k in range(30)]
    indices = [one.index for one in frames_backwards(footage_of_pictures(pictures), 25)]
    assert indices == list(range(25, -1, -1))
