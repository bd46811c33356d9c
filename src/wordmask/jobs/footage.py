"""What frames come from: a video file, a folder of frames, a camera."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from shutil import copyfileobj
from tempfile import NamedTemporaryFile
from typing import IO, Any, Protocol

from wordmask.errors import ImageError, Mend, OptionError
from wordmask.files import identity
from wordmask.media.reading.read import read
from wordmask.media.reading.sources import SUFFIXES, Found, find
from wordmask.media.video import read as videos
from wordmask.media.video.address import check_allowed, frames_at, is_address, is_live, name_of
from wordmask.media.video.camera import camera
from wordmask.media.video.colours import BT709, Colours
from wordmask.media.video.newest import NewestFrames
from wordmask.media.video.read import VideoFrame

FOLDER_FPS = 25.0  # a folder of frames does not say its own
CAMERA = re.compile(r"camera:(\d+)")


class ReadFrames(Protocol):
    """The frames from `start` on, which counts from 0."""

    def __call__(self, start: int = 0) -> Iterator[VideoFrame]: ...


@dataclass(frozen=True, eq=False)
class Footage:
    """Frames, each read when it is asked for."""

    name: str
    path: Path | None  # of the file or folder; None for a camera, a stream and standard input
    fps: float
    count: int  # frames, as far as is known beforehand; 0: no end is known
    frames: ReadFrames
    stems: tuple[str, ...] = ()  # of the files, for a folder
    live: NewestFrames | None = None  # of a camera: it knows how many frames were dropped

    timing: Path | None = None  # the video whose sound its copies keep
    keeps_times: bool = False  # whether copies show frames at their own times, not evenly
    colours: Colours = BT709  # what its copies say of their colours
    is_repeatable: bool = False  # whether the frames can be read again
    spool: "IO[bytes] | None" = None  # the file that keeps what standard input gave

    @property
    def content(self) -> Path | None:
        """What can be read again; None where nothing can."""
        return self.path if self.spool is None else Path(self.spool.name)

    @property
    def file_stem(self) -> str:
        """What the names of its files start with."""
        if self.path is None:
            return re.sub(r"[^\w.-]+", "-", self.name).strip("-.") or "video"
        name = self.path.resolve().name
        return name if self.path.is_dir() else Path(name).stem

    @property
    def sink_options(self) -> dict[str, Any]:
        """What a sink is told, so that a copy is shown and heard like the footage."""
        return {"fps": self.fps, "sound": self.timing, "colours": self.colours}

    def time_of(self, frame: VideoFrame) -> float | None:
        """When a copy shows the frame; None: evenly."""
        return frame.time_s if self.keeps_times else None

    def stem(self, index: int) -> str:
        """What files of one frame are called."""
        return self.stems[index] if self.stems else f"{index:05d}"


def open_footage(source: str, fps: float | None = None, *, web: bool = False) -> Footage:
    """The frames that `source` names; `fps` replaces what it says itself.

    "-" is standard input, which is read to its end first. Addresses need `web`.
    """
    if source == "-":
        return _of_stdin(fps)
    if is_address(source):
        check_allowed(source, web=web)
        return _of_address(source, fps)
    found = CAMERA.fullmatch(source)
    if found is not None:
        live = NewestFrames(camera(int(found[1])))
        return _of_live(source, live, fps)
    path = Path(source)
    if not source or not path.exists():
        raise ImageError(
            f"there is no video {source!r}; is the path right, seen from {Path.cwd()}?"
        )
    if path.is_dir():
        return _of_folder(path, fps or FOLDER_FPS)
    if path.suffix.lower() in SUFFIXES:
        raise ImageError(f"{source} is one picture; give a video, or a folder of frames")
    return _of_file(source, path, fps)


def _of_file(name: str, file: Path, fps: float | None) -> Footage:
    info = videos.info(file, name=name)
    return Footage(
        name,
        file,
        fps or info.fps,
        info.frames,
        lambda start=0: videos.frames(file, name=name, start=start),
        timing=file if fps is None else None,
        keeps_times=fps is None,
        colours=info.colours,
        is_repeatable=True,
    )


def _of_stdin(fps: float | None) -> Footage:
    """All of it is kept in a file: most videos can only be read by going to and fro."""
    if sys.stdin is None or sys.stdin.isatty():
        raise ImageError("- reads a video from a pipe, and nothing is piped in")
    spool = NamedTemporaryFile(prefix="wordmask-")  # noqa: SIM115  it goes with the footage
    copyfileobj(sys.stdin.buffer, spool)
    spool.flush()
    return replace(_of_file("stdin", Path(spool.name), fps), path=None, spool=spool)


def _of_address(address: str, fps: float | None) -> Footage:
    name = name_of(address)
    if is_live(address):
        return _of_live(name, NewestFrames(frames_at(address)), fps)
    rate = fps or FOLDER_FPS
    return Footage(name, None, rate, 0, lambda start=0: frames_at(address), keeps_times=fps is None)


def _of_live(name: str, live: NewestFrames, fps: float | None) -> Footage:
    rate = fps or FOLDER_FPS
    return Footage(
        name, None, rate, 0, lambda start=0: iter(live), live=live, keeps_times=fps is None
    )


def _of_folder(folder: Path, fps: float) -> Footage:
    """Pictures right in the folder, in natural order."""
    found = [one for one in find(str(folder)) if one.path is None or one.path.parent == folder]
    for one in found:
        if one.error is not None:
            raise one.error
    if not found:
        raise ImageError(f"{folder} holds no frames, only folders; name one of them")
    stems = tuple(Path(one.name).stem for one in found)

    def frames(start: int = 0) -> Iterator[VideoFrame]:
        for index, one in enumerate(found[start:], start):
            yield _read_frame(one, index, fps)

    return Footage(str(folder), folder, fps, len(found), frames, stems, is_repeatable=True)


def check_not_read(path: Path, footage: Footage) -> None:
    """Raise where a file that is to be written is the video that is read."""
    if footage.path is not None and identity(path) == identity(footage.path):
        raise OptionError(
            f"{path} is the video that is read; write to another file",
            mend=Mend("output_dir", f"OTHER{path.suffix}"),
        )


def footage_of_pictures(pictures: Iterable[Any]) -> Footage:
    """Pictures that a program gives, one after the other; a list of them can be read again."""
    is_list = isinstance(pictures, Sequence)

    def frames(start: int = 0) -> Iterator[VideoFrame]:
        for index, one in enumerate(islice(pictures, start, None), start):
            yield VideoFrame(read(one), index, index / FOLDER_FPS)

    count = len(pictures) if isinstance(pictures, Sequence) else 0
    return Footage("the pictures", None, FOLDER_FPS, count, frames, is_repeatable=is_list)


def _read_frame(found: Found, index: int, fps: float) -> VideoFrame:
    return VideoFrame(read(found.source), index, index / fps)
