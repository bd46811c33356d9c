"""The files of a followed video: those that grow with its frames, and those made at its end."""

from contextlib import ExitStack

import numpy as np

from wordmask.core.image import Array
from wordmask.core.result import Result
from wordmask.jobs.presence import Presence
from wordmask.jobs.trackjob import TrackJob
from wordmask.jobs.tracksheet import draw_track_sheet
from wordmask.media import formats
from wordmask.media.drawing import render
from wordmask.media.drawing.overlay import overlay
from wordmask.media.drawing.timeline import TimelineRow, draw_timeline
from wordmask.media.formats.davis import write_davis
from wordmask.media.formats.frame_lines import read_lines
from wordmask.media.formats.records import Named
from wordmask.media.video.read import VideoFrame
from wordmask.media.video.write import AlphaSink, LastingSink, VideoSink
from wordmask.ops.colour import parse_colour
from wordmask.tasks.effects.cutout import cutout_of, lay_on

CUT_OUT = ("cutout", "alpha-mov", "alpha-webm", "alpha-png")


class FrameFiles:
    """Frame after frame into all files that are wanted; `stack` ends them."""

    def __init__(self, job: TrackJob, stack: ExitStack) -> None:
        self._job, self._wanted = job, set(job.outputs.format)
        self._background = parse_colour(job.outputs.background)
        self._sinks: dict[str, VideoSink] = {}
        for name in ("overlay", "cutout", "alpha-mov", "alpha-webm"):
            if name in self._wanted:
                kind = AlphaSink if name.startswith("alpha") else LastingSink
                sink = kind(job.path_of(name), **job.footage.sink_options)
                self._sinks[name] = stack.enter_context(sink)

    def write(self, frame: VideoFrame, result: Result) -> None:
        job = self._job
        if "overlay" in self._wanted:
            self._write_frame(
                "overlay", np.asarray(overlay(frame.image, result).convert("RGB")), frame
            )
        if "davis" in self._wanted:
            write_davis(result, job.target.parent / f"{job.footage.stem(frame.index)}.png")
        if not self._wanted.isdisjoint(CUT_OUT):
            self._write_cut_out(frame, cutout_of(frame.image, result))

    def _write_cut_out(self, frame: VideoFrame, rgba: Array) -> None:
        if "cutout" in self._wanted:
            self._write_frame("cutout", lay_on(rgba, self._background), frame)
        for name in ("alpha-mov", "alpha-webm"):
            if name in self._wanted:
                self._write_frame(name, rgba, frame)
        if "alpha-png" in self._wanted:
            folder = self._job.path_of("alpha-png")
            folder.mkdir(parents=True, exist_ok=True)
            render.write_pixels(rgba, folder / f"{self._job.footage.stem(frame.index)}.png")

    def _write_frame(self, name: str, pixels: Array, frame: VideoFrame) -> None:
        self._sinks[name].write(pixels, self._job.footage.time_of(frame))


def write_wholes(job: TrackJob) -> None:
    """Files that tell of all frames at once, made of the lines."""
    wants_timeline, wants_sheet = (name in job.outputs.format for name in ("timeline", "sheet"))
    if wants_timeline or wants_sheet:
        presence = Presence()
        for line in read_lines(job.lines):
            presence.add(line.result)
    if wants_timeline:
        rows = [TimelineRow(id, name, presence.runs[id]) for id, name in presence.names.items()]
        picture = draw_timeline(sorted(rows, key=lambda row: row.id), presence.frames)
        render.write(picture, job.path_of("timeline"))
    if wants_sheet:
        # Lines first: where the video broke off, no frame behind the last one is asked for.
        pairs = (
            (frame.image, line.result)
            for line, frame in zip(read_lines(job.lines), job.footage.frames(), strict=False)
        )
        sheet = draw_track_sheet(pairs, presence)
        if sheet is not None:
            render.write(sheet, job.path_of("sheet"))
    if job.wholes:
        items = [Named(line.name, line.result) for line in read_lines(job.lines)]
        for name in job.wholes:
            formats.save_named(items, job.path_of(name), name)
