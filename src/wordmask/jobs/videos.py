"""Objects through a video: a line of JSON a frame as it is made, an overlay, pictures of ids."""

from collections.abc import Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

from wordmask.core.result import Result
from wordmask.errors import ImageError, Mend, OptionError
from wordmask.jobs.digest import plain
from wordmask.jobs.following import follow_footage
from wordmask.jobs.footage import open_footage
from wordmask.jobs.frame_notes import FrameNotes, identify
from wordmask.jobs.trackfiles import FrameFiles, write_wholes
from wordmask.jobs.trackjob import TrackJob, VideoOutputs, VideoSetup, check_files, name_file
from wordmask.media.ledger import digest_of
from wordmask.media.video.read import VideoFrame
from wordmask.tasks.track import Query, TrackOptions, check_frames

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
    outputs, file = name_file(outputs, footage)
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
        "source": identify(footage.content),
        "words": None if query.text is None else query.text.phrases,
        "shown": query.prompts,
        "models": models.made_by,
        "options": options,
        "engine": setup.engine,
    }
    job = TrackJob(footage, query, models, options, outputs, digest_of(plain(recipe)), file)
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
    notes = FrameNotes(job.lines, job.run)
    with ExitStack() as stack:
        files: FrameFiles | None = None
        followed = follow_footage(job.footage, job.query, job.models, job.options, notes=notes)
        for frame, result in stack.enter_context(closing(followed)):
            if result is not None:
                files = files or FrameFiles(job, stack)
                files.write(frame, result)
            yield FrameAnswer(frame, result)
