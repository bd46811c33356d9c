"""wordmask: name it, get its mask.

import wordmask

result = wordmask.segment("kitchen.jpg", ["cup", "oven", "cat"])
result.save("kitchen.json")
result.show()
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from wordmask.version import __version__ as __version__

if TYPE_CHECKING:
    from wordmask import errors
    from wordmask.core.answer import Answer
    from wordmask.core.image import Image
    from wordmask.core.masks import Masks
    from wordmask.core.models import Models
    from wordmask.core.poses import Poses
    from wordmask.core.prompts import Boxes, Example, Points, Text
    from wordmask.core.result import Absent, Region, Result, Why
    from wordmask.core.volume import Volume
    from wordmask.doors.client import AsyncClient, Client
    from wordmask.doors.python import (
        ask,
        click,
        everything,
        find,
        index,
        lift,
        load,
        pose,
        read,
        read_result,
        read_results,
        read_volume,
        save_volume,
        segment,
        segment_raster,
        session,
        track,
        tracker,
        volume,
        volume_session,
    )
    from wordmask.engines.options import EngineOptions
    from wordmask.errors import WordmaskError
    from wordmask.jobs.find import Hit, SearchAnswer, SearchQuery
    from wordmask.jobs.people import read_people, save_people
    from wordmask.jobs.rasters import RasterAnswer, TileOptions
    from wordmask.media.drawing.overlay import RenderOptions
    from wordmask.media.formats.records import FormatOptions
    from wordmask.media.volumes.read import ReadingOptions
    from wordmask.tasks.ask import AskOptions
    from wordmask.tasks.click import ClickOptions
    from wordmask.tasks.describe import DescribeOptions
    from wordmask.tasks.everything import EverythingOptions
    from wordmask.tasks.lift import Lift, Measured
    from wordmask.tasks.lifting.options import LiftOptions
    from wordmask.tasks.pose import People, PoseOptions
    from wordmask.tasks.search import SearchOptions
    from wordmask.tasks.segment import SegmentOptions
    from wordmask.tasks.session import Session
    from wordmask.tasks.solid.options import VolumeOptions
    from wordmask.tasks.solid.shown import VolumePrompt
    from wordmask.tasks.track import TrackOptions
    from wordmask.tasks.tracking.live import LiveTracker
    from wordmask.tasks.tracking.pointing import FramePrompt
    from wordmask.tasks.volume import VolumeResult
    from wordmask.tasks.volume_session import VolumeSession

__all__ = [
    "Absent",
    "Answer",
    "AskOptions",
    "AsyncClient",
    "Boxes",
    "ClickOptions",
    "Client",
    "DescribeOptions",
    "EngineOptions",
    "EverythingOptions",
    "Example",
    "FormatOptions",
    "FramePrompt",
    "Hit",
    "Image",
    "Lift",
    "LiftOptions",
    "LiveTracker",
    "Masks",
    "Measured",
    "Models",
    "People",
    "Points",
    "PoseOptions",
    "Poses",
    "RasterAnswer",
    "ReadingOptions",
    "Region",
    "RenderOptions",
    "Result",
    "SearchAnswer",
    "SearchOptions",
    "SearchQuery",
    "SegmentOptions",
    "Session",
    "Text",
    "TileOptions",
    "TrackOptions",
    "Volume",
    "VolumeOptions",
    "VolumePrompt",
    "VolumeResult",
    "VolumeSession",
    "Why",
    "WordmaskError",
    "ask",
    "click",
    "errors",
    "everything",
    "find",
    "index",
    "lift",
    "load",
    "pose",
    "read",
    "read_people",
    "read_result",
    "read_results",
    "read_volume",
    "save_people",
    "save_volume",
    "segment",
    "segment_raster",
    "session",
    "track",
    "tracker",
    "volume",
    "volume_session",
]

_HOMES = {
    "core.answer": ("Answer",),
    "core.image": ("Image",),
    "core.masks": ("Masks",),
    "core.models": ("Models",),
    "core.poses": ("Poses",),
    "core.prompts": ("Boxes", "Example", "Points", "Text"),
    "core.result": ("Absent", "Region", "Result", "Why"),
    "core.volume": ("Volume",),
    "doors.client": ("AsyncClient", "Client"),
    "doors.python": (
        "ask",
        "click",
        "everything",
        "find",
        "index",
        "lift",
        "load",
        "pose",
        "read",
        "read_result",
        "read_results",
        "read_volume",
        "save_volume",
        "segment",
        "segment_raster",
        "session",
        "track",
        "tracker",
        "volume",
        "volume_session",
    ),
    "engines.options": ("EngineOptions",),
    "errors": ("WordmaskError",),
    "jobs.find": ("Hit", "SearchAnswer", "SearchQuery"),
    "jobs.people": ("read_people", "save_people"),
    "jobs.rasters": ("RasterAnswer", "TileOptions"),
    "media.drawing.overlay": ("RenderOptions",),
    "media.formats.records": ("FormatOptions",),
    "tasks.ask": ("AskOptions",),
    "media.volumes.read": ("ReadingOptions",),
    "tasks.click": ("ClickOptions",),
    "tasks.describe": ("DescribeOptions",),
    "tasks.everything": ("EverythingOptions",),
    "tasks.lift": ("Lift", "Measured"),
    "tasks.lifting.options": ("LiftOptions",),
    "tasks.pose": ("People", "PoseOptions"),
    "tasks.search": ("SearchOptions",),
    "tasks.segment": ("SegmentOptions",),
    "tasks.session": ("Session",),
    "tasks.solid.options": ("VolumeOptions",),
    "tasks.solid.shown": ("VolumePrompt",),
    "tasks.track": ("TrackOptions",),
    "tasks.tracking.live": ("LiveTracker",),
    "tasks.tracking.pointing": ("FramePrompt",),
    "tasks.volume": ("VolumeResult",),
    "tasks.volume_session": ("VolumeSession",),
}
_WHERE = {name: f"wordmask.{module}" for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Names are loaded when first used, so that `import wordmask` stays light."""
    if name == "errors":
        return import_module("wordmask.errors")
    if name not in _WHERE:
        raise AttributeError(f"module 'wordmask' has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
