"""The way through footage: frame after frame, and before that backwards where that is wanted."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import islice
from tempfile import TemporaryFile
from typing import IO

from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.result import Result
from wordmask.errors import OptionError
from wordmask.jobs.footage import Footage
from wordmask.jobs.frame_notes import EarlierFrames, FrameNotes
from wordmask.media.formats import from_json, to_json
from wordmask.media.formats.parsing import dump_json
from wordmask.media.video.read import VideoFrame
from wordmask.tasks.segment import SegmentOptions
from wordmask.tasks.track import Query, TrackOptions, check_frames, live_tracker
from wordmask.tasks.tracking.backward import (
    first_frames,
    join_ways,
    number_prompts,
    track_back,
)

MOST_BYTES = 400_000_000  # of frames that are held to be taken backwards
LEAST_FRAMES = 8


def follow_footage(
    footage: Footage,
    query: Query,
    models: Models,
    options: TrackOptions | None = None,
    *,
    segmenting: SegmentOptions | None = None,
    notes: FrameNotes | None = None,
) -> Generator[tuple[VideoFrame, Result | None], None, None]:
    """Each frame with its objects, as it goes; without them on a way back, before it comes again.

    What stands in `notes` is taken from there, and what is found is added.
    """
    options = options or TrackOptions()
    count, done = 0, EarlierFrames(notes, {prompt.frame for prompt in query.prompts})
    with WayBack(footage, query, models, options) as way:
        for frame in way.go(done.count):
            yield frame, None
        tracker = live_tracker(models, way.query, options, segmenting)
        for frame in footage.frames():
            result = done.take(frame, tracker)
            if result is None:
                result = tracker.step(frame.image, way.query.shown_in(frame.index))
                result = way.add_to(frame, result)
                if notes is not None:
                    notes.add(frame, result, tracker)
            yield frame, result
            count += 1
    check_frames(query.prompts, count)


class WayBack:
    """What was shown late, in earlier frames; kept in a file, so that memory does not grow."""

    def __init__(
        self, footage: Footage, query: Query, models: Models, options: TrackOptions
    ) -> None:
        self.query = query
        self._footage, self._models, self._options = footage, models, options
        self._places: dict[int, int] = {}  # frame -> where its result begins
        self._last = 0  # the frame in which it begins
        if options.backward and query.prompts:
            if not footage.is_repeatable:
                raise OptionError(
                    f"the way back needs frames that can be read again, and those of "
                    f"{footage.name} cannot",
                )
            self.query = replace(query, prompts=number_prompts(query.prompts))
            self._last = max(first_frames(self.query.prompts).values())
        self._file: IO[bytes] | None = None

    def __enter__(self) -> "WayBack":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def go(self, done: int = 0) -> Iterator[VideoFrame]:
        """Follow backwards, frame by frame; nothing where `done` frames need no way back."""
        if self._last <= max(0, done):
            return
        prompts, self._file = self.query.prompts, TemporaryFile()  # noqa: SIM115  closed at exit
        tracker = live_tracker(self._models, Query(None, prompts), self._options)
        frames = list[VideoFrame]()

        def images() -> Iterator[tuple[int, Image]]:
            for frame in frames_backwards(self._footage, self._last):
                frames[:] = [frame]
                yield frame.index, frame.image

        for index, result in track_back(images(), prompts, tracker):
            if len(result):
                self._places[index] = self._file.seek(0, 2)
                self._file.write(dump_json(to_json(result)).encode())
            yield frames[0]

    def add_to(self, frame: VideoFrame, result: Result) -> Result:
        """The frame's result with what the way back found in it."""
        place = self._places.get(frame.index)
        if place is None or self._file is None:
            return result
        self._file.seek(place)
        return join_ways(result, from_json(self._file.readline()))


def frames_backwards(footage: Footage, last: int) -> Iterator[VideoFrame]:
    """From frame `last` to the first. Videos are read forwards, so they are read again and again,
    each time for as many frames as may be held.
    """
    stop, step = last + 1, 1
    while stop > 0:
        start = max(0, stop - step)
        held = list(islice(footage.frames(start), stop - start))
        yield from reversed(held)
        if held:
            step = max(LEAST_FRAMES, MOST_BYTES // held[0].image.pixels.nbytes)
        stop = start
