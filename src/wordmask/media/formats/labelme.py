"""LabelMe: one JSON for each picture; polygons, or crops as PNG with `shapes="rle"`."""

import base64
import binascii
import re
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image as Pil

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.errors import FormatError
from wordmask.media.formats import parsing
from wordmask.media.formats.outlines import fill, one_ring, pieces
from wordmask.media.formats.records import (
    NO_NAME,
    FormatOptions,
    Named,
    RegionFacts,
    RegionList,
    WordIds,
    union,
)

AREAS = ("polygon", "rectangle", "circle", "mask")  # other shapes, points and lines, have no area
SCORE = re.compile(r"\bscore ([01](?:\.\d+)?(?:e-\d+)?)\b")  # as `_shapes` writes it


def sniff(value: Any) -> bool:
    """Whether a JSON value looks like LabelMe's."""
    return isinstance(value, dict) and "shapes" in value


def encode(item: Named, options: FormatOptions) -> dict[str, Any]:
    """The picture's object, without the picture itself. Pieces of one region share a `group_id`."""
    height, width = item.result.size
    shapes = [shape for row in range(len(item.result)) for shape in _shapes(item, row, options)]
    return {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": item.name,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }


def decode(value: Any, where: str, options: FormatOptions) -> Named:
    """The picture's result. Shapes of one label and one `group_id` are one region."""
    size = parsing.size_in(value, ("imageHeight", "imageWidth"), where, options)
    words, regions = WordIds(options.names), RegionList(size, where, options)
    for shapes in _groups(value, where):
        label = shapes[0]["label"]
        said = SCORE.search(str(shapes[0].get("description") or ""))
        score = min(float(said[1]), 1.0) if said else 1.0
        mask = partial(_mask, shapes, size, f"{where}, {label[:40]!r}")
        regions.add(mask, RegionFacts(words.label(label), score))
    name = parsing.check_kind(value.get("imagePath") or "", str, where)
    return regions.build(name, words.words)


def _groups(value: Any, where: str) -> list[list[dict[str, Any]]]:
    """The shapes that have an area, those of one region together."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for index, shape in enumerate(parsing.take(value, "shapes", list, where)):
        label = parsing.take(shape, "label", str, f"{where}, shape {index}")
        if shape.get("shape_type", "polygon") in AREAS:
            group = shape.get("group_id")
            key = index if group is None else (label, str(group))
            groups.setdefault(key, []).append(shape)
    return list(groups.values())


def _shapes(item: Named, row: int, options: FormatOptions) -> list[dict[str, Any]]:
    result = item.result
    score = parsing.plain(result.scores[row])
    shared: dict[str, Any] = {
        "label": result.names[row] or NO_NAME, "group_id": None, "flags": {},
        "description": f"score {score}" if score < 1 else "",
    }  # fmt: skip
    if options.shapes in ("rle", "plain"):
        if not result.masks.areas[row]:
            return []
        x0, y0, x1, y1 = result.masks.boxes[row].tolist()
        corners = [[x0, y0], [x1 - 1, y1 - 1]]  # LabelMe's own mask boxes include their last pixel
        crop = _png(result.masks.crops[row])
        return [shared | {"shape_type": "mask", "points": corners, "mask": crop}]
    found = pieces(result.masks, row, tolerance=options.tolerance)
    if len(found) > 1:
        shared["group_id"] = row + 1
    return [
        shared | {"shape_type": "polygon", "points": one_ring(piece).tolist(), "mask": None}
        for piece in found
    ]


def _mask(shapes: list[dict[str, Any]], size: Size, where: str) -> Masks:
    return union([_shape_mask(shape, size, where) for shape in shapes], size)


def _shape_mask(shape: dict[str, Any], size: Size, where: str) -> Masks:
    corners = parsing.pairs(parsing.take(shape, "points", list, where), f"{where}: points")
    type_ = shape.get("shape_type", "polygon")
    if type_ == "mask":
        crop = _crop(parsing.take(shape, "mask", str, where), size, where)
        x0, y0 = np.clip(corners.min(0), -1, max(size)).astype(int).tolist()
        return Masks.from_crops(size, [(x0, y0)], [crop])
    if type_ != "polygon" and len(corners) != 2:
        raise FormatError(f"{where}: a {type_} has 2 points, got {len(corners)}")
    if type_ == "circle":
        turn = np.linspace(0, 2 * np.pi, 128, endpoint=False)
        radius = np.hypot(*(corners[1] - corners[0]))
        corners = corners[0] + radius * np.stack([np.cos(turn), np.sin(turn)], 1)
    elif type_ == "rectangle":
        (x0, y0), (x1, y1) = corners
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    if len(corners) < 3:
        raise FormatError(f"{where}: a polygon has at least 3 corners, got {len(corners)}")
    return fill([corners], size)


def _png(crop: Array) -> str:
    buffer = BytesIO()
    Pil.fromarray(crop).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _crop(text: str, size: Size, where: str) -> Array:
    try:
        with Pil.open(BytesIO(base64.b64decode(text, validate=True)), formats=["PNG"]) as picture:
            if picture.width > size[1] or picture.height > size[0]:
                raise FormatError(
                    f"{where}: the mask is {picture.width} x {picture.height}, "
                    "larger than the picture"
                )
            return np.asarray(picture.convert("L")) > 0
    except FormatError:  # itself a ValueError
        raise
    except (binascii.Error, OSError, SyntaxError, ValueError) as error:
        raise FormatError(f"{where}: broken mask: {error}") from None
