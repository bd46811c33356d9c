"""Objects named by words or shown by a person -> the same objects in every frame of a video."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.prompts import Text
from wordmask.core.protocols import Tracker
from wordmask.core.result import Result
from wordmask.errors import PromptError
from wordmask.tasks.segment import SegmentOptions
from wordmask.tasks.tracking.followers import (
    EngineFollower,
    Follower,
    RefiningFollower,
    RegionFollower,
)
from wordmask.tasks.tracking.live import LiveTracker, Looks
from wordmask.tasks.tracking.options import TrackOptions
from wordmask.tasks.tracking.pointing import FramePrompt

__all__ = ["FramePrompt", "LiveTracker", "TrackOptions", "live_tracker", "track"]


@dataclass(frozen=True)
class Query:
    """What shall be followed: what words name, and what a person shows."""

    text: Text | None = None
    prompts: tuple[FramePrompt, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.text is None and not self.prompts:
            raise PromptError("there is nothing to follow: give words, or show an object")

    def shown_in(self, frame: int) -> list[FramePrompt]:
        return [prompt for prompt in self.prompts if prompt.frame == frame]


def track(
    frames: Iterable[Image],
    query: Query,
    models: Models,
    options: TrackOptions | None = None,
    segmenting: SegmentOptions | None = None,
) -> Iterator[tuple[Image, Result]]:
    """Each frame as soon as it is followed, with its objects; `track_ids` say which they are.

    Frames that come one by one are not followed backwards.
    """
    tracker = live_tracker(models, query, options, segmenting)
    count = 0
    for count, frame in enumerate(frames, 1):
        yield frame, tracker.step(frame, query.shown_in(count - 1))
    check_frames(query.prompts, count)


def check_frames(prompts: Sequence[FramePrompt], count: int) -> None:
    """Raise where an object was shown in a frame that the video does not have."""
    late = [prompt.frame for prompt in prompts if prompt.frame >= count]
    if late:
        raise PromptError(
            f"an object is shown in frame {late[0]}, but there are only frames 0 to {count - 1}"
            if count
            else "there is no frame to follow anything in"
        )


def live_tracker(
    models: Models,
    query: Query | Text | None = None,
    options: TrackOptions | None = None,
    segmenting: SegmentOptions | None = None,
) -> LiveTracker:
    """A tracker that is given frame after frame; ids that `query` shows are for its objects."""
    options = options or TrackOptions()
    text = query.text if isinstance(query, Query) else query
    segmenting = segmenting or SegmentOptions(min_confidence=options.min_confidence)
    tracker = LiveTracker(models, _follower(models, options), Looks(text, segmenting), options)
    if isinstance(query, Query):
        tracker.reserve(prompt.id for prompt in query.prompts if prompt.id is not None)
    return tracker


def _follower(models: Models, options: TrackOptions) -> Follower:
    follower: Follower = RegionFollower()
    if options.how == "tracker" or (options.how == "auto" and models.has(Tracker)):
        follower = EngineFollower(models.get(Tracker))
    if options.refine_every or options.refine_below:
        return RefiningFollower(follower, options.refine_every, options.refine_below)
    return follower
