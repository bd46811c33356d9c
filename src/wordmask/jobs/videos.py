"""Objects through a video: a line of JSON a frame as it is made, an overlay, pictures of ids."""

from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Interval

from wordmask.core.models import Models
from wordmask.core.options import check
from wordmask.core.result import Result
from wordmask.errors import Mend, OptionError
from wordmask.files import identity, sweep
from wordmask.jobs.digest import digest_of_file, plain
from wordmask.jobs.footage import Footage, open_footage
from wordmask.jobs.outputs import OutputOptions
from wordmask.jobs.presence import Presence
from wordmask.jobs.setup import Setup
from wordmask.jobs.tracksheet import draw_track_sheet
from wordmask.media import formats
from wordmask.media.drawing import render
from wordmask.media.drawing.overlay import overlay
from wordmask.media.drawing.timeline import TimelineRow, draw_timeline
from wordmask.media.formats.davis import write_davis
from wordmask.media.formats.frame_lines import (
    SUFFIX,
    FrameLine,
    append_line,
    cut_after,
    read_lines,
)
from wordmask.media.formats.records import Named
from wordmask.media.formats.table import BY_NAME
from wordmask.media.ledger import digest_of
from wordmask.media.video.read import VideoFrame
from wordmask.media.video.write import LastingSink, VideoSink
from wordmask.tasks.track import Query, TrackOptions, check_frames, live_tracker
from wordmask.tasks.tracking.live import LiveTracker
from wordmask.tasks.tracking.tracks import Standing, Standings

OVERLAY, TIMELINE, SHEET = ".tracks.mp4", ".timeline.png", ".sheet.png"
VideoFormat = Literal["jsonl", "overlay", "davis", "ytvis", "mots", "timeline", "sheet"]
WHOLE: tuple[VideoFormat, ...] = ("ytvis", "mots")  # written when all frames are there


@dataclass(frozen=True)
class VideoOutputs(OutputOptions):
    """What is written of a video, and where."""

    format: tuple[VideoFormat, ...] = ("jsonl", "overlay")
    """What to write: jsonl (a line a frame; always), overlay (mp4), davis (a PNG of ids a frame),
    ytvis (YouTube-VIS), mots (MOTS as text), timeline (a picture of who is there when),
    sheet (pictures of each object); many may be given."""
    fps: Annotated[float, Interval(gt=0, le=1000)] | None = None
    """Frames a second of the overlay, which then has no sound; default: the video's own, 25 for a
    folder of frames."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class VideoSetup(Setup):
    """A setup for jobs over videos."""

    outputs: VideoOutputs = field(default_factory=VideoOutputs)


@dataclass(frozen=True, eq=False)
class FrameAnswer:
    """One frame and its objects."""

    frame: VideoFrame
    result: Result


@dataclass(frozen=True)
class TrackJob:
    """A video on its way: what is followed in it, and where its files go."""

    footage: Footage
    query: Query
    models: Models
    options: TrackOptions
    outputs: VideoOutputs
    run: str  # digest of all that decides the results

    @property
    def target(self) -> Path:
        """What the names of its files start with."""
        path = self.footage.path
        name = self.footage.name.replace(":", "-") if path is None else path.resolve().name
        stem = name if path is None or path.is_dir() else Path(name).stem
        folder = self.outputs.output_dir
        if folder is None:
            folder = Path() if path is None else path.parent
        return folder / stem

    @property
    def lines(self) -> Path:
        return self.target.with_name(self.target.name + SUFFIX)

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that it writes, beside pictures of single frames."""
        suffixes = [OVERLAY] if "overlay" in self.outputs.format else []
        suffixes += [TIMELINE] if "timeline" in self.outputs.format else []
        suffixes += [SHEET] if "sheet" in self.outputs.format else []
        suffixes += [f".tracks{suffix}" for suffix in self.wholes.values()]
        others = [self.target.with_name(self.target.name + suffix) for suffix in suffixes]
        return (self.lines, *others)

    @property
    def wholes(self) -> dict[str, str]:
        """The formats of whole videos that are wanted, with their suffixes."""
        wanted = [name for name in WHOLE if name in self.outputs.format]
        return {name: BY_NAME[name].suffixes[0] for name in wanted}


def prepare(source: str, query: Query, options: TrackOptions, setup: VideoSetup) -> TrackJob:
    """Open the video and the engines; nothing is followed or written yet."""
    outputs = setup.outputs
    if "davis" in outputs.format and outputs.output_dir is None:
        raise OptionError(
            "pictures of ids need a folder of their own", mend=Mend("output_dir", "FOLDER")
        )
    footage = open_footage(source, fps=outputs.fps)
    if "sheet" in outputs.format and footage.live is not None:
        raise OptionError(
            "a sheet needs frames that can be read again, and a camera's cannot; leave it out"
        )
    if footage.count:
        check_frames(query.prompts, footage.count)
    models = setup.load()
    recipe: dict[str, Any] = {
        "source": _identify(footage.path),
        "words": None if query.text is None else query.text.phrases,
        "shown": query.prompts,
        "models": models.made_by,
        "options": options,
        "engine": setup.engine,
    }
    job = TrackJob(footage, query, models, options, outputs, digest_of(plain(recipe)))
    _check_files(job)
    return job


def follow(job: TrackJob) -> Generator[FrameAnswer, None, None]:
    """Frame after frame, written as it is made.

    What an earlier run of the same job wrote is read back, and it goes on from there. The overlay
    is finished wherever this ends, also where the caller stops.
    """
    tracker = live_tracker(job.models, job.query, job.options)
    count = 0
    with ExitStack() as stack:
        write = _Writer(job, stack)
        done = _Earlier(job)
        for frame in job.footage.frames():
            result = done.take(frame, tracker)
            if result is None:
                result = tracker.step(frame.image, job.query.shown_in(frame.index))
                append_line(job.lines, _line_of(job, frame, result, tracker))
            write(frame, result)
            count += 1
            yield FrameAnswer(frame, result)
    check_frames(job.query.prompts, count)
    _write_wholes(job)


def _write_wholes(job: TrackJob) -> None:
    """Files that tell of all frames at once, made of the lines."""
    wants_timeline, wants_sheet = (name in job.outputs.format for name in ("timeline", "sheet"))
    if wants_timeline or wants_sheet:
        presence = Presence()
        for line in read_lines(job.lines):
            presence.add(line.result)
    if wants_timeline:
        rows = [TimelineRow(id, name, presence.runs[id]) for id, name in presence.names.items()]
        picture = draw_timeline(sorted(rows, key=lambda row: row.id), presence.frames)
        render.write(picture, job.target.with_name(job.target.name + TIMELINE))
    if wants_sheet:
        lines = read_lines(job.lines)
        frames = (frame.image for frame in job.footage.frames())
        pairs = ((image, line.result) for image, line in zip(frames, lines, strict=True))
        sheet = draw_track_sheet(pairs, presence)
        if sheet is not None:
            render.write(sheet, job.target.with_name(job.target.name + SHEET))
    if job.wholes:
        items = [Named(line.name, line.result) for line in read_lines(job.lines)]
        for name, suffix in job.wholes.items():
            path = job.target.with_name(f"{job.target.name}.tracks{suffix}")
            formats.save_named(items, path, name)


def _line_of(job: TrackJob, frame: VideoFrame, result: Result, tracker: LiveTracker) -> FrameLine:
    name, (objects, needed) = frame.image.name, tracker.standings
    return FrameLine(frame.index, frame.time_s, result, name, job.run, objects, needed)


class _Earlier:
    """The lines of an earlier run. They are read twice, so that they need not be held."""

    def __init__(self, job: TrackJob) -> None:
        self._count = 0
        self._known: set[int] = set()
        self._last: dict[int, int] = {}  # object -> the last frame in which it was
        self._shown = {prompt.frame for prompt in job.query.prompts}
        if job.lines.exists():
            for line in read_lines(job.lines):
                self._count += 1
                self._last |= dict.fromkeys(_ids(line.result), line.frame)
            cut_after(job.lines, self._count)
        self._lines = read_lines(job.lines) if self._count else iter(())

    def take(self, frame: VideoFrame, tracker: LiveTracker) -> Result | None:
        """The frame's result as it was written; None where this run must find it.

        Objects are remembered where they came, where they were shown, and where they were last.
        """
        if frame.index >= self._count:
            return None
        line = next(self._lines)
        ids = _ids(line.result)
        remembered = [
            id
            for id in ids
            if id not in self._known or self._last[id] == frame.index or frame.index in self._shown
        ]
        self._known.update(ids)
        standings = Standings(tuple(Standing(*one) for one in line.standings), line.needed)
        tracker.restore(frame.image, line.result, standings, remembered)
        return line.result


class _Writer:
    """The pictures of frames."""

    def __init__(self, job: TrackJob, stack: ExitStack) -> None:
        self._job = job
        self._sink: VideoSink | None = None
        if "overlay" in job.outputs.format:
            self._sink = LastingSink(job.files[1], job.footage.fps, job.footage.timing)
            stack.enter_context(self._sink)

    def __call__(self, frame: VideoFrame, result: Result) -> None:
        job = self._job
        if self._sink is not None:
            shown = np.asarray(overlay(frame.image, result).convert("RGB"))
            self._sink.write(shown, job.footage.time_of(frame))
        if "davis" in job.outputs.format:
            write_davis(result, job.target.parent / f"{job.footage.stem(frame.index)}.png")


def _check_files(job: TrackJob) -> None:
    """Files of other runs stay; what a killed run left half written goes."""
    _check_id_pictures(job)
    sweep(job.target.parent)
    if job.outputs.overwrite:
        job.lines.unlink(missing_ok=True)
        return
    if not job.lines.exists():
        there = [path for path in (*job.files, *_id_pictures(job)) if path.exists()]
    else:
        first = next(read_lines(job.lines), None)
        # A camera never shows the same again, so nothing of it can be gone on with.
        is_own = first is not None and first.run == job.run and job.footage.live is None
        there = [] if is_own else [job.lines]
    if there:
        raise OptionError(
            f"{there[0]} is there already, and another run made it; rename it, or let it be "
            "replaced",
            mend=Mend("overwrite"),
        )


def _id_pictures(job: TrackJob) -> list[Path]:
    """Where the pictures of ids go, as far as the frames are known."""
    if "davis" not in job.outputs.format:
        return []
    folder, footage = job.target.parent, job.footage
    return [folder / f"{footage.stem(index)}.png" for index in range(footage.count)]


def _check_id_pictures(job: TrackJob) -> None:
    """They have the frames' names: never in the frames' folder, and no two of one name."""
    paths, source = _id_pictures(job), job.footage.path
    if paths and source is not None and identity(source) == identity(job.target.parent):
        raise OptionError(
            f"pictures of ids have the names of the frames in {source} and would replace them; "
            "write to another folder",
            mend=Mend("output_dir", "FOLDER"),
        )
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise OptionError(
            f"two frames are called {twice.stem}, and {twice.name} would be of both; rename one"
        )


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
