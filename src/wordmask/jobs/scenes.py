"""Drives in, a line of JSON a frame out, and an overlay video where one is wanted."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.masks import Masks
from wordmask.core.protocols import Dense
from wordmask.errors import ImageError, Mend, OptionError, WordmaskError, missing_extra
from wordmask.files import atomic
from wordmask.jobs.footage import open_footage
from wordmask.jobs.outputs import FILE_SUFFIXES
from wordmask.jobs.setup import Setup
from wordmask.media.drawing.driven import draw_drive
from wordmask.media.video.read import VideoFrame
from wordmask.media.video.write import LastingSink, VideoSink
from wordmask.tasks.driving.objects import SceneObject
from wordmask.tasks.driving.road import metres
from wordmask.tasks.scene import SceneFrame, SceneOptions, SceneWatcher

COLUMNS = 32  # in which the free road is told
VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")


@dataclass(frozen=True)
class DriveFiles:
    """Where a drive's files go."""

    lines: Path
    overlay: Path | None = None
    overwrite: bool = False
    fps: float | None = None  # of the frames, where they do not say

    def check(self) -> None:
        suffix = self.lines.suffix.lower()
        if suffix != ".jsonl" and (suffix in FILE_SUFFIXES or self.lines.is_dir()):
            mend = Mend("overlay", self.lines.name) if suffix in VIDEOS else None
            raise OptionError(
                f"lines of JSON are written to a file that ends in .jsonl; got {self.lines}",
                mend=mend or Mend("output", "scene.jsonl"),
            )
        for path in (self.lines, self.overlay):
            if path is not None and path.exists() and not self.overwrite:
                raise OptionError(f"{path} is there already", mend=Mend("overwrite"))


@dataclass(frozen=True, eq=False)
class WatchedFrame:
    """One frame and what is told of it."""

    frame: VideoFrame
    scene: SceneFrame


def watch_drive(
    source: str, files: DriveFiles, options: SceneOptions, setup: Setup
) -> Iterator[WatchedFrame]:
    """Frame after frame; the files get their names when the last one is done."""
    files.check()
    footage, watcher = open_footage(source, files.fps), SceneWatcher(setup.load(Dense), options)
    count = 0
    with ExitStack() as stack:
        part = stack.enter_context(atomic(files.lines))
        lines = stack.enter_context(part.open("w", encoding="utf-8"))
        sink: VideoSink | None = None
        if files.overlay is not None:
            sink = stack.enter_context(LastingSink(files.overlay, **footage.sink_options))
        for frame in footage.frames():
            scene = watcher.step(frame.image, frame.time_s)
            lines.write(json.dumps(frame_record(frame, scene, options)) + "\n")
            if sink is not None:
                drawn = draw_drive(
                    frame.image,
                    scene.result,
                    scene.road,
                    scene.warnings,
                    markings=scene.markings,
                    line=options.ends,
                )
                sink.write(drawn, footage.time_of(frame))
            count += 1
            yield WatchedFrame(frame, scene)
        if not count:
            raise ImageError(f"{source} has no frames")


def frame_record(frame: VideoFrame, scene: SceneFrame, options: SceneOptions) -> dict[str, Any]:
    """One frame as JSON; docs/scene.md says what each figure is."""
    masks = scene.result.masks.to_rle()
    pairs = zip(scene.objects, masks, strict=True)
    record = {
        "frame": frame.index,
        "time_s": round(frame.time_s, 4),
        "size": list(scene.result.size),
        "objects": [_object_record(thing, mask) for thing, mask in pairs],
        "free": _free_record(scene, options),
        "counts": scene.counts,
        "crossings": scene.crossings,
        "warnings": list(scene.warnings),
    }
    if scene.markings is not None:
        record["markings"] = Masks.from_dense(scene.markings[None]).to_rle()[0]
    return record


def _object_record(thing: SceneObject, mask: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": thing.id,
        "class": thing.name,
        "score": round(thing.score, 4),
        "box": list(thing.box),
        "speed_px_s": _round_pair(thing.speed),
        "contact_s": None if thing.contact_s is None else round(thing.contact_s, 2),
        "no_contact": thing.no_contact,
        "road_place": None if thing.road_place is None else round(thing.road_place, 3),
        "in_path": thing.in_path,
        "distance_m": thing.distance_m,
        "mask": mask,
    }


def _free_record(scene: SceneFrame, options: SceneOptions) -> dict[str, Any]:
    """The row up to which the road is free, in some columns, and how far that is."""
    height, width = scene.result.size
    columns = np.unique(np.linspace(0, width - 1, min(COLUMNS, width)).round().astype(int))
    rows = scene.free[columns]
    record: dict[str, Any] = {"columns": columns.tolist(), "rows": rows.tolist()}
    if options.camera is not None:
        far = metres(rows, (height, width), options.camera)
        there = rows < height
        record["metres"] = [
            round(float(one), 2) if ok and np.isfinite(one) else None
            for one, ok in zip(far, there, strict=True)
        ]
    return record


def _round_pair(pair: tuple[float, float] | None) -> list[float] | None:
    return None if pair is None else [round(pair[0], 2), round(pair[1], 2)]


# ---- many drives


def find_drives(folder: Path) -> list[Path]:
    """The videos of a folder, in order."""
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEOS)
    if not found:
        raise ImageError(f"{folder} holds no videos ({', '.join(VIDEOS)})")
    return found


def watch_whole(source: str, files: DriveFiles, options: SceneOptions, setup: Setup) -> int | str:
    """How many frames a drive has, once it is done; or what is wrong with it."""
    try:
        return sum(1 for _ in watch_drive(source, files, options, setup))
    except WordmaskError as error:
        return error.message


def watch_on_ray(
    drives: list[tuple[Path, DriveFiles]], options: SceneOptions, setup: Setup
) -> Iterator[tuple[Path, int | str]]:
    """Each drive on a worker of a Ray cluster, which must see the files by the same paths."""
    try:
        import ray
    except ImportError:
        raise missing_extra("ray", "ray") from None
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False)
    remote = ray.remote(num_cpus=1, max_retries=1)(watch_whole)
    waiting = {remote.remote(str(path), files, options, setup): path for path, files in drives}
    while waiting:
        (done, *_), _ = ray.wait(list(waiting), num_returns=1)
        path = waiting.pop(done)
        try:
            yield path, ray.get(done)
        except ray.exceptions.RayError as error:
            yield path, f"its worker died ({type(error).__name__})"
