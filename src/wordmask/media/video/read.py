"""Videos, read frame by frame. Decoding is PyAV's (the extra `video`).

A playlist can make a video library open any file or address. So the container is recognised by
its content and must be on our list, the library gets an open file instead of a name, and whatever
else it tries to open is refused.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.errors import ImageError, missing_extra
from wordmask.media.reading.limits import VideoLimits
from wordmask.media.video.colours import Colours, colours_of

SUFFIXES = frozenset(
    [".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mpg", ".mpeg", ".flv", ".ogv"]
)
DEFAULT = VideoLimits()
MISSING_S = 1.0  # that the header promises and the frames do not keep


@dataclass(frozen=True)
class VideoFrame:
    """One frame, upright, with the time at which it is shown."""

    image: Image
    index: int  # from 0
    time_s: float


@dataclass(frozen=True)
class VideoInfo:
    """What a video's header says. It may be wrong: only reading the frames counts them."""

    size: Size  # (height, width), upright
    fps: float
    seconds: float  # 0 if the header does not say
    frames: int  # as counted without decoding; a file that breaks off may have fewer
    colours: Colours


def frames(
    path: Path | str, limits: VideoLimits = DEFAULT, name: str = "", start: int = 0
) -> Iterator[VideoFrame]:
    """The frames of a video, each decoded when it is asked for; those before `start` are not given.

    `name` is what frames and errors call it.
    """
    name = name or str(path)
    with open_video(path, limits, name) as (container, stream):
        yield from decode(container, stream, limits, name, start)


def decode(
    container: Any, stream: Any, limits: VideoLimits, name: str, start: int = 0
) -> Iterator[VideoFrame]:
    """The frames of an open video. A container may hide that it breaks off; then that is logged."""
    end_s = 0.0
    try:
        for index, frame in enumerate(container.decode(stream)):
            if index < start:
                continue
            limits.check_frame(name, frame.width, frame.height)
            time_s = float(frame.time if frame.time is not None else index / fps_of(stream))
            limits.check_seconds(name, time_s)
            end_s = time_s + float((frame.duration or 0) * frame.time_base)
            yield VideoFrame(Image(_upright(frame), f"{name}#{index}"), index, time_s)
    except ImageError:
        raise
    except (pyav().error.FFmpegError, MemoryError) as error:
        raise ImageError(f"{name} breaks off or is broken: {error}; export it again") from error
    promised_s = _promised_seconds(stream)
    if promised_s - end_s > MISSING_S:
        logging.getLogger(__name__).warning(
            "%s says that it lasts %.1f s, but its frames end after %.1f s; does it break off?",
            name, promised_s, end_s,
        )  # fmt: skip


def info(path: Path | str, limits: VideoLimits = DEFAULT, name: str = "") -> VideoInfo:
    """Size, rate and length of a video.

    Its first frame is decoded, because only frames say how they are turned.
    """
    name = name or str(path)
    with open_video(path, limits, name) as (container, stream):
        fps, seconds = fps_of(stream), _seconds(container)
        count, colours = _count(container, stream), colours_of(stream)
    first = next(frames(path, limits, name), None)
    if first is None:
        raise ImageError(f"{name} holds no frame; export it again")
    return VideoInfo(first.image.size, fps, seconds, count, colours)


def _count(container: Any, stream: Any) -> int:
    """Packets of the video, of which each holds one frame; as far as they can be read."""
    count = 0
    try:
        for packet in container.demux(stream):
            count += packet.size > 0
    except pyav().error.FFmpegError:
        return count
    return count


@contextmanager
def open_video(path: Path | str, limits: VideoLimits, name: str = "") -> Iterator[tuple[Any, Any]]:
    """The container and its first video stream, within the limits as far as the header tells."""
    name = name or str(path)
    av = pyav()
    with _file(path, name) as file:
        limits.check_bytes(name, file.seek(0, 2))
        with _container(av, file, name) as container:
            yield container, video_stream(container, limits, name)


def video_stream(container: Any, limits: VideoLimits, name: str) -> Any:
    """The first stream of pictures, ready to be decoded."""
    if not container.streams.video:
        kinds = ", ".join(stream.type for stream in container.streams) or "nothing"
        raise ImageError(f"{name} holds no video, only {kinds}")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise ImageError(f"{name} is in a codec that PyAV does not know; export it as H.264")
    limits.check_seconds(name, _seconds(container))
    limits.check_frame(name, stream.width, stream.height)
    stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}
    stream.thread_type = "AUTO"
    return stream


@contextmanager
def _file(path: Path | str, name: str) -> Iterator[BinaryIO]:
    try:
        if not Path(path).is_file():
            raise ImageError(
                f"{name} is no video file, or not there; is the path right, seen from {Path.cwd()}?"
            )
        file = Path(path).open("rb")  # noqa: SIM115  closed below; errors in between are others'
    except ImageError:
        raise
    except (OSError, ValueError) as error:
        raise ImageError(f"{name} cannot be read: {error}") from error
    with file:
        yield file


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
        return av.open(
            file,
            format=kind,
            container_options={"protocol_whitelist": "none"},
            io_open=_refuse,
            metadata_errors="replace",
        )
    except (av.error.FFmpegError, MemoryError) as error:
        raise ImageError(f"{name} is a broken {kind} video: {error}; export it again") from error


def _check_whole(file: BinaryIO, name: str) -> None:
    """Refuse a cut MP4, which FFmpeg would play as if it were whole.

    An MP4 is a row of boxes that each begin with their length.
    """
    end, at = file.seek(0, 2), 0
    while at < end:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:  # too long for four bytes
            length = int.from_bytes(head[8:16], "big")
        at += length or end  # 0: to the end of the file
        if 0 < length < 8 or (length and at > end):
            raise ImageError(
                f"{name} breaks off or is broken: {end:,} bytes of {max(at, end + 1):,}; "
                "copy it again"
            )


def sniff(start: bytes) -> str:
    """FFmpeg's name for the container with these first bytes, "" if it is not on the list."""
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


def fps_of(stream: Any) -> float:
    return float(stream.average_rate or stream.guessed_rate or 25)


def _seconds(container: Any) -> float:
    return max(float(container.duration or 0) / 1e6, 0.0)


def _promised_seconds(stream: Any) -> float:
    """How long the pictures last, as the header says; 0 if it does not."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    found = re.fullmatch(r"(\d+):(\d+):(\d+)\.\d+", stream.metadata.get("DURATION", ""))
    return 0.0 if found is None else 3600 * int(found[1]) + 60 * int(found[2]) + int(found[3])


def pyav() -> Any:
    """The library, or the error that names its extra."""
    try:
        import av
    except ImportError:
        raise missing_extra("PyAV, which reads and writes videos,", "video") from None
    # Our errors say what is wrong; FFmpeg's own lines would end up in what a pipe reads.
    av.logging.set_level(None)
    return av
