"""What has been found in frames so far, on the disk: a run that was killed goes on from there."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordmask.core.result import Result
from wordmask.jobs.digest import digest_of_file
from wordmask.media.formats.frame_lines import FrameLine, append_line, cut_after, read_lines
from wordmask.media.video.read import VideoFrame
from wordmask.tasks.tracking.live import LiveTracker
from wordmask.tasks.tracking.tracks import Standing, Standings


@dataclass(frozen=True)
class FrameNotes:
    """A file of lines, and the digest of all that decides what they say."""

    path: Path
    run: str

    @property
    def are_own(self) -> bool:
        """Whether this very run, or none, wrote there."""
        if not self.path.exists():
            return True
        first = next(read_lines(self.path), None)
        return first is not None and first.run == self.run

    def add(self, frame: VideoFrame, result: Result, tracker: LiveTracker) -> None:
        name, (objects, needed) = frame.image.name, tracker.standings
        line = FrameLine(frame.index, frame.time_s, result, name, self.run, objects, needed)
        append_line(self.path, line)


class EarlierFrames:
    """The lines of an earlier run. They are read twice, so that they need not be held."""

    def __init__(self, notes: FrameNotes | None, shown: set[int]) -> None:
        """`shown`: frames in which a person shows something."""
        self.count = 0
        self._known: set[int] = set()
        self._last: dict[int, int] = {}  # object -> the last frame in which it was
        self._shown = shown
        self._lines: Iterator[FrameLine] = iter(())
        if notes is not None and notes.path.exists():
            for line in read_lines(notes.path):
                self.count += 1
                self._last |= dict.fromkeys(_ids(line.result), line.frame)
            cut_after(notes.path, self.count)
            self._lines = read_lines(notes.path)

    def take(self, frame: VideoFrame, tracker: LiveTracker) -> Result | None:
        """The frame's result as it was written; None where this run must find it.

        Objects are remembered where they came, where they were shown, and where they were last.
        """
        if frame.index >= self.count:
            return None
        line = next(self._lines)
        standings = Standings(tuple(Standing(*one) for one in line.standings), line.needed)
        # The others were found on a way back, before the tracker knew them.
        here = _ids(line.result)
        ids = [one.id for one in standings.objects if one.id in here]
        remembered = [
            id
            for id in ids
            if id not in self._known or self._last[id] == frame.index or frame.index in self._shown
        ]
        self._known.update(ids)
        tracker.restore(frame.image, line.result, standings, remembered)
        return line.result


def identify(path: Path | None) -> Any:
    """What the results are of: the video's content, the folder's name and the age of its files."""
    if path is None:
        return None
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.is_file())
        return [str(path.resolve()), [(one.name, one.stat().st_mtime_ns) for one in files]]
    return digest_of_file(path)


def _ids(result: Result) -> list[int]:
    return [] if result.track_ids is None else result.track_ids.tolist()
