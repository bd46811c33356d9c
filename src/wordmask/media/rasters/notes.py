"""What was found in each tile so far, on the disk: a run that was killed goes on from there.

Only what is asked for is in memory: of each line its place in the file.
"""

import json
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wordmask.core import rle
from wordmask.core.image import Array
from wordmask.core.masks import Masks
from wordmask.core.result import Absent, Result
from wordmask.errors import OutputError
from wordmask.files import append_line
from wordmask.ops.tiles import Tile, TileRegions

KEPT = 64  # lines that are kept parsed


class TileLine(NamedTuple):
    """One tile's line."""

    regions: TileRegions
    absent: tuple[Absent, ...]
    codes: tuple[str, ...]  # run-length code of each mask in its own box
    is_valid: bool  # whether any pixel was


class TileNotes:
    """A file of lines, one a tile."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[int, int] = {}
        self._kept: OrderedDict[int, TileLine] = OrderedDict()
        for place, line in _lines(path):
            row = _parse(line)
            if row is not None:
                self._places[int(row["tile"])] = place

    def __contains__(self, tile: int) -> bool:
        return tile in self._places

    def add(self, tile: Tile, result: Result | None, valid: Array | None) -> None:
        """Write what was found in a tile; masks are cut to what is trusted and `valid`.

        No result: not one pixel is valid.
        """
        value = {"tile": tile.index}
        if result is not None:
            value |= _encode(tile, result, valid)
        try:
            line = json.dumps(value).encode() + b"\n"
            self._places[tile.index] = append_line(self.path, line)
        except OSError as error:
            text = error.strerror or str(error)
            raise OutputError(f"{self.path} cannot be written: {text}") from error

    def read(self, tile: int) -> TileLine:
        """What was found in a tile."""
        if tile not in self._kept:
            with self.path.open("rb") as file:
                file.seek(self._places[tile])
                self._kept[tile] = _decode(json.loads(file.readline()))
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(tile)
        return self._kept[tile]

    def crops(self, tile: int, rows: Sequence[int]) -> list[Array]:
        """The masks of a tile's regions, each in its box."""
        line = self.read(tile)
        return [_mask(line, row) for row in rows]

    def remove(self) -> None:
        """Nobody goes on from here."""
        self.path.unlink(missing_ok=True)


def _lines(path: Path) -> Any:
    if not path.exists():
        return
    with path.open("rb") as file:
        place = 0
        for line in file:
            yield place, line
            place += len(line)


def _parse(line: bytes) -> dict[str, Any] | None:
    """None for a line that a kill cut short."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and "tile" in row and line.endswith(b"\n") else None


def _encode(tile: Tile, result: Result, valid: Array | None) -> dict[str, Any]:
    x0, y0, *_ = tile.box
    left, top, right, bottom = tile.trusted
    trusted = np.zeros(result.size, bool)
    trusted[top - y0 : bottom - y0, left - x0 : right - x0] = True
    if valid is not None:
        trusted &= valid
    masks = _cut(result.masks, trusted)
    rows = np.flatnonzero(masks.areas)
    return {
        "boxes": (masks.boxes[rows] + [x0, y0, x0, y0]).tolist(),
        "labels": result.label_ids[rows].tolist(),
        "scores": [round(score, 4) for score in result.scores[rows].tolist()],
        "areas": masks.areas[rows].tolist(),
        "codes": [_code(masks.crops[row]) for row in rows.tolist()],
        "absent": [list(word) for word in result.absent],
    }


def _cut(masks: Masks, kept: Array) -> Masks:
    boxes = masks.boxes.tolist()
    crops = [
        crop & kept[y0:y1, x0:x1] for crop, (x0, y0, x1, y1) in zip(masks.crops, boxes, strict=True)
    ]
    return Masks.from_crops(masks.size, masks.corners, crops)


def _code(crop: Array) -> str:
    size = (crop.shape[0], crop.shape[1])
    return rle.pack(rle.runs_of_crop(size, np.zeros(2, np.int64), crop))


def _mask(line: TileLine, row: int) -> Array:
    x0, y0, x1, y1 = line.regions.boxes[row].tolist()
    return rle.crop_of_runs((y1 - y0, x1 - x0), rle.unpack(line.codes[row]))[1]


def _decode(row: dict[str, Any]) -> TileLine:
    regions = TileRegions(
        np.array(row.get("boxes", []), np.int32).reshape(-1, 4),
        np.array(row.get("labels", []), np.int32),
        np.array(row.get("scores", []), np.float32),
        np.array(row.get("areas", []), np.int64),
    )
    absent = tuple(Absent(*word) for word in row.get("absent", []))
    return TileLine(regions, absent, tuple(row.get("codes", [])), "boxes" in row)
