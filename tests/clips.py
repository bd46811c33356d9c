"""A short clip, and files made of it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from wordmask.media.video.write import VideoSink


def clip(count: int = 6, size: tuple[int, int] = (40, 64)) -> Iterator[np.ndarray]:
    """The upper half grows redder, the lower is blue."""
    for number in range(count):
        pixels = np.zeros((*size, 3), np.uint8)
        pixels[: size[0] // 2, :, 0] = 40 * (number + 1)
        pixels[size[0] // 2 :, :, 2] = 200
        yield pixels


def write_clip(path: Path, *, fps: float = 10, **options: object) -> Path:
    """A video of `clip(**options)` at `path`."""
    with VideoSink(path, fps) as sink:
        for pixels in clip(**options):
            sink.write(pixels)
    return path
