import time

import numpy as np
import pytest

from wordmask.core.image import Image
from wordmask.errors import ImageError
from wordmask.media.video.newest import NewestFrames
from wordmask.media.video.read import VideoFrame


def frames(count, pause=0.0, closed=None):
    try:
        for k in range(count):
            time.sleep(pause)
            yield VideoFrame(Image(np.full((2, 2, 3), k % 256, np.uint8)), k, float(k))
    finally:
        if closed is not None:
            closed.append(True)


def test_a_slow_taker_gets_the_newest():
    live = NewestFrames(frames(30, pause=0.01))
    taken = []
    for frame in live:
        taken.append(frame)
        time.sleep(0.05)
    assert [frame.index for frame in taken] == list(range(len(taken)))
    assert taken[-1].time_s == 29
    assert len(taken) + live.dropped == 30
    assert live.dropped > 5


def test_a_taker_who_leaves_frees_the_camera():
    closed = []
    for _ in NewestFrames(frames(10_000, pause=0.001, closed=closed)):
        break
    time.sleep(0.1)
    assert closed == [True]


def test_an_error_of_the_camera_is_raised_where_frames_are_taken():
    def broken():
        yield from frames(1)
        raise ImageError("unplugged")

    with pytest.raises(ImageError, match="unplugged"):
        list(NewestFrames(broken()))
