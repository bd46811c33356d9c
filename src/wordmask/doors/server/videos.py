"""Videos that clients sent: files on disk, known by their sha256, checked before they are used."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from shutil import rmtree
from threading import Lock
from typing import Any
from weakref import finalize

from wordmask.core.image import Image
from wordmask.doors.server.bodies import BodyReader
from wordmask.doors.server.options import ServeOptions
from wordmask.doors.server.problems import RefusalError
from wordmask.errors import ImageError
from wordmask.jobs.footage import Footage
from wordmask.media.reading.limits import VideoLimits
from wordmask.media.video.read import VideoFrame, VideoInfo, info

NAME = "video.mp4"  # whatever it is: the content tells, and what is made of it is called after it


@dataclass(eq=False)
class StoredVideo:
    """One video. Its file goes with the last one who holds it."""

    id: str
    path: Path
    info: VideoInfo
    used_at: float = field(default_factory=time.monotonic)

    def describe(self) -> dict[str, Any]:
        return {
            "video": self.id,
            "size": list(self.info.size),
            "fps": self.info.fps,
            "seconds": self.info.seconds,
        }


class VideoStore:
    """The videos in one folder: at most so many, those used longest ago are removed."""

    def __init__(self, folder: Path, options: ServeOptions) -> None:
        self._folder, self._options = folder, options
        self._videos: dict[str, StoredVideo] = {}
        self._lock = Lock()
        folder.mkdir(parents=True)

    async def receive(self, body: BodyReader) -> tuple[Path, str]:
        """The body as a file, piece by piece: its path and its sha256."""
        path, digest = self._folder / f"{token_hex(8)}.part", sha256()
        try:
            with path.open("wb") as file:
                async for piece in body.pieces():
                    file.write(piece)
                    digest.update(piece)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path, digest.hexdigest()

    def add(self, part: Path, id: str) -> StoredVideo:
        """The video in a file that was received; the file is taken over."""
        try:
            found = info(part, self._options.video_limits)
        except ImageError as error:
            part.unlink()
            raise hide_path(error, part, field="video") from None
        with self._lock:
            self._forget_old()
            path = self._folder / token_hex(8) / NAME
            path.parent.mkdir()
            part.replace(path)
            self._videos[id] = video = StoredVideo(id, path, found)
            # A job that reads it, or waits, holds it.
            finalize(video, rmtree, path.parent, ignore_errors=True)
            return video

    def find(self, id: str) -> StoredVideo:
        with self._lock:
            video = self._videos.get(id)
            if video is None or not video.path.exists():
                raise RefusalError(
                    404, "the server has no such video (any more): send it again", field="video"
                )
            video.used_at = time.monotonic()
            return video

    def _forget_old(self) -> None:
        oldest = sorted(self._videos.values(), key=lambda video: video.used_at)
        now, most = time.monotonic(), self._options.max_jobs
        for place, video in enumerate(oldest):
            is_over = len(oldest) - place > most
            if is_over or now - video.used_at > self._options.job_kept_s:
                del self._videos[video.id]


def hide_path(error: ImageError, path: Path, field: str) -> RefusalError:
    """The error without the place where the server keeps the file."""
    option = error.mend.option if error.mend is not None else ""
    limit = {"max_bytes": "max_video_bytes", "max_seconds": "max_video_s"}.get(option, option)
    detail = error.message.replace(str(path), "the video").replace(path.name, "the video")
    return RefusalError(413 if limit else 422, detail, field=field, limit=limit)


def without_path(footage: Footage, path: Path, limits: VideoLimits) -> Footage:
    """The same frames, whose names do not tell where the file is, within the limit on length."""

    def frames(start: int = 0) -> Iterator[VideoFrame]:
        try:
            for frame in footage.frames(start):
                limits.check_seconds("the video", frame.time_s)
                image = Image(frame.image.pixels, f"video#{frame.index}")
                yield VideoFrame(image, frame.index, frame.time_s)
        except ImageError as error:
            raise hide_path(error, path, field="video") from None

    return replace(footage, frames=frames)
