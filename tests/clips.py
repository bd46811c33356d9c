"""A short clip, and files made of it."""

import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from wordmask.media.video.write import VideoSink


def clip(count: int = 6, size: tuple[int, int] = (40, 64)) -> Iterator[np.ndarray]:
    """The upper half grows redder, the lower is blue."""
    for number in range(count):
        pixels = np.zeros((*size, 3), np.uint8)
        pixels[: size[0] // 2, :, 0] = 40 * (number + 1)
        pixels[size[0] // 2 :, :, 2] = 200
        yield pixels


class UnpluggedCamera:
    """A camera as OpenCV opens it: it shows some frames, and then no more."""

    def __init__(self, frames: list[np.ndarray], wait_s: float) -> None:
        self.left, self.wait_s = list(frames), wait_s

    def isOpened(self) -> bool:  # noqa: N802  OpenCV's name
        return True

    def read(self) -> tuple[bool, np.ndarray | None]:
        time.sleep(self.wait_s)
        if not self.left:
            return False, None
        return True, np.ascontiguousarray(self.left.pop(0)[..., ::-1])

    def release(self) -> None:
        self.left = []


def write_clip(path: Path, *, fps: float = 10, **options: object) -> Path:
    """A video of `clip(**options)` at `path`."""
    with VideoSink(path, fps) as sink:
        for pixels in clip(**options):
            sink.write(pixels)
    return path


def write_loud(path, count=30, fps=10, codec="aac", late_s=0.0):
    """A clip with a tone as long as it is; both begin `late_s` seconds after 0."""
    av = pytest.importorskip("av", reason="videos need the extra `video`")
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=fps)
        video.width, video.height, video.pix_fmt = 64, 40, "yuv420p"
        sound = container.add_stream(codec, rate=48000, layout="mono")
        shift = round(late_s * fps)
        for number, pixels in enumerate([*clip(5)] * (count // 5)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number + shift
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        wave = np.sin(np.arange(48000 * count // fps) * 0.06).astype(np.float32)[None]
        for start in range(0, wave.shape[1], 1024):
            part = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(wave[:, start : start + 1024]), format="fltp", layout="mono"
            )
            part.sample_rate, part.pts = 48000, start + round(late_s * 48000)
            container.mux(sound.encode(part))
        container.mux(sound.encode(None))
    return path


def write_phone(path: Path) -> tuple[Path, list[float]]:
    """A video as a phone films it: on its side, full range, frames at uneven times; the times."""
    av = pytest.importorskip("av", reason="videos need the extra `video`")
    times = [0.0, 0.0331, 0.0672, 0.1, 0.1335, 0.21, 0.2437, 0.2775, 0.31, 0.3442]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 40, "yuv420p"
        codec = stream.codec_context
        codec.colorspace = codec.color_primaries = codec.color_trc = 1
        codec.color_range, codec.time_base = 2, Fraction(1, 90_000)
        stream.set_display_rotation(90)
        for number, time_s in enumerate(times):
            pixels = np.full((40, 64, 3), 90, np.uint8)
            pixels[14:26, 4 + 4 * number : 16 + 4 * number] = (230, 20, 20)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=2)
            frame.pts, frame.time_base = round(time_s * 90_000), Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path, times


def packets(path):
    """(time, bytes) of the sound's packets."""
    av = pytest.importorskip("av", reason="videos need the extra `video`")
    with av.open(str(path)) as container:
        return [
            (round(float(packet.pts * packet.time_base), 3), bytes(packet))
            for packet in container.demux(container.streams.audio[0])
            if packet.size
        ]
