"""To and from the objects of other libraries: supervision's Detections, FiftyOne's dictionaries."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wordmask.core.image import Size
from wordmask.core.masks import Masks
from wordmask.core.result import UNNAMED, Result
from wordmask.errors import FormatError, MissingExtraError
from wordmask.media.formats.parsing import score_of, take
from wordmask.media.formats.records import (
    NO_NAME,
    FormatOptions,
    RegionFacts,
    RegionList,
    WordIds,
)


def to_supervision(result: Result) -> Any:
    """A `supervision.Detections` with dense masks: N x H x W bytes."""
    try:
        from supervision import Detections
    except ImportError:
        raise MissingExtraError(
            "supervision is not installed; it comes with: pip install supervision"
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
    """From a `Detections` with masks; words come from `vocabulary` by class id, else from its class names."""
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
    """What `fiftyone.Detections.from_dict` takes: boxes x y w h in shares of the picture, masks as crops."""
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
        crop = np.asarray(take(row, "mask", np.ndarray, where), bool)
        sides = np.array(take(row, "bounding_box", list, where), float) * (
            size[1],
            size[0],
            size[1],
            size[0],
        )
        x0, y0, wide, high = np.round(np.nan_to_num(sides)).astype(int).tolist()
        if not crop.size or wide < 1 or high < 1:
            part = Masks.from_crops(size, [(0, 0)], [np.zeros((0, 0), bool)])
        else:
            fitted = Masks.from_crops((crop.shape[0], crop.shape[1]), [(0, 0)], [crop]).resize(
                (high, wide)
            )
            part = fitted.move(size, (x0, y0))
        track, score = row.get("index"), row.get("confidence")
        label = words.label(take(row, "label", str, where))
        found = RegionFacts(label, 1.0 if score is None else score_of(score, where), track=track)
        rows.add(lambda one=part: one, found)  # type: ignore[misc]  # mypy gives no type to a lambda's default
    return rows.build("", words.words).result


def _dense(mask: Any) -> Masks:
    if mask is None:
        raise FormatError("there are no masks to tell the picture's size; give the size")
    return Masks.from_dense(np.asarray(mask, bool))
