"""Label Studio's video objects: rectangles over time, in percent of the frame, as predictions.

The format has no masks: an object is its box in each frame, and `enabled` says whether it is there
from that frame on. Frames are counted from 1 there. Between the frames that are named, a box of
others moves evenly, as their page shows it.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.errors import FormatError
from wordmask.media.formats import parsing
from wordmask.media.formats.outlines import fill
from wordmask.media.formats.records import (
    NO_NAME,
    FormatOptions,
    Named,
    RegionFacts,
    RegionList,
    WordIds,
)
from wordmask.media.formats.whole_videos import Sighting, objects_of, size_of_all

KIND = "videorectangle"
MOST_FRAMES = 1_000_000
SIDES = ("x", "y", "width", "height")


def sniff(value: Any) -> bool:
    """Whether a JSON value is a task of Label Studio with objects of a video."""
    tasks = value if isinstance(value, list) else [value]
    return any(True for task in tasks[:1] for _ in _objects(task))


# ---- writing


def encode(items: Sequence[Named], options: FormatOptions) -> list[dict[str, Any]]:
    """One task, of the video whose frames the pictures are."""
    height, width = size_of_all(items)
    to_name = "video" if options.to_name == FormatOptions().to_name else options.to_name
    name = items[0].name.partition("#")[0]
    found = [
        {
            "id": f"object-{number}",
            "type": KIND,
            "from_name": options.from_name,
            "to_name": to_name,
            "original_width": width,
            "original_height": height,
            "score": parsing.plain(np.mean([one.score for one in sightings])),
            "meta": {"object": sightings[0].track},
            "value": {
                "framesCount": len(items),
                "sequence": _sequence(sightings, (height, width)),
                "labels": [sightings[0].name or NO_NAME],
            },
        }
        for number, sightings in enumerate(objects_of(items).values(), 1)
    ]
    data = {to_name: name, "width": width, "height": height, "frames": len(items)}
    made_by = "+".join(items[0].result.made_by)
    return [{"data": data, "predictions": [{"model_version": made_by, "result": found}]}]


def _sequence(sightings: list[Sighting], size: Size) -> list[dict[str, Any]]:
    """A box for each frame; the last before an absence ends what the page draws."""
    rows = []
    for at, one in enumerate(sightings):
        x0, y0, x1, y1 = (one.mask.boxes[0] * 100 / np.array([*size[::-1]] * 2)).tolist()
        goes_on = at + 1 < len(sightings) and sightings[at + 1].frame == one.frame + 1
        sides = dict(zip(SIDES, (x0, y0, x1 - x0, y1 - y0), strict=True))
        rows.append({"frame": one.frame + 1, "enabled": goes_on, "rotation": 0} | sides)
    return rows


# ---- reading


def decode(value: Any, where: str, options: FormatOptions) -> list[Named]:
    """One result for every frame of every task; the masks are the boxes, filled."""
    tasks = value if isinstance(value, list) else [value]
    words = WordIds(options.names)
    read = [_read_task(task, f"{where}, task {k}", words, options) for k, task in enumerate(tasks)]
    return [
        regions.build(f"{name}#{frame}", words.words)
        for name, frames in read
        for frame, regions in enumerate(frames)
    ]


def _read_task(
    task: Any, where: str, words: WordIds, options: FormatOptions
) -> tuple[str, list[RegionList]]:
    data = parsing.take(task, "data", dict, where)
    found = list(_objects(task))
    shape = found[0] if found and "original_height" in found[0] else None
    keys = ("height", "width") if shape is None else ("original_height", "original_width")
    if shape is None and "height" not in data and options.size is None:
        raise FormatError(f"{where} does not tell the frames' size; give options.size")
    has_size = shape is not None or "height" in data
    size = parsing.size_in(shape or data, keys, where, options) if has_size else options.size
    values = [parsing.take(one, "value", dict, where) for one in found]
    count = max([_count(data.get("frames"), where), *(_last(one, where) for one in values)])
    frames = [RegionList(size or (0, 0), f"{where}, frame {k}", options) for k in range(count)]
    for number, (one, inside) in enumerate(zip(found, values, strict=True), 1):
        _add(one, inside, frames, (number, words))
    name = next((text for text in data.values() if isinstance(text, str)), "")
    return name, frames


def _add(item: Any, value: Any, frames: list[RegionList], who: tuple[int, WordIds]) -> None:
    number, words = who
    where = f"object {number}"
    names = parsing.check_members(value.get("labels", []), str, f"{where}: labels")
    meta = parsing.check_kind(item.get("meta") or {}, dict, f"{where}: meta")
    track = parsing.integer(meta.get("object", number), f"{where}: object")
    score = parsing.score_of(item.get("score") or 1.0, f"{where}: score")
    facts = RegionFacts(words.label(names[0] if names else NO_NAME), score, track=track)
    for frame, box in _boxes(_rows(value, where), len(frames)):
        regions = frames[frame]
        x, y, width, height = (box * np.array([*regions.size[::-1]] * 2) / 100).tolist()
        # Percents are rounded: a corner within a thousandth of a pixel is that pixel's.
        corners = np.round([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], 3)
        regions.add(partial(fill, [corners], regions.size), facts)


def _boxes(rows: list[tuple[int, bool, Array]], count: int) -> Iterator[tuple[int, Array]]:
    """Each frame's box (x, y, width, height in percent), also between those that are named."""
    for at, (frame, enabled, box) in enumerate(rows):
        yield frame, box
        if not enabled:
            continue
        last = at + 1 == len(rows)
        end, after = (count, box) if last else (rows[at + 1][0], rows[at + 1][2])
        for between in range(frame + 1, end):
            share = (between - frame) / (end - frame)
            yield between, box + share * (after - box)


def _rows(value: Any, where: str) -> list[tuple[int, bool, Array]]:
    """(frame from 0, whether it goes on, box), in order."""
    rows = {}
    for row in parsing.check_members(parsing.take(value, "sequence", list, where), dict, where):
        frame = _count(parsing.take(row, "frame", int, where), where) - 1
        sides = [
            parsing.number(parsing.take(row, key, (int, float), where), where) for key in SIDES
        ]
        rows[max(0, frame)] = (bool(row.get("enabled", True)), np.array(sides))
    return [(frame, *rows[frame]) for frame in sorted(rows)]


def _last(value: Any, where: str) -> int:
    """Frames that an object's video must have."""
    rows = _rows(value, where)
    named = _count(value.get("framesCount"), where)
    return max(named, rows[-1][0] + 1 if rows else 0)


def _count(value: Any, where: str) -> int:
    count = parsing.integer(0 if value is None else value, f"{where}: frames")
    if not 0 <= count <= MOST_FRAMES:
        raise FormatError(f"{where} names frame {count:,}; {MOST_FRAMES:,} are read")
    return count


def _objects(task: Any) -> Iterator[Any]:
    """The rectangles of the first annotation, else of the first prediction."""
    if not isinstance(task, dict):
        return
    for key in ("annotations", "predictions"):
        answers = task.get(key)
        for answer in answers if isinstance(answers, list) else []:
            rows = answer.get("result") if isinstance(answer, dict) else None
            for row in rows if isinstance(rows, list) else []:
                if isinstance(row, dict) and row.get("type") == KIND:
                    yield row
            return
