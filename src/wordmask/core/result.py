"""All regions found in one picture, or given as its ground truth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from math import nan
from typing import Any, NamedTuple

import numpy as np

from wordmask.core.image import Array, Image, Size, frozen
from wordmask.core.masks import Masks, row_numbers
from wordmask.errors import MaskError, OptionError

UNNAMED = -1


class Why(NamedTuple):
    """Why a region is there and has its name."""

    prompt: str = ""  # of the segmenter: "point 31,40", "box 3,4,50,60", "dense", "given"
    rival: str = ""  # the word that came second
    rival_score: float = nan
    quality: float = nan  # the segmenter's own estimate of the mask's IoU
    made_by: str = ""


class Absent(NamedTuple):
    """A word that was looked for and not found: its best score, and the score that was needed.

    `unknown`: the engine never learned the word, so that its answer says little.
    """

    phrase: str
    best: float
    needed: float
    unknown: bool = False


class Region(NamedTuple):
    """One row of a `Result`."""

    mask: Array  # (H, W) bool
    box: tuple[int, int, int, int]
    area: int
    score: float
    label_id: int
    name: str  # "" where unnamed
    track_id: int | None
    embedding: Array | None
    why: Why | None


@dataclass(frozen=True, eq=False)
class Result:
    """Regions of one picture, best first. `Result.of` sorts; the constructor only checks.

    >>> masks = Masks.from_dense(np.ones((1, 2, 2), bool))
    >>> found = Result.of(masks, ("cat",), scores=[0.9], label_ids=[0])
    >>> [(region.name, region.area) for region in found]
    [('cat', 4)]
    """

    size: Size
    vocabulary: tuple[str, ...]
    masks: Masks
    scores: Array  # (N,) float32 in [0, 1], descending; ties by area, then corner
    label_ids: Array  # (N,) int32, index into vocabulary, -1 = unnamed
    track_ids: Array | None = None  # (N,) int64
    embeddings: Array | None = None  # (N, D) float32 unit rows
    why: tuple[Why, ...] | None = None
    made_by: tuple[str, ...] = ()  # "mini@sha256:1f3c", in order
    absent: tuple[Absent, ...] = ()  # of the vocabulary, what is not in the picture
    # Kept by the Python door, so that show() can draw on it.
    image: Image | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "vocabulary", tuple(self.vocabulary))
        put(self, "scores", frozen(np.asarray(self.scores, np.float32).reshape(-1)))
        put(self, "label_ids", frozen(np.asarray(self.label_ids, np.int32).reshape(-1)))
        if self.track_ids is not None:
            put(self, "track_ids", frozen(np.asarray(self.track_ids, np.int64).reshape(-1)))
        if self.embeddings is not None:
            put(self, "embeddings", frozen(np.asarray(self.embeddings, np.float32)))
        self._check()

    def _check(self) -> None:
        if self.masks.size != tuple(self.size):
            raise MaskError(
                f"the masks are of {self.masks.size}, the result is of {self.size} (height, width)"
            )
        for name in _COLUMNS:
            column = getattr(self, name)
            if column is not None and len(column) != len(self.masks):
                raise MaskError(f"{len(self.masks)} masks but {len(column)} {name}")
        if len(self.scores) and not ((self.scores >= 0) & (self.scores <= 1)).all():
            raise MaskError(f"scores lie in [0, 1], got {self.scores.min()} to {self.scores.max()}")
        if (np.diff(self.scores) > 0).any():
            raise MaskError("scores must descend; Result.of sorts")
        most = len(self.vocabulary) - 1
        if not ((self.label_ids >= UNNAMED) & (self.label_ids <= most)).all():
            raise MaskError(f"label ids must be -1 to {most}, got {self.label_ids.tolist()[:20]}")
        if self.image is not None and self.image.size != tuple(self.size):
            raise MaskError(f"the picture is {self.image.size}, the result {self.size}")

    @classmethod
    def of(
        cls,
        masks: Masks,
        vocabulary: Sequence[str] = (),
        *,
        scores: Any = None,
        label_ids: Any = None,
        **columns: Any,
    ) -> "Result":
        """From columns in any order: sorted by score, then area, then corner.

        Scores default to 1, labels to none.
        """
        count = len(masks)
        scores = np.ones(count, np.float32) if scores is None else np.asarray(scores, np.float32)
        label_ids = np.full(count, UNNAMED) if label_ids is None else np.asarray(label_ids)
        if len(scores) != count:
            raise MaskError(f"{count} masks but {len(scores)} scores")
        order = best_first(masks, scores)
        columns = _reorder(columns | {"scores": scores, "label_ids": label_ids}, order, count)
        return cls(size=masks.size, vocabulary=tuple(vocabulary), masks=masks[order], **columns)

    @classmethod
    def nothing(cls, size: Size, vocabulary: Sequence[str] = (), **columns: Any) -> "Result":
        """No region at all, which is a normal answer."""
        return cls.of(Masks.empty(size), vocabulary, **columns)

    # ---- rows

    def __len__(self) -> int:
        return len(self.masks)

    def __iter__(self) -> Iterator[Region]:
        return (self.one(index) for index in range(len(self)))

    def __getitem__(self, index: Any) -> "Result":
        """A subset by int, slice, bools or indices; it is sorted like every result."""
        rows = row_numbers(index, len(self))
        columns = {name: _rows(getattr(self, name), rows) for name in _COLUMNS}
        columns |= {name: getattr(self, name) for name in ("made_by", "absent", "image")}
        return Result.of(self.masks[rows], self.vocabulary, **columns)

    def one(self, index: int = 0) -> Region:
        """Row `index` as a named tuple; the best one by default."""
        return Region(
            mask=self.masks.one(index),
            box=tuple(self.masks.boxes[index].tolist()),
            area=int(self.masks.areas[index]),
            score=float(self.scores[index]),
            label_id=int(self.label_ids[index]),
            name=self.names[index],
            track_id=None if self.track_ids is None else int(self.track_ids[index]),
            embedding=None if self.embeddings is None else self.embeddings[index],
            why=None if self.why is None else self.why[index],
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The word of each region, "" where unnamed."""
        return tuple(
            self.vocabulary[label] if label >= 0 else "" for label in self.label_ids.tolist()
        )

    def select(self, phrase: str) -> "Result":
        """Only the regions of one word."""
        if phrase not in self.vocabulary:
            raise OptionError(
                f"{phrase!r} is not in the vocabulary: {', '.join(self.vocabulary) or 'empty'}"
            )
        return self[self.label_ids == self.vocabulary.index(phrase)]

    def label_map(self) -> Array:
        """(H, W) int32, index into the vocabulary, -1 where there is nothing.

        Where regions overlap, the best score wins.
        """
        labels = np.full(self.size, UNNAMED, np.int32)
        for index in range(len(self) - 1, -1, -1):
            if self.label_ids[index] >= 0:
                self.masks.paint(labels, index, self.label_ids[index])
        return labels

    def replace(self, **columns: Any) -> "Result":
        """A copy with some columns exchanged, checked and sorted again."""
        kept = {
            item.name: getattr(self, item.name) for item in fields(self) if item.name != "size"
        } | columns
        return Result.of(kept.pop("masks"), kept.pop("vocabulary"), **kept)

    def with_image(self, image: Image | None) -> "Result":
        """The same result that knows its picture, or (with None) has let go of it."""
        return replace(self, image=image)

    # ---- seen, saved, handed on: media does it, looked up by name so that core knows no file

    def save(self, path: Any, format: str | None = None, options: Any = None) -> Any:
        """Write to `path`; the format is named, or told by the suffix. The paths written.

        `options` are FormatOptions; docs/formats.md lists the formats.
        """
        return _media("formats").save(self, path, format, options)

    def show(self, path: Any = None, options: Any = None) -> Any:
        """The overlay: a PIL picture, which notebooks draw; written to `path` where one is given.

        `options` are RenderOptions.
        """
        return _media("drawing.render").show(self, path, options)

    def to(self, library: str) -> Any:
        """The regions for another library; `wordmask.read_result` reads them back.

        "coco": a data set of one picture. "fiftyone": the dictionary that its
        `Detections.from_dict` takes. "supervision": its `Detections`.
        """
        return _media("formats.bridges").convert_to(self, library)

    def _repr_png_(self) -> bytes:
        data: bytes = _media("drawing.render").png(self)
        return data

    def __repr__(self) -> str:
        height, width = self.size
        rows = zip(self.names[:5], self.scores[:5], strict=True)
        shown = ", ".join(f"{name or 'unnamed'} {score:.2f}" for name, score in rows)
        more = f", {len(self) - 5} more" if len(self) > 5 else ""
        absent = ", ".join(word.phrase for word in self.absent)
        text = f"{len(self)} regions of {width} x {height}"
        text += f": {shown}{more}" if shown else ""
        text += f"; not here: {absent}" if absent else ""
        return f"<Result {text}>"


def best_first(masks: Masks, scores: Any) -> Array:
    """(N,) rows in the order of a result: score and area descending, then corner.

    For a caller with columns of its own: sort them by this, and they stay beside the regions.

    >>> two = Masks.from_dense(np.ones((2, 1, 1), bool))
    >>> best_first(two, [0.1, 0.9]).tolist()
    [1, 0]
    """
    descending = -np.asarray(scores, np.float32)
    return np.lexsort((masks.corners[:, 0], masks.corners[:, 1], -masks.areas, descending))


_COLUMNS = ("scores", "label_ids", "track_ids", "embeddings", "why")


def _rows(column: Any, rows: Array) -> Any:
    if column is None or isinstance(column, np.ndarray):
        return column if column is None else column[rows]
    return tuple(column[row] for row in rows)


def _reorder(columns: dict[str, Any], order: Array, count: int) -> dict[str, Any]:
    for name in _COLUMNS:
        column = columns.get(name)
        if column is not None:
            if len(column) != count:
                raise MaskError(f"{count} masks but {len(column)} {name}")
            columns[name] = _rows(np.asarray(column) if name != "why" else column, order)
    return columns


def _media(module: str) -> Any:
    return import_module(f"wordmask.media.{module}")
