"""What the formats of whole videos share: the objects over all frames, in the order of coming."""

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import numpy as np

from wordmask.core.image import Size
from wordmask.core.masks import Masks
from wordmask.errors import FormatError
from wordmask.media.formats.records import Named


class Sighting(NamedTuple):
    """One object in one frame."""

    frame: int
    track: int  # the object's number
    name: str  # its word, "" without one
    score: float
    mask: Masks  # one


def size_of_all(items: Sequence[Named]) -> Size:
    """The frames' size, which is the same for all."""
    sizes = {item.result.size for item in items}
    if len(sizes) != 1:
        raise FormatError(f"frames of one video have one size, got {sorted(sizes) or 'no frame'}")
    return sizes.pop()


def objects_of(items: Sequence[Named]) -> dict[int, list[Sighting]]:
    """Each object's sightings by its number; empty masks are none.

    A region without a number of its own is an object of one frame, and gets a free one.
    """
    objects: dict[int, list[Sighting]] = {}
    taken = {track for item in items for track in _tracks(item)}
    free = (number for number in count(1) if number not in taken)
    for frame, item in enumerate(items):
        result = item.result
        for row, name in enumerate(result.names):
            track = -1 if result.track_ids is None else int(result.track_ids[row])
            # An id that stands twice in a frame, as -1 may, is no object's.
            if track < 0 or np.count_nonzero(result.track_ids == track) > 1:
                track = next(free)
            one = Sighting(frame, track, name, float(result.scores[row]), result.masks[row])
            if one.mask.areas[0]:
                objects.setdefault(track, []).append(one)
    return objects


def _tracks(item: Named) -> list[int]:
    tracks = item.result.track_ids
    return [] if tracks is None else tracks.tolist()
