"""Label Studio: tasks with regions as brushes, or as polygons in percent of the picture.

Written are predictions. Read are annotations, or predictions where nobody has annotated yet.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.errors import FormatError
from wordmask.media.formats import brush, parsing
from wordmask.media.formats.outlines import fill, one_ring, pieces
from wordmask.media.formats.records import (
    NO_NAME,
    FormatOptions,
    Named,
    RegionFacts,
    RegionList,
    WordIds,
)

SHAPES = ("brushlabels", "polygonlabels")  # the kinds of regions that have a mask


def sniff(value: Any) -> bool:
    """Whether a JSON value looks like Label Studio's."""
    tasks = value if isinstance(value, list) else [value]
    first = tasks[0] if tasks else None
    if not isinstance(first, dict) or "data" not in first:
        return False
    return "predictions" in first or "annotations" in first


def encode(items: Sequence[Named], options: FormatOptions) -> list[dict[str, Any]]:
    """One task for every picture, with one prediction."""
    return [_task(item, options) for item in items]


def decode(value: Any, where: str, options: FormatOptions) -> list[Named]:
    """One result for each task."""
    tasks = value if isinstance(value, list) else [value]
    words = WordIds(options.names)
    # All tasks are read before any result is built: they share one vocabulary.
    read = []
    for index, task in enumerate(tasks):
        place = f"{where}, task {index}"
        regions = _read_regions(task, place, words, options)
        id = parsing.optional_integer(task.get("id"), f"{place}: id")
        read.append((regions, _picture_name(task["data"], options), id))
    return [regions.build(name, words.words, id) for regions, name, id in read]


def regions(item: Named, options: FormatOptions) -> list[dict[str, Any]]:
    """The `result` list of one prediction."""
    return [part for row in range(len(item.result)) for part in _region(item, row, options)]


def _task(item: Named, options: FormatOptions) -> dict[str, Any]:
    height, width = item.result.size
    # Width and height stand in the data too, so that a task without regions still tells them.
    data = {options.to_name: item.name, "width": width, "height": height}
    prediction: dict[str, Any] = {
        "model_version": "+".join(item.result.made_by),
        "result": regions(item, options),
    }
    if len(item.result):
        prediction["score"] = parsing.plain(item.result.scores.mean())
    id = {} if item.picture_id is None else {"id": item.picture_id}
    return id | {"data": data, "predictions": [prediction]}


def _region(item: Named, row: int, options: FormatOptions) -> list[dict[str, Any]]:
    result = item.result
    height, width = result.size
    name = result.names[row] or NO_NAME
    shared = {
        "from_name": options.from_name,
        "to_name": options.to_name,
        "score": parsing.plain(result.scores[row]),
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
    }
    if options.shapes != "polygon":
        value: dict[str, Any] = {
            "format": "rle",
            "rle": brush.encode(result.masks.one(row)),
            "brushlabels": [name],
        }
        return [{"id": f"r{row}", "type": "brushlabels", "value": value} | shared]
    parts = []
    for place, piece in enumerate(pieces(result.masks, row, tolerance=options.tolerance)):
        # Label Studio's polygons are one ring each: holes by a slit, further pieces as children of
        # the first.
        value = {
            "points": _percent(one_ring(piece), result.size),
            "closed": True,
            "polygonlabels": [name],
        }
        kin = {"parentID": f"r{row}"} if place else {}
        id = f"r{row}.{place}" if place else f"r{row}"
        parts.append({"id": id, "type": "polygonlabels", "value": value} | kin | shared)
    return parts


def _percent(ring: Array, size: Size) -> list[list[float]]:
    points: list[list[float]] = (ring * 100 / np.array(size[::-1])).tolist()
    return points


def _read_regions(task: Any, where: str, words: WordIds, options: FormatOptions) -> RegionList:
    data = parsing.take(task, "data", dict, where)
    items = _items_with_masks(task, where)
    regions = RegionList(_size(data, items, where, options), where, options)
    for item in items:
        if item.get("parentID") is None or item.get("type") != "polygonlabels":
            children = [one for one in items if one.get("parentID") == item.get("id")]
            _add(item, children, regions, words)
    return regions


def _picture_name(data: dict[str, Any], options: FormatOptions) -> str:
    """The text under the picture's tag, or the task's first text; of an address its file name."""
    texts = [data.get(options.to_name), *data.values()]
    image = next((text for text in texts if isinstance(text, str)), "")
    return PurePosixPath(unquote(urlsplit(image).path)).name if "://" in image else image


def _items_with_masks(task: dict[str, Any], where: str) -> list[dict[str, Any]]:
    """The brushes and polygons of the first annotation that was not cancelled.

    Without annotations they are taken from the first prediction.
    """
    for key in ("annotations", "predictions"):
        place = f"{where}: {key}"
        for answer in parsing.check_kind(task.get(key) or [], list, place):
            if not parsing.check_kind(answer, dict, place).get("was_cancelled"):
                rows = parsing.take(answer, "result", list, place)
                items = [parsing.check_kind(row, dict, f"{where}: result") for row in rows]
                return [item for item in items if item.get("type") in SHAPES]
    return []


def _size(
    data: dict[str, Any], items: list[dict[str, Any]], where: str, options: FormatOptions
) -> Size:
    """The picture's size: from its regions, else from what we write beside its name, else given."""
    if items:
        return parsing.size_in(items[0], ("original_height", "original_width"), where, options)
    if "width" in data:
        return parsing.size_in(data, ("height", "width"), where, options)
    if options.size is None:
        raise FormatError(
            f"{where} has no region that would tell the picture's size; give options.size"
        )
    return options.size


def _add(
    item: dict[str, Any], children: list[dict[str, Any]], regions: RegionList, words: WordIds
) -> None:
    """One region: a brush, or a polygon with its further pieces."""
    where = f"{regions.where}, region {item.get('id')}"
    value = parsing.take(item, "value", dict, where)
    names = parsing.take(value, item["type"], list, where)
    word = parsing.check_kind(names[0], str, where) if names else NO_NAME
    score = parsing.score_of(item.get("score") or 1.0, f"{where}: score")
    facts = RegionFacts(label=words.label(word), score=score)
    if item["type"] == "brushlabels":
        code = parsing.take(value, "rle", list, where)
        regions.add(partial(brush.decode, code, regions.size), facts)
        return
    values = [parsing.take(one, "value", dict, where) for one in [item, *children]]
    rings = [_ring(one, regions.size, where) for one in values]
    regions.add(partial(fill, rings, regions.size), facts)


def _ring(value: dict[str, Any], size: Size, where: str) -> Array:
    """(n, 2) corners in pixels from corners in percent."""
    percent = parsing.pairs(parsing.take(value, "points", list, where), f"{where}: points")
    if len(percent) < 3:
        raise FormatError(f"{where}: points must be at least 3 pairs [x, y]")
    ring: Array = percent * np.array(size[::-1]) / 100
    return ring
