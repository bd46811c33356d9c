"""What the formats share: a result with its picture's name, the options, and the checks on what a file says."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.core.result import UNNAMED, Result
from wordmask.errors import FormatError, MaskError, OptionError, did_you_mean
from wordmask.media.reading.limits import Limits, human

NO_NAME = "_unnamed_"  # what regions without a name are called in formats that need one
SHAPES = ("auto", "rle", "plain", "polygon")


class Named(NamedTuple):
    """One picture's result as a file holds it. The ids are the file's own; rows follow the result's."""

    name: str  # of the picture, as the file gives it
    result: Result
    picture_id: int | None = None
    region_ids: tuple[int, ...] = ()
    crowd: tuple[bool, ...] = ()  # COCO's iscrowd: a group, not one thing


@dataclass(frozen=True)
class FormatOptions:
    """How files are written, and what is needed to read those that do not say everything."""

    shapes: str = "auto"
    """rle (compressed or brush), plain (COCO's list of counts) or polygon; auto takes the format's own habit."""
    tolerance: float = 0.0
    """Polygons: how far, in pixels, the outline may leave the mask's; 0 follows the pixels' edges and loses nothing."""
    names: tuple[str, ...] = ()
    """The vocabulary, for files that have only numbers or only the words that occur."""
    size: Size | None = None
    """(height, width) of the picture, for YOLO files that have no picture beside them."""
    embeddings: str = "none"
    """none, float16 or float32: whether own JSON carries the embeddings."""
    category_ids: Mapping[str, int] | None = None
    """COCO: the id of every word; by default 1, 2, 3 ... in order."""
    from_name: str = "label"
    """Label Studio: the name of the labels' tag."""
    to_name: str = "image"
    """Label Studio: the name of the picture's tag."""
    max_bytes: int = 64_000_000
    """The largest text file that is parsed; JSON takes 10 to 30 times that in memory."""
    max_depth: int = 32
    """Brackets within brackets in JSON."""
    max_mask_bytes: int = 4_000_000_000
    """Memory that the masks of one file may take."""
    limits: Limits = field(default_factory=Limits)
    """Sizes of pictures that are believed."""

    def __post_init__(self) -> None:
        if self.shapes not in SHAPES:
            raise OptionError(
                f"no shapes called {self.shapes!r}.{did_you_mean(self.shapes, SHAPES)}"
            )
        if self.embeddings not in ("none", "float16", "float32"):
            raise OptionError(f"embeddings are none, float16 or float32, got {self.embeddings!r}")
        if not (self.tolerance >= 0 and isfinite(self.tolerance)):
            raise OptionError(f"tolerance is 0 or more pixels, got {self.tolerance}")


# ---- reading text


def read_text(path: Path, options: FormatOptions) -> bytes:
    try:
        size = path.stat().st_size
        if size > options.max_bytes:
            most = human(options.max_bytes, "B")
            raise FormatError(
                f"{path} has {human(size, 'B')}, the limit is {most}; raise max_bytes if you trust it"
            )
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror or error}") from None


def parse_json(data: bytes, where: str, options: FormatOptions) -> Any:
    """The JSON value; size and depth are checked before anything is built."""
    if len(data) > options.max_bytes:
        raise FormatError(
            f"{where} has {human(len(data), 'B')}, the limit is {human(options.max_bytes, 'B')}"
        )
    # Strings go first: their brackets do not count.
    bare = re.sub(rb'"(?:[^"\\]|\\.)*+"', b"", data, flags=re.DOTALL)
    marks = np.frombuffer(bare, np.uint8)
    marks = marks[np.isin(marks, np.frombuffer(b"[]{}", np.uint8))]
    steps = np.where(np.isin(marks, np.frombuffer(b"[{", np.uint8)), 1, -1)
    depth = int(np.cumsum(steps).max(initial=0))
    if depth > options.max_depth:
        raise FormatError(
            f"{where} is nested {depth} deep, the limit is {options.max_depth}; is it one of our files?"
        )
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise FormatError(f"{where} is not JSON: {error}") from None


def dump_json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        text = json.dumps(
            value, allow_nan=False
        )  # a file name that is no Unicode: only escapes can hold it
    return text + "\n"


# ---- checking what it says


def take(mapping: Any, key: str, kinds: type | tuple[type, ...], where: str) -> Any:
    """`mapping[key]`, which must be there and of one of the kinds."""
    if not isinstance(mapping, dict):
        raise FormatError(f"{where} must be an object, got {_short(mapping)}")
    if key not in mapping:
        raise FormatError(
            f"{where} has no {key!r}; it has {', '.join(map(str, list(mapping)[:12])) or 'nothing'}"
        )
    return kind(mapping[key], kinds, f"{where}: {key}")


def kind(value: Any, kinds: type | tuple[type, ...], where: str) -> Any:
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join(sorted(kind.__name__ for kind in kinds))
        raise FormatError(f"{where} must be {wanted}, got {_short(value)}")
    return value


def number(value: Any, where: str) -> float:
    value = kind(value, (int, float), where)
    if not -1e15 < value < 1e15:  # neither NaN, nor infinite, nor an integer too large for a float
        raise FormatError(f"{where} must be a finite number, got {_short(value)}")
    return float(value)


def numbers(value: Any, where: str) -> Array:
    """A flat list of numbers as (n,) float64."""
    rows = kind(value, list, where)
    try:
        array = np.array(rows, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise FormatError(f"{where} must be a list of numbers, got {_short(value)}") from None
    if array.ndim != 1 or any(isinstance(row, str) for row in rows):
        raise FormatError(f"{where} must be a flat list of numbers, got {_short(value)}")
    return array


def integer(value: Any, where: str) -> int:
    """An id: an integer that 64 bits hold."""
    if not -(2**63) <= kind(value, int, where) < 2**63:
        raise FormatError(f"{where} must be an integer of at most 64 bits, got {_short(value)}")
    return int(value)


def score_of(value: Any, where: str) -> float:
    score = number(value, where)
    if not 0 <= score <= 1:
        raise FormatError(f"{where} must lie in [0, 1], got {score:g}")
    return score


def size_of(sides: Sequence[Any], where: str, options: FormatOptions) -> Size:
    """(height, width) that can be believed."""
    if len(sides) != 2:
        raise FormatError(f"{where}: a size is [height, width], got {len(sides)} values")
    height, width = sides
    options.limits.check_size(
        where, integer(width, f"{where}: width"), integer(height, f"{where}: height")
    )
    return height, width


def plain(value: Any) -> float:
    """A number for JSON; a float32 as the shortest that reads back to it: 0.91, not 0.9100000262260437."""
    return float(str(value)) if isinstance(value, np.floating) else float(value)


# ---- building results


class Vocabulary:
    """Words in the order they are met."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._ids = {word: index for index, word in enumerate(dict.fromkeys(words))}

    def word(self, word: str) -> int:
        """The word's index; a new word goes to the end."""
        return self._ids.setdefault(word, len(self._ids))

    def label(self, word: str) -> int:
        """The same for formats in which regions without a name are called something."""
        return UNNAMED if word == NO_NAME else self.word(word)

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self._ids)


class Row(NamedTuple):
    """What a file says of one region beside its mask."""

    label: int = UNNAMED
    score: float = 1.0
    id: int = -1  # the file's own number, -1 = none
    crowd: bool = False
    track: int | None = None


class Rows:
    """The regions of one picture while they are read."""

    def __init__(self, size: Size, where: str, options: FormatOptions) -> None:
        self.size, self.where, self._options = size, where, options
        self._rows: list[Row] = []
        self._parts: list[Masks] = []
        self._bytes = 0

    def add(self, masks: Callable[[], Masks], row: Row) -> None:
        """One region. What is wrong with its mask is said with the region's place in the file."""
        place = f"{self.where}, region {len(self._rows)}"
        try:
            part = masks()
        except MaskError as error:
            raise MaskError(f"{place}: {error}") from None
        if part.size != self.size:
            raise MaskError(
                f"{place}: the mask is of {part.size}, the picture of {self.size} (height, width)"
            )
        self._bytes += part.nbytes
        if self._bytes > self._options.max_mask_bytes:
            most = human(self._options.max_mask_bytes, "B")
            raise FormatError(
                f"{place}: the masks take more than {most}; raise max_mask_bytes if you trust the file"
            )
        self._parts.append(part)
        self._rows.append(row)

    def named(
        self, name: str, vocabulary: Sequence[str], picture_id: int | None = None, **columns: Any
    ) -> Named:
        """The result, sorted, and the file's ids in the same order."""
        masks = Masks.concatenate([Masks.empty(self.size), *self._parts])
        scores, labels = [row.score for row in self._rows], [row.label for row in self._rows]
        # The places travel as track ids, so that whatever order the result takes, the rest can follow.
        places = np.arange(len(masks))
        result = Result.of(
            masks, vocabulary, scores=scores, label_ids=labels, track_ids=places, **columns
        )
        rows = (
            []
            if result.track_ids is None
            else [self._rows[place] for place in result.track_ids.tolist()]
        )
        known = any(row.track is not None for row in rows)
        tracks = [-1 if row.track is None else row.track for row in rows] if known else None
        ids = tuple(row.id for row in rows) if any(row.id >= 0 for row in rows) else ()
        crowd = tuple(row.crowd for row in rows) if any(row.crowd for row in rows) else ()
        return Named(name, result.replace(track_ids=tracks), picture_id, ids, crowd)


def _short(value: Any) -> str:
    text = (
        repr(value) if isinstance(value, str | int | float | bool | None) else type(value).__name__
    )
    return text if len(text) <= 60 else text[:57] + "..."
