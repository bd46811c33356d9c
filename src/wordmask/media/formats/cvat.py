"""CVAT for video 1.1: XML with a track for each object, a polygon for each frame it is in.

Every polygon is a keyframe, so nothing is interpolated; where an object goes, the next frame says
`outside`. Holes and separate pieces are joined into one ring by slits of no width. Of tracks that
others drew, polygons, boxes and masks are read; between keyframes a shape stays as it was.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.errors import FormatError
from wordmask.files import write_text
from wordmask.media.formats import parsing
from wordmask.media.formats.outlines import fill, one_ring, pieces, ring_of
from wordmask.media.formats.records import (
    NO_NAME,
    FormatOptions,
    Named,
    RegionFacts,
    RegionList,
    WordIds,
)
from wordmask.media.formats.whole_videos import Sighting, objects_of, size_of_all

MOST_FRAMES = 1_000_000
SHAPES = ("polygon", "box", "mask")  # those with an area

Shape = Any  # an XML element


# ---- writing


def write(items: Sequence[Named], path: Path, options: FormatOptions) -> list[Path]:
    """The pictures as the frames of one video."""
    size = size_of_all(items)
    objects = objects_of(items)
    names = dict.fromkeys(one[0].name or NO_NAME for one in objects.values())
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "  <version>1.1</version>"]
    lines += _meta(size, len(items), list(names))
    for number, sightings in enumerate(objects.values()):
        lines += _track(number, sightings, len(items), options.tolerance)
    return [write_text(path, "\n".join([*lines, "</annotations>", ""]))]


def _meta(size: Size, count: int, names: list[str]) -> Iterator[str]:
    yield "  <meta><task>"
    yield f"    <size>{count}</size><mode>interpolation</mode>"
    yield f"    <start_frame>0</start_frame><stop_frame>{count - 1}</stop_frame>"
    yield f"    <original_size><width>{size[1]}</width><height>{size[0]}</height></original_size>"
    yield "    <labels>"
    for name in names:
        attribute = (
            "<attribute><name>object</name><mutable>False</mutable><input_type>number</input_type>"
            "<default_value>0</default_value><values>0;2147483647;1</values></attribute>"
        )
        text = quoteattr(name)[1:-1]
        yield f"      <label><name>{text}</name><attributes>{attribute}</attributes></label>"
    yield "    </labels>"
    yield "  </task></meta>"


def _track(number: int, sightings: list[Sighting], count: int, tolerance: float) -> Iterator[str]:
    name = quoteattr(sightings[0].name or NO_NAME)
    yield f'  <track id="{number}" label={name} source="auto">'
    for at, one in enumerate(sightings):
        rings = [ring for piece in pieces(one.mask, 0, tolerance=tolerance) for ring in piece]
        points = ";".join(f"{x:g},{y:g}" for x, y in one_ring(rings).tolist())
        yield _polygon(one.frame, points, one.track)
        after = sightings[at + 1].frame if at + 1 < len(sightings) else count
        if after > one.frame + 1:
            yield _polygon(one.frame + 1, points, one.track, outside=True)
    yield "  </track>"


def _polygon(frame: int, points: str, track: int, *, outside: bool = False) -> str:
    flags = f'keyframe="1" outside="{int(outside)}" occluded="0" z_order="0"'
    attribute = f'<attribute name="object">{track}</attribute>'
    return f'    <polygon frame="{frame}" {flags} points="{points}">{attribute}</polygon>'


# ---- reading


@dataclass
class _Video:
    """What is known of a file while its tracks are read."""

    where: str
    size: Size
    frames: dict[int, RegionList]
    count: int
    options: FormatOptions

    def at(self, frame: int) -> RegionList:
        if frame not in self.frames:
            self.frames[frame] = RegionList(self.size, f"{self.where}, frame {frame}", self.options)
        return self.frames[frame]


def read(path: Path, options: FormatOptions) -> list[Named]:
    """One result for every frame, called by the frame's number."""
    root = parse_xml(parsing.read_text(path, options), path.name)
    if root.tag != "annotations":
        raise FormatError(f"{path.name} is no file of CVAT: it begins with <{root.tag}>")
    job = root.find("meta/task") or root.find("meta/job")
    video = _Video(path.name, _size(root, path.name, options), {}, _count(job), options)
    words = WordIds(options.names)
    for number, track in enumerate(root.findall("track")):
        _read_track(track, number, video, words)
    count = max([video.count, *(frame + 1 for frame in video.frames)])
    return [video.at(frame).build(f"{frame:06d}", words.words) for frame in range(count)]


def parse_xml(data: bytes, where: str) -> Any:
    """The root of an XML file without a document type, so that it can neither swell nor fetch."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise FormatError(f"{where} declares a document type, which is not read; remove it")
    try:
        return ElementTree.fromstring(data.decode("utf-8-sig"))
    except (ElementTree.ParseError, ValueError) as error:
        raise FormatError(f"{where} is not XML in UTF-8: {error}") from None


def _size(root: Any, where: str, options: FormatOptions) -> Size:
    found = root.find(".//original_size")
    if found is None:
        if options.size is None:
            raise FormatError(f"{where} does not tell the frames' size; give options.size")
        return options.size
    sides = [_whole(found.findtext(key), f"{where}: {key}") for key in ("height", "width")]
    return parsing.size_of(sides, where, options)


def _count(job: Any) -> int:
    """How many frames the file says that its video has; 0 where it does not."""
    text = "" if job is None else job.findtext("size") or ""
    return min(int(text), MOST_FRAMES) if text.isdigit() and len(text) < 10 else 0


def _read_track(track: Any, number: int, video: _Video, words: WordIds) -> None:
    where = f"{video.where}, track {number}"
    shapes = [shape for shape in track if shape.tag in SHAPES]
    shapes.sort(key=lambda shape: _frame_of(shape, where))
    label = words.label(str(track.get("label", NO_NAME)))
    for at, shape in enumerate(shapes):
        if shape.get("outside") == "1":
            continue
        first = _frame_of(shape, where)
        end = _frame_of(shapes[at + 1], where) if at + 1 < len(shapes) else first + 1
        facts = RegionFacts(label, track=_object_of(shape, number, where))
        mask = _mask_of(shape, video.size, f"{where}, frame {first}")
        for frame in range(first, end):
            video.at(frame).add(partial(Masks.concatenate, [mask]), facts)


def _frame_of(shape: Shape, where: str) -> int:
    frame = _whole(shape.get("frame"), f"{where}: frame")
    if frame >= MOST_FRAMES:
        raise FormatError(f"{where} has a shape in frame {frame:,}; {MOST_FRAMES:,} are read")
    return frame


def _object_of(shape: Shape, number: int, where: str) -> int:
    """The number that we wrote, else the track's place in the file, from 1."""
    for attribute in shape.findall("attribute"):
        if attribute.get("name") == "object":
            return _whole(attribute.text, f"{where}: object")
    return number + 1


def _mask_of(shape: Shape, size: Size, where: str) -> Masks:
    if shape.tag == "mask":
        return _unpack(shape, size, where)
    if shape.tag == "box":
        x0, y0, x1, y1 = (_number(shape.get(key), where) for key in ("xtl", "ytl", "xbr", "ybr"))
        return fill([np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])], size)
    texts = (shape.get("points") or "").replace(";", ",").split(",")
    return fill([ring_of(np.array([_number(text, where) for text in texts]), where)], size)


def _unpack(shape: Shape, size: Size, where: str) -> Masks:
    """CVAT's run-length code: along the rows of a box, background first."""
    left, top, width, height = (
        _whole(shape.get(key), where) for key in ("left", "top", "width", "height")
    )
    runs = [_whole(text, where) for text in (shape.get("rle") or "").split(",")]
    if sum(runs) != width * height or width * height > size[0] * size[1]:
        raise FormatError(f"{where}: runs sum to {sum(runs)}, the box is {width} x {height}")
    inside: Array = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
    return Masks.from_crops(size, [(left, top)], [inside])


def _whole(text: str | None, where: str) -> int:
    text = (text or "").strip()
    if not text.isdigit() or len(text) > 19:
        raise FormatError(f"{where} must be a whole number, got {text[:20]!r}")
    return int(text)


def _number(text: str | None, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        raise FormatError(f"{where}: {(text or '')[:20]!r} is no number") from None
    return parsing.number(value, where)
