"""Videos, read frame by frame, and the camera. Decoding is PyAV's (the extra `video`).

A playlist can make a video library open any file or address. So the container is told from the content and
must be on our list, the library gets an open file instead of a name, and whatever else it wants to open is refused.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.errors import ImageError, missing_extra
from wordmask.media.reading.limits import VideoLimits

SUFFIXES = frozenset(
    [".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mpg", ".mpeg", ".flv", ".ogv"]
)
DEFAULT = VideoLimits()


@dataclass(frozen=True)
class Frame:
    """One frame: upright, with the time it is shown at."""

    image: Image
    index: int  # from 0
    time_s: float


@dataclass(frozen=True)
class VideoInfo:
    """What a video's header says. It may be wrong: frames are counted only by reading them."""

    size: Size  # (height, width), upright
    fps: float
    seconds: float  # 0 if the header does not say


def frames(path: Path | str, limits: VideoLimits = DEFAULT) -> Iterator[Frame]:
    """The frames of a video, decoded as they are asked for."""
    name = str(path)
    with _opened(path, limits) as (container, stream):
        try:
            for index, frame in enumerate(container.decode(stream)):
                limits.check(name, wh=(frame.width, frame.height))
                time_s = float(frame.time if frame.time is not None else index / _fps(stream))
                limits.check(name, seconds=time_s)
                yield Frame(Image(_upright(frame), f"{name}#{index}"), index, time_s)
        except ImageError:
            raise
        except (pyav().error.FFmpegError, MemoryError) as error:
            raise ImageError(f"{name} breaks off or is broken: {error}; export it again") from error


def info(path: Path | str, limits: VideoLimits = DEFAULT) -> VideoInfo:
    """Size, rate and length of a video; its first frame is decoded, because only frames say how they are turned."""
    with _opened(path, limits) as (container, stream):
        fps, seconds = _fps(stream), _seconds(container)
    first = next(frames(path, limits), None)
    if first is None:
        raise ImageError(f"{path} holds no frame; export it again")
    return VideoInfo(first.image.size, fps, seconds)


def camera(index: int = 0, *, open_device: Callable[[int], Any] | None = None) -> Iterator[Frame]:
    """Frames of a live camera until it is unplugged or the loop ends; `time_s` counts from the first.

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
                return
            yield Frame(
                Image(np.ascontiguousarray(bgr[..., ::-1]), f"camera {index}#{count}"),
                count,
                monotonic() - start,
            )
            count += 1
    finally:
        device.release()


def _capture(index: int) -> Any:
    import cv2

    return cv2.VideoCapture(index)


@contextmanager
def _file(path: Path | str, name: str) -> Iterator[BinaryIO]:
    try:
        if not Path(path).is_file():
            raise ImageError(
                f"{name} is no video file, or not there; is the path right, seen from {Path.cwd()}?"
            )
        file = Path(path).open("rb")  # noqa: SIM115  closed below; what happens in between has other errors
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{name} cannot be read: {error}") from error
    with file:
        yield file


@contextmanager
def _opened(path: Path | str, limits: VideoLimits) -> Iterator[tuple[Any, Any]]:
    """The container and its first video stream, once all that can be checked beforehand has passed."""
    name = str(path)
    av = pyav()
    with _file(path, name) as file:
        limits.check(name, size_bytes=file.seek(0, 2))
        container = _container(av, file, name)
        with container:
            if not container.streams.video:
                raise ImageError(
                    f"{name} holds no video, only {', '.join(s.type for s in container.streams) or 'nothing'}"
                )
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise ImageError(
                    f"{name} is in a codec that PyAV does not know; export it as H.264"
                )
            limits.check(name, seconds=_seconds(container), wh=(stream.width, stream.height))
            stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}
            stream.thread_type = "AUTO"
            yield container, stream


def _container(av: Any, file: BinaryIO, name: str) -> Any:
    file.seek(0)
    kind = sniff(file.read(4096))
    if not kind:
        raise ImageError(
            f"{name} is no video by its content; read are MP4, MOV, MKV, WebM, AVI, MPEG, FLV, Ogg"
        )
    if kind == "mov":
        _check_whole(file, name)
    file.seek(0)
    try:
        options = {"protocol_whitelist": "none"}
        return av.open(
            file, format=kind, container_options=options, io_open=_refuse, metadata_errors="replace"
        )
    except (av.error.FFmpegError, MemoryError) as error:
        raise ImageError(f"{name} is a broken {kind} video: {error}; export it again") from error


def _check_whole(file: BinaryIO, name: str) -> None:
    """An MP4 is a row of boxes with their lengths; FFmpeg plays what is left of a cut one as if it were all."""
    end, at = file.seek(0, 2), 0
    while at < end:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:  # too long for four bytes
            length = int.from_bytes(head[8:16], "big")
        at += length or end  # none: to the end of the file
        if 0 < length < 8 or (length and at > end):
            raise ImageError(
                f"{name} breaks off or is broken: {end:,} bytes of {max(at, end + 1):,}; copy it again"
            )


def sniff(start: bytes) -> str:
    """FFmpeg's name for the container that begins so; "" for all others, playlists first among them."""
    if start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov"
    if start[:4] == b"RIFF" and start[8:12] == b"AVI ":
        return "avi"
    if start[:1] == b"G" and start[188:189] == b"G" and start[376:377] == b"G":
        return "mpegts"
    magic = {b"\x1aE\xdf\xa3": "matroska", b"\0\0\1\xba": "mpeg", b"FLV\1": "flv", b"OggS": "ogg"}
    return magic.get(start[:4], "")


def _refuse(url: str, flags: int, options: Any) -> Any:
    del flags, options
    raise PermissionError(f"the video wants to open {url}")


def _upright(frame: Any) -> Array:
    """(H, W, 3) RGB, turned as the container says; phones film sideways."""
    rgb: Array = frame.to_ndarray(format="rgb24")
    quarters = round(getattr(frame, "rotation", 0) / 90) % 4  # counter-clockwise
    return np.ascontiguousarray(np.rot90(rgb, quarters)) if quarters else rgb


def _fps(stream: Any) -> float:
    return float(stream.average_rate or stream.guessed_rate or 25)


def _seconds(container: Any) -> float:
    return max(float(container.duration or 0) / 1e6, 0.0)


def pyav() -> Any:
    """The library, or the error that names its extra."""
    try:
        import av
    except ImportError:
        raise missing_extra("PyAV, which reads and writes videos,", "video") from None
    av.logging.set_level(None)  # our errors say it; FFmpeg's own lines would land in pipes
    return av
