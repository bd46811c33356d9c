"""Videos changed where their objects are: effects, styles, and things taken out."""

from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.masks import Masks
from wordmask.core.models import Models
from wordmask.core.prompts import Boxes, Text
from wordmask.core.result import Absent, Result
from wordmask.errors import CapabilityError, Mend, OptionError, PromptError
from wordmask.files import sweep
from wordmask.jobs.digest import plain
from wordmask.jobs.edits import LABELS, Edit, Editor, load_editor
from wordmask.jobs.following import follow_footage
from wordmask.jobs.footage import CAMERA, Footage, check_not_read, open_footage
from wordmask.jobs.frame_notes import FrameNotes, identify
from wordmask.jobs.outputs import OutputOptions, typed_file
from wordmask.jobs.presence import Presence
from wordmask.jobs.setup import Setup
from wordmask.jobs.target import TargetOptions
from wordmask.media.ledger import digest_of
from wordmask.media.reading import sources
from wordmask.media.video.read import SUFFIXES, VideoFrame
from wordmask.media.video.write import ENCODERS, LastingSink
from wordmask.tasks import edit as task
from wordmask.tasks.effects.table import EFFECTS
from wordmask.tasks.removal import remove_moving
from wordmask.tasks.segment import SegmentOptions
from wordmask.tasks.track import FramePrompt, Query

Pairs = Iterable[tuple[Image, Result]]
Change = Callable[[Pairs], Iterator[Image]]  # as many pictures as pairs, in their order


@dataclass(frozen=True, eq=False)
class MovingJob:
    """A video, what is meant in it, and what becomes of it."""

    footage: Footage
    query: Query
    models: Models
    segmenting: SegmentOptions
    change: Change
    path: Path  # of the video that is written
    notes: FrameNotes | None = None  # what was found so far, until the video is whole
    presence: Presence = field(default_factory=Presence)  # who has been there so far

    nearest: dict[str, Absent] = field(default_factory=dict)  # word -> its best miss

    def note(self, result: Result) -> None:
        """Keep how near words came that were not found."""
        for miss in result.absent:
            best = self.nearest.get(miss.phrase)
            if best is None or miss.best > best.best:
                self.nearest[miss.phrase] = miss


def are_videos(names: Sequence[str], *, folders: bool = False) -> bool:
    """Whether these are videos: files, cameras, and folders of frames where `folders` are meant.

    Pictures and videos do not go together.
    """
    kinds = {_is_video(name) or (folders and Path(name).is_dir()) for name in names}
    if kinds == {True, False}:
        raise OptionError("pictures and videos are changed by commands of their own; give one kind")
    return kinds == {True}


def effect_on(
    source: str, name: str, options: Any, target: TargetOptions, setup: Setup
) -> MovingJob:
    """An effect, frame by frame with the same options; frames without the target stay."""
    occluders: tuple[str, ...] = getattr(options, "occluders", ())
    more = tuple(word for word in occluders if word not in target.prompt)
    target = replace(target, prompt=(*target.prompt, *more))
    function, _ = EFFECTS[name]

    def change(pairs: Pairs) -> Iterator[Image]:
        return (function(image, result, options) for image, result in pairs)

    return _prepare(source, target, change, f".{name}", setup)


def edit_on(source: str, target: TargetOptions, order: Edit, setup: Setup) -> MovingJob:
    """A removal, from what other frames show, or a style that needs no model."""
    if order.verb == "replace" or (order.verb == "style" and not order.style):
        raise CapabilityError(
            f"{order.verb} paints each picture anew, which flickers in videos; a video's target "
            "can be removed, take an effect, or a style that needs no words"
        )
    editor = load_editor(order, setup.engine)
    if order.verb == "remove" and editor.painter is not None:
        change = _removal(editor)
    else:
        change = _each(editor)
    return _prepare(source, target, change, LABELS[order.verb], setup)


def render(job: MovingJob) -> Generator[VideoFrame, None, None]:
    """Each frame when it is written. The video has its name when it is whole.

    Where the caller stops, what was written so far is a video too. What was found by a run that was
    killed is not looked for again; the pictures are made anew.
    """
    waiting: deque[VideoFrame] = deque()
    footage = job.footage
    sink = LastingSink(job.path, **footage.sink_options)
    with sink:
        for image in job.change(_follow(job, waiting)):
            frame = waiting.popleft()
            sink.write(image, footage.time_of(frame))
            yield frame
        if not job.presence.names:
            raise PromptError(
                f"nothing to change in {footage.name}: no frame holds what is meant{_best(job)}"
            )
    if job.notes is not None:
        job.notes.path.unlink(missing_ok=True)


def _best(job: MovingJob) -> str:
    misses = [f"{x.phrase}: best {x.best:.2f}, needs {x.needed:.2f}" for x in job.nearest.values()]
    return f" ({'; '.join(misses)})" if misses else ""


def _follow(job: MovingJob, waiting: deque[VideoFrame]) -> Iterator[tuple[Image, Result]]:
    for frame, result in follow_footage(
        job.footage, job.query, job.models, segmenting=job.segmenting, notes=job.notes
    ):
        if result is None:
            continue
        waiting.append(frame)
        job.presence.add(result)
        job.note(result)
        yield frame.image, result


def _removal(editor: Editor) -> Change:
    painter, edit = editor.painter, editor.edit
    exactly = replace(edit.options, dilate=0.0, feather=0.0)

    def fill(image: Image, hole: Array) -> Image:
        return task.remove(image, _as_result(hole), painter, exactly, words=edit.words).image

    return lambda pairs: remove_moving(pairs, fill, edit.options)


def _as_result(hole: Array) -> Result:
    return Result.of(Masks.from_dense(hole[None]))


def _each(editor: Editor) -> Change:
    def change(pairs: Pairs) -> Iterator[Image]:
        for image, result in pairs:
            yield editor.carry_out(image, result).image if len(result) else image

    return change


def _prepare(
    source: str, target: TargetOptions, change: Change, label: str, setup: Setup
) -> MovingJob:
    query = _query_of(target)
    footage = open_footage(source)
    path = _path_of(footage, label, setup.outputs)
    segmenting = SegmentOptions(vocabulary=target.vocabulary, min_confidence=target.min_confidence)
    presence, models = Presence(query.text.names if query.text else ()), setup.load()
    job = MovingJob(footage, query, models, segmenting, change, path, presence=presence)
    return job if footage.content is None else replace(job, notes=_notes_of(job, setup))


def _notes_of(job: MovingJob, setup: Setup) -> FrameNotes:
    """A hidden file beside the video; that of another run, which was killed, goes."""
    recipe = {
        "source": identify(job.footage.content),
        "words": None if job.query.text is None else job.query.text.phrases,
        "shown": job.query.prompts,
        "models": job.models.made_by,
        "segmenting": job.segmenting,
        "engine": setup.engine,
    }
    path = job.path.with_name(f".{job.path.name}.frames")
    notes = FrameNotes(path, digest_of(plain(recipe)))
    if not notes.are_own:
        path.unlink()
    return notes


def _query_of(target: TargetOptions) -> Query:
    """What is meant: words in every frame, clicks and boxes in the first."""
    if target.result is not None or target.like is not None:
        raise OptionError(
            "in a video the target is named, clicked or boxed: saved regions and examples are of "
            "one picture",
            mend=Mend("prompt", "WORD"),
        )
    shown = [] if target.points is None else [FramePrompt(0, points=target.points, id=1)]
    boxes = np.zeros((0, 4), np.float32) if target.boxes is None else target.boxes.xyxy
    first = 1 + len(shown)
    shown += [FramePrompt(0, box=Boxes(box[None]), id=first + k) for k, box in enumerate(boxes)]
    return Query(Text(target.prompt) if target.prompt else None, tuple(shown))


def check_one_file(
    videos: Sequence[Path | str],
    outputs: OutputOptions,
    suffixes: Collection[str] = ENCODERS,
) -> None:
    """Several videos need a folder: of a file that was typed only the last would be left."""
    typed = typed_file(outputs, suffixes, ())
    if len(videos) > 1 and typed is not None:
        raise OptionError(
            f"{typed} is one file, and {len(videos)} videos would be written to it; give a folder",
            mend=Mend("output_dir", "FOLDER"),
        )


def _path_of(footage: Footage, label: str, outputs: OutputOptions) -> Path:
    """A file that the user typed, or one in the folder; others' files and the source stay."""
    source = footage.path
    folder = outputs.output_dir or (Path() if source is None else source.parent)
    file = typed_file(outputs, ENCODERS, ())
    path = file or folder / f"{footage.file_stem}{label}.mp4"
    check_not_read(path, footage)
    if path.exists() and not (file or outputs.overwrite):
        raise OptionError(
            f"{path} is there already; rename it, or let it be replaced", mend=Mend("overwrite")
        )
    if path.parent.is_dir():
        sweep(path.parent)
    return path


def _is_video(name: str) -> bool:
    if CAMERA.fullmatch(name):
        return True
    suffix = Path(name).suffix.lower()
    return suffix in SUFFIXES and suffix not in sources.SUFFIXES and Path(name).is_file()
