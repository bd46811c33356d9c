"""A contact sheet of a video's objects: a row for each, from its first frame to its last."""

from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image as Pil

from wordmask.core.image import Image
from wordmask.core.result import Result
from wordmask.jobs.presence import Presence
from wordmask.media.drawing.overlay import overlay
from wordmask.media.drawing.sheets import contact_sheet
from wordmask.ops.regions import box_around

PICTURES = 5  # of each object
MOST = 40  # objects; those that came first
CELL = 200  # pixels
AROUND = 0.4  # of the object's longer side


def choose_frames(presence: Presence) -> dict[int, list[int]]:
    """For each object `PICTURES` frames, evenly spread over those in which it is.

    >>> choose_frames(Presence(names={1: "cat"}, runs={1: [(0, 1), (7, 9)]}))
    {1: [0, 1, 7, 8, 9]}
    """
    chosen = {}
    for id in sorted(presence.runs)[:MOST]:
        there = [frame for first, last in presence.runs[id] for frame in range(first, last + 1)]
        places = np.linspace(0, len(there) - 1, PICTURES).round().astype(int)
        chosen[id] = [there[place] for place in places]
    return chosen


def draw_track_sheet(pairs: Iterable[tuple[Image, Result]], presence: Presence) -> Pil.Image | None:
    """The sheet, from all frames in order; None where there is no object."""
    chosen = choose_frames(presence)
    wanted = {frame for frames in chosen.values() for frame in frames}
    cells: dict[tuple[int, int], Pil.Image] = {}
    for frame, (image, result) in enumerate(pairs):
        if frame in wanted:
            ids = [id for id, frames in chosen.items() if frame in frames]
            cells |= {(id, frame): cut for id, cut in _crop_objects(image, result, ids)}
    if not cells:
        return None
    places = [(id, frame) for id, frames in chosen.items() for frame in frames]
    captions = [f"{id} {presence.names[id] or 'object'}  {frame}" for id, frame in places]
    pictures = [cells[place] for place in places]
    return contact_sheet(pictures, captions, columns=PICTURES, cell=CELL)


def _crop_objects(image: Image, result: Result, ids: list[int]) -> Iterator[tuple[int, Pil.Image]]:
    """Each object with what is around it, drawn over."""
    tracks = [] if result.track_ids is None else result.track_ids.tolist()
    shown = overlay(image, result)
    for id in ids:
        mask = result[[tracks.index(id)]].masks.union()
        x0, y0, x1, y1 = box_around(mask)
        margin = round(AROUND * max(x1 - x0, y1 - y0)) + 4
        yield id, shown.crop(box_around(mask, margin))
