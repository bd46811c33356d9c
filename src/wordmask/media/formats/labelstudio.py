"""Label Studio: tasks with predictions (written) or annotations (read first), brush or polygon, in percent."""

from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.errors import FormatError
from wordmask.media.formats import brush
from wordmask.media.formats.outlines import fill, one_ring, pieces
from wordmask.media.formats.records import (
    NO_NAME,
    FormatOptions,
    Named,
    Row,
    Rows,
    Vocabulary,
    integer,
    kind,
    number,
    plain,
    score_of,
    size_of,
    take,
)  # fmt: skip


def sniff(value: Any) -> bool:
    tasks = value if isinstance(value, list) else [value]
    first = tasks[0] if tasks else None
    return (
        isinstance(first, dict)
        and "data" in first
        and bool({"predictions", "annotations"} & first.keys())
    )


def encode(items: Sequence[Named], options: FormatOptions) -> list[dict[str, Any]]:
    """One task for every picture, with one prediction."""
    return [_task(item, options) for item in items]


def decode(value: Any, where: str, options: FormatOptions) -> list[Named]:
    tasks = value if isinstance(value, list) else [value]
    vocabulary = Vocabulary(options.names)
    read = [
        _read_task(task, f"{where}, task {index}", vocabulary, options)
        for index, task in enumerate(tasks)
    ]
    return [rows.named(name, vocabulary.words, id) for name, rows, id in read]


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
        prediction["score"] = plain(item.result.scores.mean())
    id = {} if item.picture_id is None else {"id": item.picture_id}
    return id | {"data": data, "predictions": [prediction]}


def _region(item: Named, row: int, options: FormatOptions) -> list[dict[str, Any]]:
    result = item.result
    height, width = result.size
    name = result.names[row] or NO_NAME
    shared = {
        "from_name": options.from_name, "to_name": options.to_name, "score": plain(result.scores[row]),
        "original_width": width, "original_height": height, "image_rotation": 0,
    }  # fmt: skip
    if options.shapes != "polygon":
        value: dict[str, Any] = {
            "format": "rle",
            "rle": brush.encode(result.masks.one(row)),
            "brushlabels": [name],
        }
        return [{"id": f"r{row}", "type": "brushlabels", "value": value} | shared]
    parts = []
    for place, piece in enumerate(pieces(result.masks, row, tolerance=options.tolerance)):
        # Label Studio's polygons are one ring each: holes by a slit, further pieces as children of the first.
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


def _read_task(
    task: Any, where: str, vocabulary: Vocabulary, options: FormatOptions
) -> tuple[str, Rows, int | None]:
    data = take(task, "data", dict, where)
    found = _drawn(task, where)
    rows = Rows(_size(data, found, where, options), where, options)
    for item in found:
        if item.get("parentID") is None or item.get("type") != "polygonlabels":
            _add(
                item,
                [one for one in found if one.get("parentID") == item.get("id")],
                rows,
                vocabulary,
            )
    image = next(
        (text for text in (data.get(options.to_name), *data.values()) if isinstance(text, str)), ""
    )
    name = PurePosixPath(unquote(urlsplit(image).path)).name if "://" in image else image
    id = task.get("id")
    return name, rows, None if id is None else integer(id, f"{where}: id")


def _drawn(task: dict[str, Any], where: str) -> list[dict[str, Any]]:
    """The regions with masks: of the first annotation that was not cancelled, else of the first prediction."""
    for key in ("annotations", "predictions"):
        for answer in kind(task.get(key) or [], list, f"{where}: {key}"):
            if not kind(answer, dict, f"{where}: {key}").get("was_cancelled"):
                found = take(answer, "result", list, f"{where}: {key}")
                items = [kind(item, dict, f"{where}: result") for item in found]
                return [
                    item for item in items if item.get("type") in ("brushlabels", "polygonlabels")
                ]
    return []


def _size(
    data: dict[str, Any], found: list[dict[str, Any]], where: str, options: FormatOptions
) -> Size:
    source = found[0] if found else data
    keys = ("original_height", "original_width") if found else ("height", "width")
    if not found and "width" not in data:
        if options.size is None:
            raise FormatError(
                f"{where} has no region that would tell the picture's size; give options.size"
            )
        return options.size
    return size_of([take(source, key, int, where) for key in keys], where, options)


def _add(
    item: dict[str, Any], parts: list[dict[str, Any]], rows: Rows, vocabulary: Vocabulary
) -> None:
    where = f"{rows.where}, region {item.get('id')}"
    value = take(item, "value", dict, where)
    names = take(value, item["type"], list, where)
    word = kind(names[0], str, where) if names else NO_NAME
    row = Row(
        label=vocabulary.label(word), score=score_of(item.get("score") or 1.0, f"{where}: score")
    )
    if item["type"] == "brushlabels":
        rows.add(partial(brush.decode, take(value, "rle", list, where), rows.size), row)
        return
    rings = [_ring(take(one, "value", dict, where), rows.size, where) for one in [item, *parts]]
    rows.add(partial(fill, rings, rows.size), row)


def _ring(value: dict[str, Any], size: Size, where: str) -> Array:
    points = take(value, "points", list, where)
    if len(points) < 3 or not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise FormatError(f"{where}: points must be at least 3 pairs [x, y]")
    percent = np.array([[number(side, f"{where}: points") for side in point] for point in points])
    ring: Array = percent * np.array(size[::-1]) / 100
    return ring
