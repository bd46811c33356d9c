"""Objects named by words or shown by a person -> the same objects in every frame of a video."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Interval

from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.options import Share, check
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
from wordmask.tasks.tracking.pointing import FramePrompt

__all__ = ["FramePrompt", "LiveTracker", "TrackOptions", "live_tracker", "track"]


@dataclass(frozen=True)
class TrackOptions:
    """How objects are followed through a video."""

    how: Literal["auto", "tracker", "associate"] = "auto"
    """tracker (an engine remembers the objects), associate (segment every frame and pair its
    regions with the objects), or auto: tracker where an engine has one."""
    look_every: Annotated[int, Ge(0)] = 10
    """Look for the words again every so many frames, and after a cut; 0: only in the first."""
    until_found: bool = False
    """Stop looking for a word once it was found, and only follow it from there."""
    birth_confidence: Share = 0.7
    """Score from which a word that has an object already gets another one."""
    birth_overlap: Share = 0.1
    """A region that overlaps an object more than this (IoU) is no new one."""
    forget_after: Annotated[int, Ge(0)] = 300
    """Give up what a word found and what was not seen for so many frames."""
    max_objects: Annotated[int, Interval(ge=1, le=1000)] = 32
    """Words find no more objects than this at a time."""
    refine_every: Annotated[int, Ge(0)] = 0
    """Let the segmenter cut each object again every so many frames; 0: never."""
    refine_below: Share = 0.0
    """And at once where the tracker's confidence is below this."""

    def __post_init__(self) -> None:
        check(self)


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
    """Each frame as soon as it is followed, with its objects; `track_ids` say which they are."""
    tracker = live_tracker(models, query.text, options, segmenting)
    count = 0
    for count, frame in enumerate(frames, 1):
        result = tracker.step(frame)
        shown = query.shown_in(count - 1)
        yield frame, tracker.show(shown) if shown else result
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
    text: Text | None = None,
    options: TrackOptions | None = None,
    segmenting: SegmentOptions | None = None,
) -> LiveTracker:
    """A tracker that is given frame after frame."""
    options = options or TrackOptions()
    looks = Looks(
        text,
        segmenting or SegmentOptions(),
        every=options.look_every,
        until_found=options.until_found,
        birth_confidence=options.birth_confidence,
        birth_overlap=options.birth_overlap,
        most=options.max_objects,
    )
    return LiveTracker(models, _follower(models, options), looks, options.forget_after)


def _follower(models: Models, options: TrackOptions) -> Follower:
    follower: Follower = RegionFollower()
    if options.how == "tracker" or (options.how == "auto" and models.has(Tracker)):
        follower = EngineFollower(models.get(Tracker))
    if options.refine_every or options.refine_below:
        return RefiningFollower(follower, options.refine_every, options.refine_below)
    return follower
