"""People through a video with their joints: a line of JSON a frame, and skeletons drawn."""

from collections.abc import Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from wordmask.core.models import Models
from wordmask.core.poses import Poses
from wordmask.core.prompts import Boxes, Text
from wordmask.core.result import Result
from wordmask.errors import Mend, OptionError, PromptError
from wordmask.files import append_line, sweep
from wordmask.jobs.following import follow_footage
from wordmask.jobs.footage import Footage, check_not_read, open_footage
from wordmask.jobs.outputs import format_of_file, typed_file
from wordmask.jobs.poses import PoseFormat, PoseOutputs, PoseSetup, load_models
from wordmask.jobs.presence import Presence
from wordmask.media.drawing.skeleton import draw_people
from wordmask.media.formats import own
from wordmask.media.formats.parsing import dump_json
from wordmask.media.formats.records import FormatOptions, Named
from wordmask.media.video.read import VideoFrame
from wordmask.media.video.write import ENCODERS, LastingSink
from wordmask.tasks.pose import PoseOptions
from wordmask.tasks.posing.moving import JointTracks, SmoothOptions, pose_tracked
from wordmask.tasks.segment import SegmentOptions
from wordmask.tasks.track import FramePrompt, Query

LINES, DRAWN = ".poses.jsonl", ".poses.mp4"
OF_VIDEOS: tuple[PoseFormat, ...] = ("json", "skeleton")
# What one file that a person names holds.
FILES: dict[str, tuple[PoseFormat, ...]] = dict.fromkeys(ENCODERS, ("skeleton",))
FILES[".jsonl"] = ("json",)


@dataclass(frozen=True, eq=False)
class PoseFrame:
    """One frame and its people."""

    frame: VideoFrame
    people: Result  # with `track_ids`
    poses: Poses  # smoothed; row k is of region k


@dataclass(frozen=True, eq=False)
class PoseVideoJob:
    """A video, whom to follow in it, and where its files go."""

    footage: Footage
    query: Query
    models: Models
    options: PoseOptions
    smoothing: SmoothOptions
    target: Path  # what the names of its files start with
    draws: bool  # whether skeletons are drawn
    writes: bool = True  # whether there are any files
    presence: Presence = field(default_factory=Presence)
    file: Path | None = None  # that the user named: all that is written

    @property
    def lines(self) -> Path | None:
        """None where a video was named, or nothing is wanted."""
        if not self.writes:
            return None
        if self.file is not None:
            return None if self.draws else self.file
        return self.target.with_name(self.target.name + LINES)

    @property
    def drawn(self) -> Path:
        return self.file or self.target.with_name(self.target.name + DRAWN)

    @property
    def files(self) -> tuple[Path, ...]:
        wanted = (self.lines, self.drawn if self.draws else None)
        return tuple(path for path in wanted if path is not None)


def prepare(
    source: str,
    who: Text | Boxes,
    options: PoseOptions,
    setup: PoseSetup,
    smoothing: SmoothOptions | None = None,
) -> PoseVideoJob:
    """Open the video and the engines; nothing is followed or written yet.

    Words are looked for in every frame, boxes are of people in the first.
    """
    name, file = _named_file(setup.outputs)
    footage = open_footage(source, web=setup.inputs.web)
    if file is not None:
        check_not_read(file, footage)
    folder = setup.outputs.output_dir
    if folder is None:
        folder = Path() if footage.path is None else footage.path.parent
    job = PoseVideoJob(
        footage,
        _query(who),
        load_models(setup.model, setup.engine),
        options,
        smoothing or SmoothOptions(),
        folder / footage.file_stem,
        draws="skeleton" in ((name,) if name else setup.outputs.format),
        writes=bool(setup.outputs.format),
        file=file,
        presence=Presence(who.names if isinstance(who, Text) else ()),
    )
    there = [path for path in job.files if path.exists() and path != file]
    if there and not setup.outputs.overwrite:
        raise OptionError(
            f"{there[0]} is there already; rename it, or let it be replaced", mend=Mend("overwrite")
        )
    if job.lines is not None:
        job.lines.unlink(missing_ok=True)
    return job


def _named_file(outputs: PoseOutputs) -> tuple[PoseFormat | None, Path | None]:
    """The file that the user named, and what it holds; None for a folder, which gets both."""
    wanted, default = outputs.format, PoseOutputs.format
    if wanted != default:
        for name in wanted:
            if name not in OF_VIDEOS:
                raise OptionError(
                    f"of a video {' and '.join(OF_VIDEOS)} are written; got {name}",
                    mend=Mend("format", OF_VIDEOS[0]),
                )
    file = typed_file(outputs, FILES, ())
    if file is None:
        return None, None
    return format_of_file(file, FILES[file.suffix.lower()], wanted, default), file


def follow(job: PoseVideoJob) -> Generator[PoseFrame, None, None]:
    """Frame after frame, written as it is made; what was made stays where it is stopped."""
    if job.target.parent.is_dir():
        sweep(job.target.parent)
    with ExitStack() as stack:
        sink = None
        if job.draws:
            sink = stack.enter_context(LastingSink(job.drawn, **job.footage.sink_options))
        for found in stack.enter_context(closing(follow_joints(job))):
            if job.lines is not None:
                append_line(job.lines, line_of(found).encode(errors="surrogateescape"))
            if sink is not None:
                picture = draw_people(
                    found.people.with_image(found.frame.image),
                    found.poses,
                    job.options.joint_threshold,
                )
                pixels = np.asarray(picture.convert("RGB"))
                sink.write(pixels, job.footage.time_of(found.frame))
            yield found


def follow_joints(job: PoseVideoJob) -> Generator[PoseFrame, None, None]:
    """The people of each frame with their numbers, and their joints, smoothed over time."""
    tracks = JointTracks(job.smoothing, job.options.joint_threshold)
    segmenting = SegmentOptions(min_confidence=job.options.min_confidence)
    followed = follow_footage(job.footage, job.query, job.models, segmenting=segmenting)
    with closing(followed) as frames:
        for frame, people in frames:
            if people is None:
                continue
            job.presence.add(people)
            poses = pose_tracked(frame.image, people, job.models)
            if len(people):
                poses = tracks.step(people, poses, frame.time_s)
            yield PoseFrame(frame, people, poses)


def _query(who: Text | Boxes) -> Query:
    if isinstance(who, Text):
        return Query(who)
    if not len(who.xyxy):
        raise PromptError("there is nobody to follow: give words or boxes")
    shown = [FramePrompt(0, box=Boxes(box[None]), id=k) for k, box in enumerate(who.xyxy, 1)]
    return Query(None, tuple(shown))


def line_of(found: PoseFrame) -> str:
    """The frame's people as one line of own JSON."""
    named = Named(found.frame.image.name, found.people, poses=found.poses)
    value = own.encode(named, FormatOptions())
    return dump_json(value | {"frame": found.frame.index, "time_s": round(found.frame.time_s, 6)})
