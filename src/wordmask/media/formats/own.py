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
from wordmask.media.formats import keypoints, parsing
from wordmask.media.formats.records import (
    FormatOptions,
    Named,
    RegionFacts,
    RegionList,
    WordIds,
)

VERSION = 1
_DTYPES = {"float16": "<f2", "float32": "<f4"}


def sniff(value: Any) -> bool:
    """Whether a JSON value is own JSON."""
    return isinstance(value, dict) and "wordmask" in value


def encode(item: Named, options: FormatOptions, *, masks: bool = True) -> dict[str, Any]:
    """One picture's object.

    Without `masks` the regions carry an `id` from 1: their value in a picture of ids.
    """
    result = item.result
    regions = [_region(result, row) for row in range(len(result))]
    codes = result.masks.to_rle(compressed=options.shapes != "plain") if masks else []
    for row, region in enumerate(regions):
        region.update({"mask": codes[row]} if masks else {"id": row + 1})
        if item.poses is not None:
            region["joints"] = keypoints.to_rows(item.poses, row)
    value: dict[str, Any] = {"wordmask": VERSION, "image": item.name, "size": list(result.size)}
    value |= {"vocabulary": list(result.vocabulary), "regions": regions}
    if options.embeddings != "none" and result.embeddings is not None:
        value["embeddings"] = options.embeddings
        for region, vector in zip(regions, result.embeddings, strict=True):
            data = vector.astype(_DTYPES[options.embeddings]).tobytes()
            region["embedding"] = base64.b64encode(data).decode("ascii")
    absent = [_absent_row(word) for word in result.absent]
    return value | {"absent": absent, "made_by": list(result.made_by)}


def decode(value: Any, where: str, options: FormatOptions, masks: Masks | None = None) -> Named:
    """The picture's result; `masks`, one for every region, where the object does not hold them."""
    version = parsing.take(value, "wordmask", int, where)
    if version != VERSION:
        raise FormatError(
            f"{where} has schema {version}, this is schema {VERSION}; a newer wordmask may read it"
        )
    size = parsing.size_of(parsing.take(value, "size", list, where), where, options)
    vocabulary = parsing.take(value, "vocabulary", list, where)
    words = WordIds(parsing.check_members(vocabulary, str, f"{where}: vocabulary"))
    entries = parsing.take(value, "regions", list, where)
    if masks is not None and len(masks) != len(entries):
        raise FormatError(
            f"{where} has {len(entries)} regions, the picture of ids goes with {len(masks)}"
        )
    regions = RegionList(size, where, options)
    for index, entry in enumerate(entries):
        place = f"{where}, region {index}"
        mask = partial(_mask, entry, size, place)
        if masks is not None:
            mask = partial(_single, masks, index)
        regions.add(mask, _facts(entry, words, place))
    absent = parsing.check_members(value.get("absent", []), dict, f"{where}: absent")
    makers = parsing.check_members(value.get("made_by", []), str, f"{where}: made_by")
    return regions.build(
        parsing.check_kind(value.get("image", ""), str, f"{where}: image"),
        words.words,
        absent=tuple(_absent(row, f"{where}: absent") for row in absent),
        made_by=tuple(makers),
        why=_why_column(entries, where),
        embeddings=_embeddings(value, entries, where),
    )


def _region(result: Result, row: int) -> dict[str, Any]:
    label = int(result.label_ids[row])
    return {
        "label": result.vocabulary[label] if label != UNNAMED else None,
        "score": parsing.plain(result.scores[row]),
        "box": result.masks.boxes[row].tolist(),
        "area": int(result.masks.areas[row]),
        "track": None if result.track_ids is None else int(result.track_ids[row]),
        "why": None if result.why is None else _why_json(result.why[row]),
    }


def _why_json(why: Why) -> dict[str, Any]:
    values = why._asdict()
    for key in ("rival_score", "quality"):
        values[key] = None if isnan(values[key]) else parsing.plain(values[key])  # JSON has no NaN
    return values


def _single(masks: Masks, index: int) -> Masks:
    """Mask `index` by itself. Indexing would go through all masks, which may be 70,000."""
    return Masks(masks.size, masks.corners[index : index + 1], masks.crops[index : index + 1])


def _mask(region: Any, size: Size, where: str) -> Masks:
    code = parsing.take(region, "mask", dict, where)
    if code.get("size") != list(size):
        raise FormatError(
            f"{where}: the mask's size is {code.get('size')}, "
            f"the picture's {list(size)} (height, width)"
        )
    return Masks.from_rle([code], size)


def _facts(region: Any, words: WordIds, where: str) -> RegionFacts:
    label = parsing.take(region, "label", (str, type(None)), where)
    score = parsing.take(region, "score", (int, float), where)
    return RegionFacts(
        label=UNNAMED if label is None else words.word(label),
        score=parsing.score_of(score, f"{where}: score"),
        track=parsing.optional_integer(region.get("track"), f"{where}: track"),
        joints=keypoints.from_rows(region.get("joints"), where),
    )


def _why_column(regions: list[Any], where: str) -> tuple[Why, ...] | None:
    rows = [region.get("why") for region in regions]
    if all(row is None for row in rows):
        return None
    return tuple(_why(row or {}, f"{where}, region {index}: why") for index, row in enumerate(rows))


def _why(row: Any, where: str) -> Why:
    values: dict[str, Any] = {}
    for key, given in parsing.check_kind(row, dict, where).items():
        if key in ("rival_score", "quality"):
            values[key] = nan if given is None else parsing.number(given, f"{where}: {key}")
        elif key in Why._fields:
            values[key] = parsing.check_kind(given, str, f"{where}: {key}")
    return Why(**values)


def _absent_row(word: Absent) -> dict[str, Any]:
    row = {
        "phrase": word.phrase,
        "best": parsing.plain(word.best),
        "needed": parsing.plain(word.needed),
    }
    return row | {"unknown": True} if word.unknown else row


def _absent(row: Any, where: str) -> Absent:
    best = parsing.number(parsing.take(row, "best", (int, float), where), where)
    needed = parsing.number(parsing.take(row, "needed", (int, float), where), where)
    unknown = parsing.check_kind(row.get("unknown", False), bool, f"{where}: unknown")
    return Absent(parsing.take(row, "phrase", str, where), best, needed, unknown)


def _embeddings(value: dict[str, Any], regions: list[Any], where: str) -> Array | None:
    kept = value.get("embeddings")
    if kept is None:
        return None
    if kept not in _DTYPES:
        raise FormatError(f"{where}: embeddings are float16 or float32, got {str(kept)[:40]!r}")
    texts = [parsing.take(region, "embedding", str, where) for region in regions]
    try:
        codes = [base64.b64decode(text, validate=True) for text in texts]
        rows = [np.frombuffer(code, _DTYPES[kept]) for code in codes]
        return np.stack(rows).astype(np.float32) if rows else np.zeros((0, 0), np.float32)
    except (binascii.Error, ValueError) as error:
        raise FormatError(f"{where}: broken embedding: {error}") from None
