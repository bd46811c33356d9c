"""To and from other libraries: supervision's Detections, FiftyOne's and COCO's dictionaries."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Size
from wordmask.core.masks import Masks
from wordmask.core.result import UNNAMED, Result
from wordmask.errors import FormatError, MissingExtraError, OptionError, did_you_mean
from wordmask.media import formats
from wordmask.media.formats import coco, own
from wordmask.media.formats.parsing import score_of, take
from wordmask.media.formats.records import (
    NO_NAME,
    FormatOptions,
    Named,
    RegionFacts,
    RegionList,
    WordIds,
)


def convert_to(result: Result, library: str) -> Any:
    """The result as the object of another library: coco, fiftyone or supervision."""
    if library not in LIBRARIES:
        raise OptionError(f"no library is called {library!r}.{did_you_mean(library, LIBRARIES)}")
    return LIBRARIES[library](result)


def read_any(source: Any, size: Size | None = None, vocabulary: Sequence[str] = ()) -> list[Result]:
    """The results in a file of any format, or in an object that `convert_to` makes.

    `size` (height, width) is for objects that do not tell it, `vocabulary` for those that number
    their words.
    """
    options = FormatOptions(names=tuple(vocabulary), size=size)
    if isinstance(source, str | Path):
        return formats.load(source, options=options)
    if own.sniff(source):
        return [own.decode(source, "the dictionary", options).result]
    if coco.sniff(source):
        return [item.result for item in coco.decode(source, "the dictionary", options)]
    if hasattr(source, "detections"):
        source = {"detections": [_detection_values(one) for one in source.detections]}
    if isinstance(source, dict) and "detections" in source:
        if size is None:
            raise FormatError(
                "FiftyOne's boxes are shares of a picture: give its size as (height, width)"
            )
        return [from_fiftyone(source, size, vocabulary)]
    if hasattr(source, "xyxy") and hasattr(source, "mask"):
        return [from_supervision(source, vocabulary, size)]
    raise FormatError(
        f"a result is read from a file, own JSON, COCO, FiftyOne or supervision, "
        f"got {type(source).__name__}"
    )


def to_coco(result: Result) -> dict[str, Any]:
    """COCO's data set of one picture, ready for `json.dump` or pycocotools."""
    name = result.image.name if result.image is not None else ""
    return coco.encode([Named(name, result)], FormatOptions())


def to_supervision(result: Result) -> Any:
    """A `supervision.Detections` with dense masks: N x H x W bytes."""
    try:
        from supervision import Detections
    except ImportError as error:
        raise MissingExtraError(
            f"supervision cannot be imported ({error}); it comes with: pip install supervision"
        ) from None
    return Detections(
        xyxy=result.masks.boxes.astype(np.float32),
        mask=result.masks.dense(),
        confidence=result.scores.copy(),
        class_id=result.label_ids.astype(int),
        tracker_id=None if result.track_ids is None else result.track_ids.astype(int),
        data={"class_name": np.array(result.names, dtype=str)},
    )


def from_supervision(
    detections: Any, vocabulary: Sequence[str] = (), size: Size | None = None
) -> Result:
    """From a `Detections` with masks.

    Words come from `vocabulary` by class id, else from its class names.
    """
    if detections.mask is None and len(detections):
        raise FormatError("the detections have boxes only; wordmask needs their masks")
    masks = Masks.empty(size) if detections.mask is None and size else _dense(detections.mask)
    ids = (
        np.full(len(masks), UNNAMED)
        if detections.class_id is None
        else np.asarray(detections.class_id)
    )
    words = list(vocabulary)
    names = detections.data.get("class_name")
    if not words and names is not None:
        known = WordIds()
        ids = np.array([known.word(str(name)) if name else UNNAMED for name in names], np.int64)
        words = list(known.words)
    return Result.of(
        masks, words, scores=detections.confidence, label_ids=ids, track_ids=detections.tracker_id
    )


def to_fiftyone(result: Result) -> dict[str, Any]:
    """What `fiftyone.Detections.from_dict` takes.

    Boxes are x y w h in shares of the picture, masks are crops of their boxes.
    """
    height, width = result.size
    rows = []
    for row, (x0, y0, x1, y1) in enumerate(result.masks.boxes.tolist()):
        value = {
            "_cls": "Detection",
            "label": result.names[row] or NO_NAME,
            "bounding_box": [x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height],
            "confidence": float(result.scores[row]),
            "mask": result.masks.crops[row].copy(),
        }
        if result.track_ids is not None:
            value["index"] = int(result.track_ids[row])
        rows.append(value)
    return {"_cls": "Detections", "detections": rows}


def from_fiftyone(value: Any, size: Size, vocabulary: Sequence[str] = ()) -> Result:
    """From such a dictionary; a mask of another size than its box is stretched to it."""
    words, where = WordIds(vocabulary), "the detections"
    rows = RegionList(size, where, FormatOptions())
    for row in take(value, "detections", list, where):
        label, track = take(row, "label", str, where), row.get("index")
        score = 1.0 if row.get("confidence") is None else score_of(row["confidence"], where)
        facts = RegionFacts(words.label(label), score, track=track)
        rows.add(partial(_mask, row, size, where), facts)
    return rows.build("", words.words).result


def _mask(row: Any, size: Size, where: str) -> Masks:
    """The crop of one detection in its box."""
    crop = np.asarray(take(row, "mask", np.ndarray, where), bool)
    height, width = size
    shares = np.array(take(row, "bounding_box", list, where), float)
    box = np.nan_to_num(shares * (width, height, width, height))
    x0, y0, wide, high = np.round(box).astype(int).tolist()
    if not crop.size or wide < 1 or high < 1:
        return Masks.from_crops(size, [(0, 0)], [np.zeros((0, 0), bool)])
    whole = Masks.from_crops((crop.shape[0], crop.shape[1]), [(0, 0)], [crop])
    return whole.resize((high, wide)).move(size, (x0, y0))


def _detection_values(detection: Any) -> dict[str, Any]:
    """One of FiftyOne's own objects as its dictionary."""
    names = ("label", "bounding_box", "mask", "confidence", "index")
    return {name: getattr(detection, name, None) for name in names}


def _dense(mask: Any) -> Masks:
    if mask is None:
        raise FormatError("there are no masks to tell the picture's size; give the size")
    return Masks.from_dense(np.asarray(mask, bool))


LIBRARIES: dict[str, Callable[[Result], Any]] = {
    "coco": to_coco,
    "fiftyone": to_fiftyone,
    "supervision": to_supervision,
}
