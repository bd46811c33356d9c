"""Objects through a video: a line of JSON a frame as it is made, an overlay, pictures of ids."""

from collections.abc import Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordmask.core.result import Result
from wordmask.errors import ImageError, Mend, OptionError
from wordmask.jobs.digest import digest_of_file, plain
from wordmask.jobs.following import WayBack
from wordmask.jobs.footage import open_footage
from wordmask.jobs.trackfiles import FrameFiles, write_wholes
from wordmask.jobs.trackjob import TrackJob, VideoOutputs, VideoSetup, check_files
from wordmask.media.formats.frame_lines import FrameLine, append_line, cut_after, read_lines
from wordmask.media.ledger import digest_of
from wordmask.media.video.read import VideoFrame
from wordmask.tasks.track import Query, TrackOptions, check_frames, live_tracker
from wordmask.tasks.tracking.live import LiveTracker
from wordmask.tasks.tracking.tracks import Standing, Standings

__all__ = ["FrameAnswer", "TrackJob", "VideoOutputs", "VideoSetup", "follow", "prepare"]


@dataclass(frozen=True, eq=False)
class FrameAnswer:
    """One frame and its objects."""

    frame: VideoFrame
    result: Result | None  # None: on the way back; the frame comes again, with its objects


def prepare(source: str, query: Query, options: TrackOptions, setup: VideoSetup) -> TrackJob:
    """Open the video and the engines; nothing is followed or written yet."""
    outputs = setup.outputs
    if "davis" in outputs.format and outputs.output_dir is None:
        raise OptionError(
            "pictures of ids need a folder of their own", mend=Mend("output_dir", "FOLDER")
        )
    footage = open_footage(source, outputs.fps, web=setup.web)
    if "sheet" in outputs.format and footage.content is None:
        raise OptionError(
            "a sheet needs frames that can be read again, and those of a camera or an address "
            "cannot; leave it out"
        )
    if options.backward and not footage.is_repeatable:
        raise OptionError(
            f"what is shown in {footage.name} cannot be followed back: its frames cannot be read "
            "again"
        )
    if footage.count:
        check_frames(query.prompts, footage.count)
    models = setup.load()
    recipe: dict[str, Any] = {
        "source": _identify(footage.content),
        "words": None if query.text is None else query.text.phrases,
        "shown": query.prompts,
        "models": models.made_by,
        "options": options,
        "engine": setup.engine,
    }
    job = TrackJob(footage, query, models, options, outputs, digest_of(plain(recipe)))
    check_files(job)
    return job


def follow(job: TrackJob) -> Generator[FrameAnswer, None, None]:
    """Frame after frame, written as it is made.

    What an earlier run of the same job wrote is read back, and it goes on from there. All files are
    finished wherever this ends, also where the caller stops or the video breaks off.
    """
    count = 0
    try:
        with closing(_follow_frames(job)) as answers:
            for answer in answers:
                count += answer.result is not None
                yield answer
    except ImageError:  # a video that breaks off, a camera that is unplugged
        if count:
            write_wholes(job)
        raise
    check_frames(job.query.prompts, count)
    write_wholes(job)


def _follow_frames(job: TrackJob) -> Generator[FrameAnswer, None, None]:
    done = _Earlier(job)
    with ExitStack() as stack:
        way = stack.enter_context(WayBack(job.footage, job.query, job.models, job.options))
        for frame in way.go(done.count):
            yield FrameAnswer(frame, None)
        tracker = live_tracker(job.models, way.query, job.options)
        files = FrameFiles(job, stack)
        for frame in job.footage.frames():
            result = done.take(frame, tracker)
            if result is None:
                result = tracker.step(frame.image, way.query.shown_in(frame.index))
                result = way.add_to(frame, result)
                append_line(job.lines, _line_of(job, frame, result, tracker))
            files.write(frame, result)
            yield FrameAnswer(frame, result)


def _line_of(job: TrackJob, frame: VideoFrame, result: Result, tracker: LiveTracker) -> FrameLine:
    name, (objects, needed) = frame.image.name, tracker.standings
    return FrameLine(frame.index, frame.time_s, result, name, job.run, objects, needed)


class _Earlier:
    """The lines of an earlier run. They are read twice, so that they need not be held."""

    def __init__(self, job: TrackJob) -> None:
        self.count = 0  # frames
        self._known: set[int] = set()
        self._last: dict[int, int] = {}  # object -> the last frame in which it was
        self._shown = {prompt.frame for prompt in job.query.prompts}
        if job.lines.exists():
            for line in read_lines(job.lines):
                self.count += 1
                self._last |= dict.fromkeys(_ids(line.result), line.frame)
            cut_after(job.lines, self.count)
        self._lines = read_lines(job.lines) if self.count else iter(())

    def take(self, frame: VideoFrame, tracker: LiveTracker) -> Result | None:
        """The frame's result as it was written; None where this run must find it.

        Objects are remembered where they came, where they were shown, and where they were last.
        """
        if frame.index >= self.count:
            return None
        line = next(self._lines)
        ids = _ids(line.result)
        standings = Standings(tuple(Standing(*one) for one in line.standings), line.needed)
        # The others were found on a way back, before the tracker knew them.
        ids = [one.id for one in standings.objects if one.id in ids]
        remembered = [
            id
            for id in ids
            if id not in self._known or self._last[id] == frame.index or frame.index in self._shown
        ]
        self._known.update(ids)
        tracker.restore(frame.image, line.result, standings, remembered)
        return line.result


def _ids(result: Result) -> list[int]:
    return [] if result.track_ids is None else result.track_ids.tolist()


def _identify(path: Path | None) -> Any:
    """What the results are of: the video's content, the folder's name and the age of its files."""
    if path is None:
        return None
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.is_file())
        return [str(path.resolve()), [(one.name, one.stat().st_mtime_ns) for one in files]]
    return digest_of_file(path)
