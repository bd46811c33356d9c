"""LabelMe: one JSON for each picture, polygons by default, crops as PNG with `shapes="rle"`."""

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
from wordmask.media.formats.outlines import fill, one_ring, pieces
from wordmask.media.formats.records import (
    NO_NAME,
    FormatOptions,
    Named,
    Row,
    Rows,
    Vocabulary,
    kind,
    number,
    plain,
    size_of,
    take,
)  # fmt: skip

AREAS = ("polygon", "rectangle", "circle", "mask")  # other shapes, points and lines, have no area


def sniff(value: Any) -> bool:
    return isinstance(value, dict) and "shapes" in value


def encode(item: Named, options: FormatOptions) -> dict[str, Any]:
    """The picture's object, without the picture itself. Pieces of one region share a `group_id`."""
    height, width = item.result.size
    shapes = [shape for row in range(len(item.result)) for shape in _shapes(item, row, options)]
    return {
        "version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": item.name, "imageData": None,
        "imageHeight": height, "imageWidth": width,
    }  # fmt: skip


def decode(value: Any, where: str, options: FormatOptions) -> Named:
    size = size_of(
        [take(value, key, int, where) for key in ("imageHeight", "imageWidth")], where, options
    )
    vocabulary, rows = Vocabulary(options.names), Rows(size, where, options)
    groups: dict[Any, list[dict[str, Any]]] = {}
    for index, shape in enumerate(take(value, "shapes", list, where)):
        label = take(shape, "label", str, f"{where}, shape {index}")
        if shape.get("shape_type", "polygon") in AREAS:
            group = shape.get("group_id")
            key = index if group is None else (label, str(group))
            groups.setdefault(key, []).append(shape)
    for shapes in groups.values():
        place = f"{where}, {shapes[0]['label'][:40]!r}"
        said = re.search(
            r"\bscore ([01](?:\.\d+)?(?:e-\d+)?)\b", str(shapes[0].get("description") or "")
        )
        score = float(said[1]) if said else 1.0
        rows.add(
            partial(_mask, shapes, size, place),
            Row(vocabulary.label(shapes[0]["label"]), min(score, 1.0)),
        )
    return rows.named(kind(value.get("imagePath") or "", str, where), vocabulary.words)


def _shapes(item: Named, row: int, options: FormatOptions) -> list[dict[str, Any]]:
    result = item.result
    score = plain(result.scores[row])
    shared: dict[str, Any] = {
        "label": result.names[row] or NO_NAME, "group_id": None, "flags": {},
        "description": f"score {score}" if score < 1 else "",
    }  # fmt: skip
    if options.shapes in ("rle", "plain"):
        x0, y0, x1, y1 = result.masks.boxes[row].tolist()
        corners = [[x0, y0], [x1 - 1, y1 - 1]]  # LabelMe's own mask boxes include their last pixel
        if not result.masks.areas[row]:
            return []
        return [
            shared
            | {"shape_type": "mask", "points": corners, "mask": _png(result.masks.crops[row])}
        ]
    found = pieces(result.masks, row, tolerance=options.tolerance)
    if len(found) > 1:
        shared["group_id"] = row + 1
    return [
        shared | {"shape_type": "polygon", "points": one_ring(piece).tolist(), "mask": None}
        for piece in found
    ]


def _mask(shapes: list[dict[str, Any]], size: Size, where: str) -> Masks:
    parts = [_one(shape, size, where) for shape in shapes]
    return parts[0] if len(parts) == 1 else Masks.from_dense(Masks.concatenate(parts).union())


def _one(shape: dict[str, Any], size: Size, where: str) -> Masks:
    points = take(shape, "points", list, where)
    if not points or not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise FormatError(f"{where}: points must be pairs [x, y]")
    corners = np.array([[number(side, f"{where}: points") for side in point] for point in points])
    type_ = shape.get("shape_type", "polygon")
    if type_ == "mask":
        crop = _crop(take(shape, "mask", str, where), size, where)
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
                    f"{where}: the mask is {picture.width} x {picture.height}, larger than the picture"
                )
            return np.asarray(picture.convert("L")) > 0
    except (binascii.Error, OSError, SyntaxError, ValueError) as error:
        raise (
            error
            if isinstance(error, FormatError)
            else FormatError(f"{where}: broken mask: {error}")
        ) from None
