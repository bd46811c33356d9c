from itertools import islice

import numpy as np
import pytest

from wordmask.errors import ImageError
from wordmask.media.video.camera import camera


class FakeCamera:
    """Three BGR frames, then unplugged."""

    def __init__(self, there: bool = True) -> None:
        self.there, self.left, self.released = there, 3, False

    def isOpened(self) -> bool:  # noqa: N802  OpenCV's name
        return self.there

    def read(self) -> tuple[bool, np.ndarray]:
        self.left -= 1
        return self.left >= 0, np.full((4, 6, 3), (255, 0, 9), np.uint8)

    def release(self) -> None:
        self.released = True


def test_the_camera_gives_rgb_frames_until_it_is_unplugged():
    device = FakeCamera()
    live = camera(2, open_device=lambda index: device)
    seen = list(islice(live, 3))
    with pytest.raises(ImageError, match="camera 2 gives no more frames after 3; is it unplugged"):
        next(live)
    assert [frame.index for frame in seen] == [0, 1, 2]
    assert seen[0].image.pixels[0, 0].tolist() == [9, 0, 255]
    assert seen[0].image.name == "camera 2#0"
    assert 0 <= seen[0].time_s <= seen[2].time_s
    assert device.released


def test_the_camera_is_given_back_when_the_loop_ends_early():
    device = FakeCamera()
    live = camera(open_device=lambda index: device)
    next(live)
    live.close()
    assert device.released


def test_no_camera_is_said():
    device = FakeCamera(there=False)
    with pytest.raises(ImageError, match="no camera 7"):
        next(camera(7, open_device=lambda index: device))
    assert device.released


def test_the_real_camera_is_opencvs(monkeypatch):
    cv2 = pytest.importorskip("cv2")
    monkeypatch.setattr(cv2, "VideoCapture", lambda index: FakeCamera())
    assert len(list(islice(camera(), 3))) == 3
