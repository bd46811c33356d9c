"""YouTube-VIS, which is COCO for videos: an annotation is an object with a mask for every frame.

What is written is one video whose frames are the pictures in order. Regions without a number of
their own become objects of one frame.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from wordmask.core.image import Size
from wordmask.core.masks import Masks
from wordmask.errors import FormatError
from wordmask.media.formats import parsing
from wordmask.media.formats.coco_records import read_mask
from wordmask.media.formats.outlines import Ring, fill
from wordmask.media.formats.records import (
    NO_NAME,
    FormatOptions,
    Named,
    RegionFacts,
    RegionList,
    WordIds,
)
from wordmask.media.formats.whole_videos import size_of_all


def sniff(value: Any) -> bool:
    """Whether a JSON value is a data set of videos."""
    return isinstance(value, dict) and "videos" in value and "annotations" in value


# ---- writing


def encode(items: Sequence[Named], options: FormatOptions) -> dict[str, Any]:
    """The pictures as the frames of one video; they have one size."""
    height, width = size_of_all(items)
    words = WordIds(word for item in items for word in item.result.vocabulary)
    objects = _Objects(len(items), words, options)
    for frame, item in enumerate(items):
        for row in range(len(item.result)):
            objects.add(item, row, frame)
    video = {
        "id": 1,
        "width": width,
        "height": height,
        "length": len(items),
        "file_names": [item.name for item in items],
    }
    categories = [{"id": id, "name": name} for id, name in enumerate(words.words, 1)]
    annotations = objects.finish()
    return {"videos": [video], "categories": categories, "annotations": annotations}


class _Objects:
    """The annotations of one video, filled frame by frame."""

    def __init__(self, frames: int, words: WordIds, options: FormatOptions) -> None:
        self._frames, self._words, self._options = frames, words, options
        self._entries: dict[tuple[int, ...], dict[str, Any]] = {}

    def add(self, item: Named, row: int, frame: int) -> None:
        result = item.result
        track = None if result.track_ids is None else int(result.track_ids[row])
        # An id that stands twice in a frame, as -1 may, is no object's.
        is_one = track is not None and np.count_nonzero(result.track_ids == track) == 1
        key = (track,) if track is not None and is_one else (frame, row)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = self._begin(result.names[row], track if is_one else None)
        x0, y0, x1, y1 = result.masks.boxes[row].tolist()
        (code,) = result.masks[row].to_rle(compressed=self._options.shapes != "plain")
        entry["segmentations"][frame] = code
        entry["bboxes"][frame] = [x0, y0, x1 - x0, y1 - y0]
        entry["areas"][frame] = int(result.masks.areas[row])
        entry["scores"][frame] = parsing.plain(result.scores[row])

    def finish(self) -> list[dict[str, Any]]:
        """Each with a number, and the mean of its scores."""
        for number, entry in enumerate(self._entries.values(), 1):
            entry["id"] = number
            there = [score for score in entry["scores"] if score is not None]
            entry["score"] = parsing.plain(np.mean(there))
        return list(self._entries.values())

    def _begin(self, name: str, track: int | None) -> dict[str, Any]:
        nothing = [None] * self._frames
        return {
            "id": 0,
            "video_id": 1,
            "category_id": self._words.word(name or NO_NAME) + 1,
            "track_id": track,
            "iscrowd": 0,
            "segmentations": list(nothing),
            "bboxes": list(nothing),
            "areas": list(nothing),
            "scores": list(nothing),
        }


# ---- reading


def decode(value: Any, where: str, options: FormatOptions) -> list[Named]:
    """One result for every frame of every video, in order."""
    words = WordIds(options.names)
    labels: dict[Any, int] = {}
    for entry in parsing.check_members(value.get("categories", []), dict, f"{where}: categories"):
        name = parsing.take(entry, "name", str, f"{where}: category")
        labels[parsing.take(entry, "id", int, f"{where}: category")] = words.label(name)
    frames: dict[Any, list[RegionList]] = {}
    names: dict[Any, list[Any]] = {}
    for entry in parsing.check_members(value["videos"], dict, f"{where}: videos"):
        id = parsing.take(entry, "id", (int, str), f"{where}: video")
        place = f"{where}, video {id}"
        size = parsing.size_in(entry, ("height", "width"), place, options)
        names[id] = parsing.check_members(
            parsing.take(entry, "file_names", list, place), str, f"{place}: file_names"
        )
        frames[id] = [
            RegionList(size, f"{place}, frame {k}", options) for k in range(len(names[id]))
        ]
    for entry in parsing.check_members(value["annotations"], dict, f"{where}: annotations"):
        _add_object(entry, frames, labels, where)
    return [
        regions.build(name, words.words)
        for id, lists in frames.items()
        for name, regions in zip(names[id], lists, strict=True)
    ]


def _add_object(
    entry: Any, frames: dict[Any, list[RegionList]], labels: dict[Any, int], where: str
) -> None:
    id = parsing.integer(parsing.take(entry, "id", int, where), f"{where}: annotation id")
    place = f"{where}, annotation {id}"
    video = parsing.take(entry, "video_id", (int, str), place)
    category = parsing.take(entry, "category_id", int, place)
    if video not in frames or category not in labels:
        raise FormatError(
            f"{place} is of video {video!r} and category {category!r}; the file lacks one of them"
        )
    codes = parsing.take(entry, "segmentations", list, place)
    scores = parsing.check_kind(entry.get("scores"), (list, type(None)), f"{place}: scores")
    scores = scores or [entry.get("score", 1.0)] * len(codes)
    if not len(codes) == len(scores) == len(frames[video]):
        raise FormatError(
            f"{place} has {len(codes)} masks and {len(scores)} scores, "
            f"its video {len(frames[video])} frames"
        )
    track = parsing.optional_integer(entry.get("track_id", id), f"{place}: track_id")
    for regions, code, score in zip(frames[video], codes, scores, strict=True):
        if code is not None:
            facts = RegionFacts(
                labels[category], parsing.score_of(score, f"{place}: score"), track=track
            )
            mask = partial(read_mask, {"segmentation": code}, regions.size, place, _fill_ring)
            regions.add(mask, facts)


def _fill_ring(ring: Ring, size: Size) -> Masks:
    return fill([ring], size)
