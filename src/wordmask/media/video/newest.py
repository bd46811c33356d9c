"""Live frames for one who is slower than they come: the newest, and how many were missed."""

from collections.abc import Generator, Iterator
from threading import Condition, Thread

from wordmask.media.video.read import VideoFrame


class NewestFrames:
    """Reads frames in a thread of its own and gives the newest; those in between are dropped.

    They are counted again from 0; `dropped` says how many were passed over.
    """

    def __init__(self, frames: Generator[VideoFrame, None, None]) -> None:
        self.dropped = 0
        self._frames = frames
        self._newest: VideoFrame | None = None
        self._error: BaseException | None = None
        self._is_over = self._is_closed = False
        self._changed = Condition()

    def __iter__(self) -> Iterator[VideoFrame]:
        reader = Thread(target=self._read, daemon=True)
        reader.start()
        count = 0
        try:
            while True:
                frame = self._take()
                if frame is None:
                    return
                yield VideoFrame(frame.image, count, frame.time_s)
                count += 1
        finally:
            with self._changed:
                self._is_closed = True
            reader.join(timeout=5)  # so that the camera is free again

    def _take(self) -> VideoFrame | None:
        """The newest frame when there is one; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._is_over)
            frame, self._newest = self._newest, None
            if frame is None and self._error is not None:
                raise self._error
            return frame

    def _read(self) -> None:
        try:
            for frame in self._frames:
                with self._changed:
                    self.dropped += self._newest is not None
                    self._newest = frame
                    self._changed.notify()
                    if self._is_closed:
                        break
        except BaseException as error:
            self._error = error
        finally:
            self._frames.close()
            with self._changed:
                self._is_over = True
                self._changed.notify()
