"""The long work that is served: objects through a video, and words in many pictures."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

import numpy as np
from pydantic import FailFast, Field

from wordmask.core.image import Size
from wordmask.core.masks import Masks
from wordmask.core.prompts import Boxes, Points, Text
from wordmask.doors.server.jobbook import JobStep, Start, Steps
from wordmask.doors.server.problems import RefusalError
from wordmask.doors.server.queries import ID, ApiQuery, Rows, Words, check_count, make_at
from wordmask.doors.server.service import Service
from wordmask.doors.server.videos import hide_path, without_path
from wordmask.errors import ImageError
from wordmask.jobs.trackjob import VideoFormat, VideoOutputs, VideoSetup
from wordmask.jobs.videos import follow, prepare
from wordmask.media import formats
from wordmask.tasks.segment import SegmentOptions, segment_view
from wordmask.tasks.track import FramePrompt, Query, TrackOptions

PictureId = Annotated[str, Field(pattern=ID)]
BatchFormat = Literal["coco", "jsonl", "labelstudio"]
BATCH_FILES = {
    "coco": "result.coco.json",
    "jsonl": "result.jsonl",
    "labelstudio": "result.labelstudio.json",
}


class ShownQuery(ApiQuery):
    """An object, shown in one frame."""

    frame: Annotated[int, Field(ge=0)]
    """Counted from 0."""
    points: Rows = ()
    """[x, y] or [x, y, 0]."""
    box: tuple[float, float, float, float] | None = None
    """[x0, y0, x1, y1]."""
    mask: dict[str, Any] | None = None
    """A COCO run-length code, in place of points and a box."""
    id: Annotated[int, Field(ge=1)] | None = None
    """The object that it corrects; none: a new one."""
    word: Annotated[str, Field(max_length=256)] = ""
    """What a new object is called."""

    def prompt(self, size: Size) -> FramePrompt:
        """For a video of frames of this size."""
        points = Points.of(self.points) if self.points else None
        box = None if self.box is None else Boxes(np.array([self.box], np.float32))
        mask = None if self.mask is None else Masks.from_rle([self.mask], size).one(0)
        return FramePrompt(self.frame, points, box, mask, self.id, self.word)


class TrackQuery(ApiQuery):
    """Follow what words name, or what is shown, through a video."""

    options_in: ClassVar[dict[str, type]] = {"options": TrackOptions}

    video: Annotated[str, Field(pattern=ID)]
    """The id that `PUT /v1/videos` gave."""
    words: Words = ()
    """What to follow."""
    shown: Annotated[tuple[ShownQuery, ...], FailFast()] = ()
    """Objects that are shown in a frame."""
    options: TrackOptions = TrackOptions()
    format: Annotated[tuple[VideoFormat, ...], FailFast()] = ("jsonl",)
    """Files to make beside the lines, one for each frame."""
    model: str | None = None
    """One of the served engines; none: the first."""


class BatchQuery(ApiQuery):
    """Words in many pictures that were sent before."""

    options_in: ClassVar[dict[str, type]] = {"options": SegmentOptions}

    pictures: Annotated[tuple[PictureId, ...], FailFast(), Field(min_length=1)]
    """Ids that `PUT /v1/pictures` gave."""
    names: Words = ()
    """What each picture is called in the files; none: its id."""
    words: Words
    """What to look for in each."""
    options: SegmentOptions = SegmentOptions()
    format: Annotated[tuple[BatchFormat, ...], FailFast()] = ("coco",)
    """Files to make."""
    model: str | None = None
    """One of the served engines; none: the first."""


def track(query: TrackQuery, service: Service) -> Start:
    """What follows the objects; what is wrong with the question is told at once."""
    check_count("words", len(query.words), service.options)
    check_count("shown", len(query.shown), service.options)
    video = service.videos.find(query.video)
    text = make_at("words", lambda: Text(query.words)) if query.words else None
    shown = make_at("shown", lambda: tuple(one.prompt(video.info.size) for one in query.shown))
    followed = make_at("words", lambda: Query(text, shown))
    model = service.shelf.name_of(query.model)

    def steps(folder: Path) -> Steps:
        path, limits = video.path, service.options.video_limits
        outputs = VideoOutputs(folder, format=query.format)
        setup = VideoSetup(model, service.engine, outputs=outputs)
        try:
            job = prepare(str(path), followed, query.options, setup)
        except ImageError as error:
            raise hide_path(error, path, "video") from None
        job = replace(job, footage=without_path(job.footage, path, limits))
        with closing(follow(job)) as answers:
            for answer in answers:
                yield JobStep(answer.frame.index + 1, job.footage.count)

    return steps


def batch(query: BatchQuery, service: Service) -> Start:
    """What looks for the words in one picture after the other; one file of each format."""
    check_count("words", len(query.words) + len(query.options.vocabulary), service.options)
    text = make_at("words", lambda: Text(query.words))
    names = query.names or [id[:16] for id in query.pictures]
    if len(names) != len(query.pictures):
        detail = f"there are {len(query.pictures)} pictures but {len(names)} names"
        raise RefusalError(422, detail, field="names")
    pictures = [service.require(id) for id in query.pictures]
    models = service.shelf.find(query.model)

    def steps(folder: Path) -> Steps:
        items: list[formats.Named] = []
        for name in names:
            picture = pictures.pop(0)  # the store may forget what has been looked at
            view = service.store.view(picture, models.result())
            items.append(formats.Named(name, segment_view(view, text, query.options)))
            service.store.trim()
            yield JobStep(len(items), len(names))
        for kind in dict.fromkeys(query.format):
            formats.save_named(items, folder / BATCH_FILES[kind], kind)

    return steps


Asked = TypeVar("Asked", bound=ApiQuery)


@dataclass(frozen=True)
class Chore(Generic[Asked]):
    """One kind of long work."""

    path: str
    summary: str
    query: type[Asked]
    start: Callable[[Asked, Service], Start]
    example: dict[str, Any]


_ID = "0" * 64
CHORES: tuple[Chore[Any], ...] = (
    Chore(
        "/v1/track",
        "Follow things through a video",
        TrackQuery,
        track,
        {"video": _ID, "words": ["car"], "format": ["jsonl", "overlay"]},
    ),
    Chore(
        "/v1/batch",
        "Look for words in many pictures",
        BatchQuery,
        batch,
        {"pictures": [_ID], "words": ["cat", "dog"], "format": ["coco"]},
    ),
)
