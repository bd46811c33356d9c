"""COCO: one JSON for many pictures, and the bare list that detectors hand in as results.

Polygons are written as one ring for each piece, holes joined to the outline by a slit of no width;
readers that fill every ring and unite them, as COCO's own do, then see the holes.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from wordmask.core.image import Size
from wordmask.core.masks import Masks
from wordmask.core.result import UNNAMED
from wordmask.errors import FormatError
from wordmask.media.formats import keypoints, parsing
from wordmask.media.formats.coco_records import CocoRegion, parse_instances, read_mask
from wordmask.media.formats.outlines import Ring, fill, one_ring, pieces
from wordmask.media.formats.records import (
    NO_NAME,
    FormatOptions,
    Named,
    RegionFacts,
    RegionList,
    WordIds,
)


def sniff(value: Any) -> bool:
    """Whether a JSON value looks like COCO's."""
    if isinstance(value, list):
        first = value[0] if value else None
        return isinstance(first, dict) and {"image_id", "category_id"} <= first.keys()
    return isinstance(value, dict) and "images" in value and "annotations" in value


# ---- writing


def encode(items: Sequence[Named], options: FormatOptions) -> dict[str, Any]:
    """The data set of all pictures.

    The ids of the file that they came from are kept if all have one and no two are alike; otherwise
    pictures and regions are counted from 1.
    """
    words = WordIds(word for item in items for word in item.result.vocabulary).words
    category_ids = _category_ids(words, items, options)
    picture_ids = _unique_ids([item.picture_id for item in items])
    known = [id for item in items for id in item.region_ids or [None] * len(item.result)]
    region_ids = iter(_unique_ids(known))
    images, annotations = [], []
    for item, picture_id in zip(items, picture_ids, strict=True):
        height, width = item.result.size
        images.append({"id": picture_id, "file_name": item.name, "width": width, "height": height})
        for row, name in enumerate(item.result.names):
            ids = {
                "id": next(region_ids),
                "image_id": picture_id,
                "category_id": category_ids[name or NO_NAME],
            }
            annotations.append(ids | _annotation(item, row, options))
    with_joints = _words_with_joints(items)
    categories = [
        {"id": id, "name": name} | (keypoints.category() if name in with_joints else {})
        for name, id in category_ids.items()
    ]
    return {"images": images, "categories": categories, "annotations": annotations}


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
        "score": parsing.plain(result.scores[row]),
    }
    if item.poses is not None:
        value |= keypoints.to_coco(item.poses, row)
    return value if result.track_ids is None else value | {"track_id": int(result.track_ids[row])}


def _words_with_joints(items: Sequence[Named]) -> set[str]:
    return {
        name or NO_NAME for item in items if item.poses is not None for name in item.result.names
    }


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


def _unique_ids(ids: Sequence[int | None]) -> list[int]:
    """The ids, or 1, 2, 3 ... if one is missing or stands twice."""
    given = [id for id in ids if id is not None and id >= 0]
    return given if len(given) == len(ids) == len(set(given)) else list(range(1, len(ids) + 1))


# ---- reading


def decode(value: Any, where: str, options: FormatOptions) -> list[Named]:
    """One result for each picture of a data set, or of a list of detections."""
    if isinstance(value, list):
        return _decode_detections(value, where, options)
    data = parse_instances(value, where)
    words = WordIds(options.names)
    labels = {id: words.label(name) for id, name in data.categories.items()}
    regions: dict[Any, RegionList] = {}
    for picture in data.pictures:
        place = f"{where}, image {picture.id}"
        size = parsing.size_in(picture.entry, ("height", "width"), place, options)
        regions[picture.id] = RegionList(size, place, options)
    for region in data.regions:
        place = f"{where}, annotation {region.id}"
        if region.picture not in regions:
            raise FormatError(f"{place} is of image {region.picture}, which the file does not have")
        _add(region, regions[region.picture], labels[region.category], place, options)
    names = {picture.id: picture.name for picture in data.pictures}
    return [
        one.build(names[id], words.words, parsing.integer(id, f"{where}: image id"))
        for id, one in regions.items()
    ]


def _add(
    region: CocoRegion, regions: RegionList, label: int, place: str, options: FormatOptions
) -> None:
    entry = region.entry
    facts = RegionFacts(
        label=label,
        score=parsing.score_of(entry.get("score", 1.0), f"{place}: score"),
        id=region.id,
        crowd=region.crowd,
        track=parsing.optional_integer(entry.get("track_id"), f"{place}: track_id"),
        joints=keypoints.from_coco(dict(entry), place),
    )
    if options.boxes and not entry.get("segmentation"):
        regions.add(partial(_read_box, entry, regions.size, place), facts)
        return
    regions.add(partial(read_mask, entry, regions.size, place, _fill_ring), facts)


def _read_box(entry: Any, size: Size, place: str) -> Masks:
    """The mask of a region that is only a box, in whole pixels."""
    sides = parsing.check_members(
        parsing.take(entry, "bbox", list, place), (int, float), f"{place}: bbox"
    )
    if len(sides) != 4 or not np.isfinite(sides).all():
        raise FormatError(f"{place}: a bbox is x, y, width, height, got {sides}")
    x, y, width, height = sides
    x0, y0 = max(0, round(x)), max(0, round(y))
    x1, y1 = min(size[1], round(x + width)), min(size[0], round(y + height))
    crop = np.ones((max(0, y1 - y0), max(0, x1 - x0)), bool)
    return Masks.from_crops(size, [(x0, y0)], [crop])


def _decode_detections(value: list[Any], where: str, options: FormatOptions) -> list[Named]:
    """A list of detections: sizes come from the masks, names from the options or the numbers."""
    regions: dict[int, RegionList] = {}
    words = WordIds(options.names)
    known = {id: word for word, id in (options.category_ids or {}).items()}
    known = known or {index + 1: word for index, word in enumerate(options.names)}
    for index, row in enumerate(value):
        place = f"{where}, result {index}"
        id = parsing.take(row, "image_id", int, place)
        category = parsing.take(row, "category_id", int, place)
        if id not in regions:
            code = parsing.take(row, "segmentation", dict, place)
            size = parsing.size_of(parsing.take(code, "size", list, place), place, options)
            regions[id] = RegionList(size, f"{where}, image {id}", options)
        label = words.word(known.get(category, f"category {category}"))
        score = parsing.score_of(parsing.take(row, "score", (int, float), place), place)
        mask = partial(read_mask, row, regions[id].size, place, _fill_ring)
        regions[id].add(mask, RegionFacts(label=label, score=score))
    return [one.build(str(id), words.words, id) for id, one in regions.items()]


def _fill_ring(ring: Ring, size: Size) -> Masks:
    return fill([ring], size)
