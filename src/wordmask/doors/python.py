"""The Python door: what `import wordmask` offers. Loads engines, then calls the tasks."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from wordmask import engines
from wordmask.core.answer import Answer
from wordmask.core.image import Image, Size
from wordmask.core.models import Models
from wordmask.core.prompts import Boxes, Points, Text, Words
from wordmask.core.protocols import Dense, DepthModel, Segmenter
from wordmask.core.result import Result
from wordmask.core.volume import Volume
from wordmask.engines.options import EngineOptions
from wordmask.errors import FormatError, PromptError
from wordmask.jobs.find import IndexSearch, SearchAnswer, SearchQuery
from wordmask.jobs.following import follow_footage
from wordmask.jobs.footage import Footage, footage_of_pictures, open_footage
from wordmask.jobs.index import IndexJob, IndexTally
from wordmask.jobs.pictures import ResultOptions
from wordmask.jobs.poses import load_models as load_pose_models
from wordmask.jobs.rasters import RasterAnswer, RasterSetup, TileOptions, segment_rasters
from wordmask.jobs.setup import Setup
from wordmask.jobs.volumes import VolumeOutputs, write_volume
from wordmask.media.formats import bridges
from wordmask.media.reading.facts import focal_35mm
from wordmask.media.reading.read import read as read_picture
from wordmask.media.video.read import VideoFrame
from wordmask.media.volumes.read import ReadingOptions
from wordmask.media.volumes.read import read_volume as read_scan
from wordmask.tasks.ask import AskOptions
from wordmask.tasks.ask import ask as ask_task
from wordmask.tasks.click import Click, ClickOptions
from wordmask.tasks.click import click as click_task
from wordmask.tasks.describe import DescribeOptions
from wordmask.tasks.everything import EverythingOptions
from wordmask.tasks.everything import everything as everything_task
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.lift import Lift, Measured, lift_view
from wordmask.tasks.lifting.options import LiftOptions
from wordmask.tasks.pose import PERSON, People, PoseOptions
from wordmask.tasks.pose import pose as pose_task
from wordmask.tasks.search import SearchOptions
from wordmask.tasks.segment import How, SegmentOptions, segment_view, with_how
from wordmask.tasks.segment import segment as segment_task
from wordmask.tasks.session import Session
from wordmask.tasks.solid.options import VolumeOptions
from wordmask.tasks.track import FramePrompt, LiveTracker, Query, TrackOptions, live_tracker
from wordmask.tasks.volume import VolumePrompt, VolumeResult
from wordmask.tasks.volume import volume as volume_task
from wordmask.tasks.volume_session import VolumeSession

Picture = Any  # a path, bytes, a file object, an array, a PIL picture or an Image
Model = str | Models


def segment(
    image: Picture,
    words: Words,
    *,
    model: Model = "auto",
    how: How = "auto",
    options: SegmentOptions | None = None,
) -> Result:
    """Regions of `image` that `words` name, best first; words that are not there are in `.absent`.

    `how` is auto, unified, guided, everything or grounded (see docs/ways.md).
    """
    picture = read_picture(image)
    result = segment_task(picture, Text.of(words), load(model), with_how(options, how))
    return result.with_image(picture)


def segment_raster(
    raster: str | PathLike[str],
    words: Words,
    output: str | PathLike[str],
    *,
    model: Model = "auto",
    options: SegmentOptions | None = None,
    tiling: TileOptions | None = None,
) -> RasterAnswer:
    """A map of all that `words` name in a raster or picture of any size, looked at tile by tile.

    `output` is a .gpkg, .geojson, .tif (masks) or .json; a folder gets a .gpkg, or a .json of a
    picture that lies nowhere. A run that was stopped goes on where it was. Reading georeferenced
    rasters needs the extra `geo`.
    """
    setup = RasterSetup(
        model if isinstance(model, str) else model.spec,
        outputs=ResultOptions(output_dir=Path(output), overwrite=True),
        tiling=tiling or TileOptions(),
    )
    query, ways = Text.of(words).phrases, options or SegmentOptions()
    events = segment_rasters([str(raster)], query, ways, setup, load(model))
    return next(event.answer for event in events if event.answer is not None)


def click(
    image: Picture,
    points: Sequence[Sequence[float]] = (),
    box: Sequence[float] | None = None,
    words: Words | None = None,
    *,
    model: Model = "auto",
    options: ClickOptions | None = None,
) -> Result:
    """Candidates for one thing, best first.

    Points are (x, y) or (x, y, keep), the box is x0, y0, x1, y1. With `words` each candidate is
    also named among them.
    """
    picture = read_picture(image)
    prompt = Click(
        Points.of(points) if len(points) else None,
        Boxes(np.array([box], np.float32)) if box is not None else None,
    )
    names = None if words is None else Text.of(words)
    return click_task(picture, prompt, load(model, Segmenter), names, options).with_image(picture)


def ask(
    image: Picture, question: str, *, model: Model = "auto", options: AskOptions | None = None
) -> Answer:
    """The answer to a question about `image`, with the regions that it rests on.

    Its text is "unknown" where what is asked about is not there, or nothing is sure enough
    (docs/ask.md has the questions that rules can answer).
    """
    picture = read_picture(image)
    answer = ask_task(View(picture, load(model), Trace(how="ask")), question, options)
    return replace(answer, evidence=answer.evidence.with_image(picture))


def everything(
    image: Picture, *, model: Model = "auto", options: EverythingOptions | None = None
) -> Result:
    """Every region of `image`, unnamed, best first."""
    picture = read_picture(image)
    return everything_task(picture, load(model, Segmenter), options).with_image(picture)


def pose(
    image: Picture,
    words: Words = PERSON,
    *,
    boxes: Sequence[Sequence[float]] | None = None,
    model: Model = "auto",
    options: PoseOptions | None = None,
) -> People:
    """The people whom `words` name, or one in each box (x0, y0, x1, y1): joints, masks, parts.

    `.poses` holds the joints of each region of `.result`, `.parts` head, torso, arms and legs.
    Where `model` knows no joints, the embedded `movenet` does.
    """
    picture = read_picture(image)
    who = Text.of(words) if boxes is None else Boxes(np.array(boxes, np.float32))
    return pose_task(picture, load_pose_models(model), who, options).with_image(picture)


def session(image: Picture, model: Model = "auto") -> Session:
    """`image`, encoded once, for many clicks and words."""
    return Session(read_picture(image), load(model, Segmenter))


def track(
    video: Any,
    words: Words | None = None,
    *,
    prompts: Sequence[FramePrompt] = (),
    model: Model = "auto",
    options: TrackOptions | None = None,
) -> Iterator[tuple[VideoFrame, Result]]:
    """Each frame of `video` with the objects that `words` name or `prompts` show, as it goes.

    `video` is a file, a folder of frames, "camera:0", or pictures one after the other. An object
    has the same number in every `Result.track_ids`.
    """
    text = None if words is None else Text.of(words)
    query = Query(text, tuple(prompts))
    for frame, result in follow_footage(_footage_of(video), query, load(model), options):
        if result is not None:
            yield frame, result.with_image(frame.image)


def tracker(
    words: Words | None = None, *, model: Model = "auto", options: TrackOptions | None = None
) -> LiveTracker:
    """A tracker for frames that come one by one: `.step(frame)`, `.prompt(...)`, `.forget(id)`."""
    return live_tracker(load(model), None if words is None else Text.of(words), options)


def _footage_of(video: Any) -> Footage:
    if isinstance(video, str | PathLike):
        return open_footage(str(video))
    return footage_of_pictures(video)


def read_volume(source: str | PathLike[str], *, options: ReadingOptions | None = None) -> Volume:
    """A scan: a NIfTI or NRRD file, or a folder with one series of DICOM slices."""
    return read_scan(source, options)


def volume(
    scan: str | PathLike[str] | Volume,
    prompts: Sequence[VolumePrompt],
    *,
    model: Model = "auto",
    options: VolumeOptions | None = None,
) -> VolumeResult:
    """Solids of what `prompts` show in `scan`. Not a medical device.

    `VolumePrompt((90, 110, 80))` is a click on a voxel; see docs/volume.md.
    """
    read = scan if isinstance(scan, Volume) else read_scan(scan)
    return volume_task(read, prompts, load(model, Segmenter), options)


def volume_session(
    scan: str | PathLike[str] | Volume,
    *,
    model: Model = "auto",
    options: VolumeOptions | None = None,
) -> VolumeSession:
    """`scan` for many clicks: objects that can be gone back to, undo and redo."""
    read = scan if isinstance(scan, Volume) else read_scan(scan)
    return VolumeSession(read, load(model, Segmenter), options)


def save_volume(
    result: VolumeResult,
    output: str | PathLike[str] | None = None,
    **others: str | PathLike[str],
) -> tuple[Path, ...]:
    """Write the segmentation to `output` (.nii.gz, .nii, .nrrd, .dcm), in the scan's place.

    `others` are surface (.ply, .stl), sheet and view (.png) and report (.json).
    """
    paths = {name: Path(path) for name, path in others.items()}
    outputs = VolumeOutputs(None if output is None else Path(output), **paths)
    return write_volume(result, outputs)


def index(
    pictures: Any,
    db: str | PathLike[str],
    *,
    model: Model = "auto",
    options: DescribeOptions | None = None,
) -> IndexTally:
    """Keep every region of `pictures` (files, folders, globs) in the index at `db`.

    Run it again after pictures were added, changed, moved or deleted. A picture that cannot be read
    is passed over. Needs the extra `search`.
    """
    setup = Setup(model if isinstance(model, str) else model.spec)
    job = IndexJob(Path(db), options or DescribeOptions(), setup, load(model, Dense))
    for _ in job.run(pictures):
        pass
    return job.tally


def find(
    db: str | PathLike[str],
    words: Words | None = None,
    *,
    like: Picture | Result | None = None,
    query: SearchQuery | None = None,
    model: Model = "auto",
    options: SearchOptions | None = None,
) -> SearchAnswer:
    """Regions of the index at `db` that `words` name, best first, and the words that are nowhere.

    `like` is an example: a result that knows its picture (`wordmask.click(...)[0]`), whose regions
    count, or a whole picture. `query` says more: what it must not be, what must be near it, a
    condition on columns.
    """
    text = () if words is None else Text.of(words).phrases
    asked = replace(query or SearchQuery(), words=text or (query or SearchQuery()).words)
    setup = Setup(model if isinstance(model, str) else model.spec)
    search = IndexSearch(Path(db), setup, load(model, Dense))
    if like is None:
        return search.find(asked, options or SearchOptions())
    if isinstance(like, Result):
        if like.image is None:
            raise PromptError("the example does not know its picture; use result.with_image(image)")
        return search.find_like(like.image, like.masks, asked, options or SearchOptions())
    return search.find_like(read_picture(like), None, asked, options or SearchOptions())


def lift(
    image: Picture,
    words: Words | Result,
    *,
    measured: Measured | None = None,
    model: Model = "auto",
    options: LiftOptions | None = None,
) -> Lift:
    """What `words` name in `image`, in space: points, triangles, boxes and sizes.

    In place of words a result of this picture lifts its regions. `measured` tells sizes and depths
    that are known in metres: `Measured(sizes=(("door", 2.0),))`; without, lengths are right up to
    scale only (`Lift.metric`, `Lift.notes`), unless the depth network knows metres. The focal
    length comes from `options`, from the file's EXIF, from the network, or is assumed.
    """
    picture = read_picture(image)
    focal = focal_35mm(Path(image)) if isinstance(image, str | PathLike) else None
    view = View(picture, load(model, DepthModel), Trace())
    if isinstance(words, Result):
        return lift_view(view, words, measured, options, focal)
    found = segment_view(view, Text.of(words), SegmentOptions())
    return lift_view(view, found, measured, options, focal)


def read(source: Picture) -> Image:
    """A picture from a path, bytes, a file object, an array or a PIL picture."""
    return read_picture(source)


def read_result(source: Any, *, size: Size | None = None, vocabulary: Sequence[str] = ()) -> Result:
    """A saved result, or one that another library holds.

    `source` is a file of any format (docs/formats.md), the object it holds (own JSON, COCO), or a
    `Detections` of supervision or FiftyOne. `size` (height, width) is needed for FiftyOne, whose
    boxes are shares of the picture; `vocabulary` names the words of what only numbers them.
    """
    found = read_results(source, size=size, vocabulary=vocabulary)
    if len(found) != 1:
        raise FormatError(f"there are {len(found)} results; read_results reads them all")
    return found[0]


def read_results(
    source: Any, *, size: Size | None = None, vocabulary: Sequence[str] = ()
) -> list[Result]:
    """The same for a file or data set of many pictures, or a folder of files."""
    return bridges.read_any(source, size, vocabulary)


def load(model: Model, *need: type, options: EngineOptions | None = None) -> Models:
    """The engines of that name; engines that were loaded already are taken as they are.

    `need` lists protocols that must be there, `options` say where and how they run.
    """
    return model if isinstance(model, Models) else engines.load(model, need=need, options=options)
