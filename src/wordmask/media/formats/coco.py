"""COCO: one JSON for many pictures, and the bare list that detectors hand in as results.

Polygons are written as one ring for each piece, holes joined to the outline by a slit of no width; readers that
fill every ring and unite them, as COCO's own do, then see the holes.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from wordmask.core.image import Size
from wordmask.core.masks import Masks
from wordmask.core.result import UNNAMED
from wordmask.errors import FormatError
from wordmask.media.formats.outlines import fill, one_ring, pieces, ring_of
from wordmask.media.formats.records import (
    NO_NAME,
    FormatOptions,
    Named,
    Row,
    Rows,
    Vocabulary,
    integer,
    kind,
    numbers,
    plain,
    score_of,
    size_of,
    take,
)  # fmt: skip


def sniff(value: Any) -> bool:
    if isinstance(value, list):
        return (
            bool(value)
            and isinstance(value[0], dict)
            and {"image_id", "category_id"} <= value[0].keys()
        )
    return isinstance(value, dict) and "images" in value and "annotations" in value


def encode(items: Sequence[Named], options: FormatOptions) -> dict[str, Any]:
    """The data set of all pictures; ids are kept where all are there and no two alike, else counted from 1."""
    vocabulary = Vocabulary(word for item in items for word in item.result.vocabulary)
    category_ids = _category_ids(vocabulary.words, items, options)
    picture_ids = _unique([item.picture_id for item in items])
    region_ids = iter(
        _unique([id for item in items for id in item.region_ids or [None] * len(item.result)])
    )
    annotations = []
    for item, picture_id in zip(items, picture_ids, strict=True):
        for row, name in enumerate(item.result.names):
            ids = {
                "id": next(region_ids),
                "image_id": picture_id,
                "category_id": category_ids[name or NO_NAME],
            }
            annotations.append(ids | _annotation(item, row, options))
    images = [
        {
            "id": id,
            "file_name": item.name,
            "width": item.result.size[1],
            "height": item.result.size[0],
        }
        for id, item in zip(picture_ids, items, strict=True)
    ]
    categories = [{"id": id, "name": name} for name, id in category_ids.items()]
    return {"images": images, "categories": categories, "annotations": annotations}


def decode(value: Any, where: str, options: FormatOptions) -> list[Named]:
    if isinstance(value, list):
        return _decode_results(value, where, options)
    vocabulary = Vocabulary(options.names)
    labels: dict[int, int] = {}
    for row in kind(value.get("categories", []), list, f"{where}: categories"):
        labels[take(row, "id", int, f"{where}: category")] = vocabulary.label(
            take(row, "name", str, f"{where}: category")
        )
    pictures: dict[int, tuple[str, Rows]] = {}
    for row in take(value, "images", list, where):
        id = take(row, "id", int, f"{where}: image")
        place = f"{where}, image {id}"
        sides = [take(row, side, int, place) for side in ("height", "width")]
        size = size_of(sides, place, options)
        pictures[id] = (kind(row.get("file_name", str(id)), str, place), Rows(size, place, options))
    for row in take(value, "annotations", list, where):
        _read_annotation(row, where, pictures, labels)
    return [rows.named(name, vocabulary.words, id) for id, (name, rows) in pictures.items()]


def _annotation(item: Named, row: int, options: FormatOptions) -> dict[str, Any]:
    result = item.result
    x0, y0, x1, y1 = result.masks.boxes[row].tolist()
    code: Any
    if options.shapes == "polygon":
        found = pieces(result.masks, row, tolerance=options.tolerance)
        code = [one_ring(piece).ravel().tolist() for piece in found]
    else:
        code = result.masks[row].to_rle(compressed=options.shapes != "plain")[0]
    value = {
        "segmentation": code,
        "area": int(result.masks.areas[row]),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "iscrowd": int(bool(item.crowd) and item.crowd[row]),
        "score": plain(result.scores[row]),
    }
    return value if result.track_ids is None else value | {"track_id": int(result.track_ids[row])}


def _read_annotation(
    row: Any, where: str, pictures: dict[int, tuple[str, Rows]], labels: dict[int, int]
) -> None:
    id = integer(row.get("id", -1) if isinstance(row, dict) else -1, f"{where}: annotation id")
    place = f"{where}, annotation {id}"
    picture = pictures.get(take(row, "image_id", int, place))
    if picture is None:
        raise FormatError(f"{place} is of image {row['image_id']}, which the file does not have")
    category = take(row, "category_id", int, place)
    if category not in labels:
        raise FormatError(f"{place} has category {category}, which the file does not have")
    track = row.get("track_id")
    rows = picture[1]
    found = Row(
        label=labels[category],
        score=score_of(row.get("score", 1.0), f"{place}: score"),
        id=id,
        crowd=bool(row.get("iscrowd", 0)),
        track=None if track is None else integer(track, f"{place}: track_id"),
    )
    rows.add(partial(_mask, row, rows.size, place), found)


def _mask(row: Any, size: Size, where: str) -> Masks:
    code = take(row, "segmentation", (list, dict), where)
    if isinstance(code, dict):
        return Masks.from_rle([code])
    rings = [ring_of(numbers(flat, where), where) for flat in code]
    filled = [fill([ring], size) for ring in rings]
    if len(filled) <= 1:
        return filled[0] if filled else fill([], size)
    return Masks.from_dense(Masks.concatenate(filled).union())


def _decode_results(value: list[Any], where: str, options: FormatOptions) -> list[Named]:
    """Bare results: the masks tell the size, the names are the options' or the categories' numbers."""
    pictures: dict[int, Rows] = {}
    vocabulary = Vocabulary(options.names)
    known = {id: word for word, id in (options.category_ids or {}).items()}
    known = known or {index + 1: word for index, word in enumerate(options.names)}
    for index, row in enumerate(value):
        place = f"{where}, result {index}"
        id, category = take(row, "image_id", int, place), take(row, "category_id", int, place)
        if id not in pictures:
            sides = take(take(row, "segmentation", dict, place), "size", list, place)
            pictures[id] = Rows(size_of(sides, place, options), f"{where}, image {id}", options)
        label = vocabulary.word(known.get(category, f"category {category}"))
        score = score_of(take(row, "score", (int, float), place), place)
        pictures[id].add(
            partial(_mask, row, pictures[id].size, place), Row(label=label, score=score)
        )
    return [rows.named(str(id), vocabulary.words, id) for id, rows in pictures.items()]


def _category_ids(
    words: tuple[str, ...], items: Sequence[Named], options: FormatOptions
) -> dict[str, int]:
    given = options.category_ids or {word: index + 1 for index, word in enumerate(words)}
    missing = [word for word in words if word not in given]
    if missing:
        raise FormatError(f"category_ids has no id for {', '.join(missing[:5])}")
    ids = {word: given[word] for word in words}
    if any((item.result.label_ids == UNNAMED).any() for item in items):
        ids[NO_NAME] = max([*given.values(), 0]) + 1
    return ids


def _unique(ids: Sequence[int | None]) -> list[int]:
    given = [id for id in ids if id is not None and id >= 0]
    return given if len(given) == len(ids) == len(set(given)) else list(range(1, len(ids) + 1))
