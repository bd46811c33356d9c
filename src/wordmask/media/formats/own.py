"""wordmask's own JSON: everything that a `Result` holds. The schema is in docs/formats.md."""

import base64
import binascii
from functools import partial
from math import isnan, nan
from typing import Any

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.core.result import UNNAMED, Absent, Result, Why
from wordmask.errors import FormatError
from wordmask.media.formats.records import (
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

VERSION = 1
_DTYPES = {"float16": "<f2", "float32": "<f4"}


def sniff(value: Any) -> bool:
    return isinstance(value, dict) and "wordmask" in value


def encode(item: Named, options: FormatOptions, *, masks: bool = True) -> dict[str, Any]:
    """One picture's object; without `masks` the regions carry an `id` from 1 instead (see png.py)."""
    result = item.result
    regions = [_region(result, row) for row in range(len(result))]
    codes = result.masks.to_rle(compressed=options.shapes != "plain") if masks else []
    for row, region in enumerate(regions):
        region.update({"mask": codes[row]} if masks else {"id": row + 1})
    value: dict[str, Any] = {"wordmask": VERSION, "image": item.name, "size": list(result.size)}
    value |= {"vocabulary": list(result.vocabulary), "regions": regions}
    if options.embeddings != "none" and result.embeddings is not None:
        value["embeddings"] = options.embeddings
        for region, vector in zip(regions, result.embeddings, strict=True):
            data = vector.astype(_DTYPES[options.embeddings]).tobytes()
            region["embedding"] = base64.b64encode(data).decode("ascii")
    absent = [
        {"phrase": w.phrase, "best": plain(w.best), "needed": plain(w.needed)}
        for w in result.absent
    ]
    return value | {"absent": absent, "made_by": list(result.made_by)}


def decode(value: Any, where: str, options: FormatOptions, masks: Masks | None = None) -> Named:
    """The picture's result; `masks`, one for every region, where the object does not hold them."""
    version = take(value, "wordmask", int, where)
    if version != VERSION:
        raise FormatError(
            f"{where} has schema {version}, this is schema {VERSION}; a newer wordmask may read it"
        )
    size = size_of(take(value, "size", list, where), where, options)
    words = [
        kind(word, str, f"{where}: vocabulary") for word in take(value, "vocabulary", list, where)
    ]
    vocabulary = Vocabulary(words)
    regions = take(value, "regions", list, where)
    if masks is not None and len(masks) != len(regions):
        raise FormatError(
            f"{where} has {len(regions)} regions, the picture of ids goes with {len(masks)}"
        )
    rows = Rows(size, where, options)
    for index, region in enumerate(regions):
        place = f"{where}, region {index}"
        get = partial(_mask, region, size, place) if masks is None else partial(_one, masks, index)
        rows.add(get, _row(region, vocabulary, place))
    name = kind(value.get("image", ""), str, f"{where}: image")
    return rows.named(
        name,
        vocabulary.words,
        absent=tuple(
            _absent(row, f"{where}: absent") for row in kind(value.get("absent", []), list, where)
        ),
        made_by=tuple(
            kind(maker, str, f"{where}: made_by")
            for maker in kind(value.get("made_by", []), list, where)
        ),
        why=_why_column(regions, where),
        embeddings=_embeddings(value, regions, where),
    )


def _region(result: Result, row: int) -> dict[str, Any]:
    label = int(result.label_ids[row])
    return {
        "label": result.vocabulary[label] if label != UNNAMED else None,
        "score": plain(result.scores[row]),
        "box": result.masks.boxes[row].tolist(),
        "area": int(result.masks.areas[row]),
        "track": None if result.track_ids is None else int(result.track_ids[row]),
        "why": None if result.why is None else _why_json(result.why[row]),
    }


def _why_json(why: Why) -> dict[str, Any]:
    values = why._asdict()
    for key in ("rival_score", "quality"):
        values[key] = None if isnan(values[key]) else plain(values[key])  # JSON has no NaN
    return values


def _one(masks: Masks, index: int) -> Masks:
    """Mask `index` alone; indexing `masks` would look at all of 70,000 for each."""
    return Masks(masks.size, masks.corners[index : index + 1], masks.crops[index : index + 1])


def _mask(region: Any, size: Size, where: str) -> Masks:
    code = take(region, "mask", dict, where)
    if code.get("size") != list(size):
        raise FormatError(
            f"{where}: the mask's size is {code.get('size')}, the picture's {list(size)} (height, width)"
        )
    return Masks.from_rle([code], size)


def _row(region: Any, vocabulary: Vocabulary, where: str) -> Row:
    label = kind(take(region, "label", (str, type(None)), where), (str, type(None)), where)
    track = region.get("track")
    return Row(
        label=UNNAMED if label is None else vocabulary.word(label),
        score=score_of(take(region, "score", (int, float), where), f"{where}: score"),
        track=None if track is None else integer(track, f"{where}: track"),
    )


def _why_column(regions: list[Any], where: str) -> tuple[Why, ...] | None:
    rows = [region.get("why") for region in regions]
    if all(row is None for row in rows):
        return None
    return tuple(_why(row or {}, f"{where}, region {index}: why") for index, row in enumerate(rows))


def _why(row: Any, where: str) -> Why:
    values: dict[str, Any] = {}
    for key, given in kind(row, dict, where).items():
        if key in ("rival_score", "quality"):
            values[key] = nan if given is None else number(given, f"{where}: {key}")
        elif key in Why._fields:
            values[key] = kind(given, str, f"{where}: {key}")
    return Why(**values)


def _absent(row: Any, where: str) -> Absent:
    best, needed = (
        number(take(row, key, (int, float), where), where) for key in ("best", "needed")
    )
    return Absent(take(row, "phrase", str, where), best, needed)


def _embeddings(value: dict[str, Any], regions: list[Any], where: str) -> Array | None:
    kept = value.get("embeddings")
    if kept is None:
        return None
    if kept not in _DTYPES:
        raise FormatError(f"{where}: embeddings are float16 or float32, got {str(kept)[:40]!r}")
    try:
        rows = [
            np.frombuffer(
                base64.b64decode(take(region, "embedding", str, where), validate=True),
                _DTYPES[kept],
            )
            for region in regions
        ]
        return np.stack(rows).astype(np.float32) if rows else np.zeros((0, 0), np.float32)
    except (binascii.Error, ValueError) as error:
        raise (
            error
            if isinstance(error, FormatError)
            else FormatError(f"{where}: broken embedding: {error}")
        ) from None
