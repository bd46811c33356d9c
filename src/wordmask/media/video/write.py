"""Frames written as a video file, whole or not at all."""

from collections.abc import Mapping
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.errors import FormatError, ImageError, OptionError, OutputError, did_you_mean
from wordmask.files import atomic
from wordmask.media.video.colours import BT709, Colours
from wordmask.media.video.read import pyav
from wordmask.media.video.sound import SoundCopy

# FFmpeg's encoders for each suffix, the best first: builds differ in which they have.
ENCODERS = {
    ".mp4": ("libx264", "mpeg4"),
    ".mov": ("libx264", "mpeg4"),
    ".mkv": ("libx264", "mpeg4"),
    ".webm": ("libvpx-vp9", "libvpx"),
}
# Encoders that keep transparency: ProRes 4444 and VP9.
ALPHA = {".mov": ("prores_ks",), ".webm": ("libvpx-vp9",)}
QUALITY = {
    "libx264": {"crf": "20"},
    "libvpx-vp9": {"crf": "20", "b": "0", "deadline": "good", "cpu-used": "5"},
    "prores_ks": {"profile": "4444", "alpha_bits": "16"},
}
TICK = Fraction(1, 90_000)  # s; the clock of phones' videos


class VideoSink:
    """A video file that appears when its block ends well.

        with VideoSink("out.mp4", fps=25) as sink:
            sink.write(image)

    All frames have the size of the first. Odd sides get one more row or column, a copy of the last,
    because video stores colour for every second pixel only. `sound` is the video whose sound is
    copied; it begins with its first frame and ends with the last one that is written.
    """

    encoders: Mapping[str, tuple[str, ...]] = ENCODERS
    rgb, pixel_format = "rgb24", "yuv420p"

    def __init__(
        self,
        path: Path | str,
        fps: float,
        sound: Path | None = None,
        colours: Colours = BT709,
    ) -> None:
        self.path = Path(path)
        self.frames = 0
        if self.path.suffix.lower() not in self.encoders:
            near = did_you_mean(self.path.suffix, self.encoders)
            raise FormatError(f"{path}: no video format has the suffix {self.path.suffix!r}.{near}")
        if not 0 < fps <= 1000:
            raise OptionError(f"frames per second must be between 0 and 1000, got {fps}")
        self._fps = Fraction(fps).limit_denominator(1001)
        self._tick = 1 / self._fps
        self._stack = ExitStack()
        self._av: Any = None
        self._container: Any = None
        self._stream: Any = None
        self._size = (0, 0)
        self._source, self._colours = sound, colours
        self._sound: SoundCopy | None = None
        self._origin = 0.0  # time of the first frame
        self._last = -1  # tick of the last frame

    def __enter__(self) -> "VideoSink":
        self._av = pyav()
        with ExitStack() as stack:
            part = stack.enter_context(atomic(self.path))
            self._container = stack.enter_context(self._av.open(str(part), "w"))
            self._stack = stack.pop_all()
        return self

    def write(self, picture: Image | Array, time_s: float | None = None) -> None:
        """(H, W, 3) uint8 RGB, shown from `time_s` on; without it, for 1 / fps seconds."""
        pixels = self._pixels_of(picture)
        size = pixels.shape[:2]
        if self._stream is None:
            self._origin = time_s or 0.0
            self._size, self._stream = size, self._begin(size)
        if size != self._size:
            raise ImageError(
                f"{self.path}: frame {self.frames} is {size}, "
                f"the first was {self._size} (height, width)"
            )
        even = np.pad(pixels, ((0, size[0] % 2), (0, size[1] % 2), (0, 0)), "edge")
        rgb = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format=self.rgb)
        frame = self._colours.from_rgb(rgb, self.pixel_format)
        seconds = self.frames / self._fps if time_s is None else time_s - self._origin
        self._last = max(self._last + 1, round(seconds / self._tick))
        frame.pts, frame.time_base = self._last, self._tick
        self._mux(frame)
        self.frames += 1
        if self._sound is not None:
            self._sound.copy_until(float(self._last * self._tick + 1 / self._fps))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        with ExitStack() as stack:
            stack.push(self._stack.pop_all().__exit__)
            if self._sound is not None:
                stack.callback(self._sound.close)
            if kind is not None:
                return stack.pop_all().__exit__(kind, error, trace)
            if self._stream is None:
                raise OutputError(f"{self.path}: no frame was written, so there is no video")
            self._mux(None)
        return None

    def _begin(self, size: tuple[int, ...]) -> Any:
        available = self._av.codecs_available
        named = self.encoders[self.path.suffix.lower()]
        encoder = next((name for name in named if name in available), None)
        if encoder is None:
            raise FormatError(
                f"{self.path}: this build of PyAV cannot write {self.path.suffix}; try .mp4 or .mkv"
            )
        stream = self._container.add_stream(encoder, rate=self._fps)
        stream.height, stream.width = size[0] + size[0] % 2, size[1] + size[1] % 2
        stream.pix_fmt = self.pixel_format
        stream.options = QUALITY.get(encoder, {})
        self._colours.tag(stream.codec_context)
        # Frames of phones do not come evenly. MPEG-4's clock is too coarse for finer ticks.
        self._tick = 1 / self._fps if encoder == "mpeg4" else TICK
        stream.codec_context.time_base = self._tick
        if self._source is not None:
            self._sound = SoundCopy.begin(self._source, self._container, self._origin)
        return stream

    def _pixels_of(self, picture: Image | Array) -> Array:
        return (picture if isinstance(picture, Image) else Image(picture)).pixels

    def _mux(self, frame: Any) -> None:
        """Encode a frame; None ends the stream."""
        try:
            self._container.mux(self._stream.encode(frame))
        except self._av.error.FFmpegError as error:
            if isinstance(error, OSError):
                raise  # a full disk: `atomic` names it
            raise OutputError(
                f"{self.path}: the encoder refused frame {self.frames}: {error}"
            ) from error


ENDS = (KeyboardInterrupt, GeneratorExit, ImageError)


class LastingSink(VideoSink):
    """A video that is finished also when it is stopped, or when what it is made of breaks off.

    What was written so far can be played.
    """

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool | None:
        is_stopped = kind is not None and issubclass(kind, ENDS)
        if is_stopped and self.frames:
            super().__exit__(None, None, None)
            return None
        return super().__exit__(kind, error, trace)


class AlphaSink(LastingSink):
    """The same with transparency: (H, W, 4) uint8 RGBA into ProRes 4444 (.mov) or VP9 (.webm).

    FFmpeg shows the transparency of VP9 only where libvpx-vp9 decodes it.
    """

    encoders = ALPHA
    rgb = "rgba"

    def __init__(
        self, path: Path | str, fps: float, sound: Path | None = None, colours: Colours = BT709
    ) -> None:
        super().__init__(path, fps, sound, colours)
        is_prores = self.path.suffix.lower() == ".mov"
        self.pixel_format = "yuva444p10le" if is_prores else "yuva420p"

    def _pixels_of(self, picture: Image | Array) -> Array:
        if isinstance(picture, Image) or picture.ndim != 3 or picture.shape[2] != 4:
            raise ImageError(f"{self.path}: frames with transparency are (H, W, 4) uint8")
        return picture
