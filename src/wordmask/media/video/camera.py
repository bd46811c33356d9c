"""Frames of a live camera."""

from collections.abc import Callable, Generator
from time import monotonic
from typing import Any

import numpy as np

from wordmask.core.image import Image
from wordmask.errors import ImageError
from wordmask.media.video.read import VideoFrame


def camera(
    index: int = 0, *, open_device: Callable[[int], Any] | None = None
) -> Generator[VideoFrame, None, None]:
    """Frames until the loop ends, or an error when the camera is unplugged; times from the first.

    `open_device` stands in for OpenCV's VideoCapture: `.isOpened()`, `.read()`, `.release()`.
    """
    device = (open_device or _capture)(index)
    try:
        if not device.isOpened():
            raise ImageError(
                f"there is no camera {index}, or another program has it; try another number"
            )
        count, start = 0, monotonic()
        while True:
            there, bgr = device.read()
            if not there:
                raise ImageError(
                    f"camera {index} gives no more frames after {count}; is it unplugged?"
                )
            image = Image(np.ascontiguousarray(bgr[..., ::-1]), f"camera {index}#{count}")
            yield VideoFrame(image, count, monotonic() - start)
            count += 1
    finally:
        device.release()


def _capture(index: int) -> Any:
    import cv2

    return cv2.VideoCapture(index)
