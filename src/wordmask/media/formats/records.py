"""What the formats share: named results, the options, and how results are built."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Predicate

from wordmask.core.image import Array, Size
from wordmask.core.masks import Masks
from wordmask.core.options import check
from wordmask.core.poses import JOINTS, Poses
from wordmask.core.result import UNNAMED, Result, best_first
from wordmask.errors import FormatError, MaskError
from wordmask.media.reading.limits import Limits, human

NO_NAME = "_unnamed_"  # what regions without a name are called in formats that need one


class Named(NamedTuple):
    """One picture's result as a file holds it. Ids are the file's own, in the result's order."""

    name: str  # of the picture, as the file gives it
    result: Result
    picture_id: int | None = None
    region_ids: tuple[int, ...] = ()
    crowd: tuple[bool, ...] = ()  # COCO's iscrowd: a group, not one thing
    poses: Poses | None = None  # a row for each region, where the file knows joints


@dataclass(frozen=True)
class FormatOptions:
    """How files are written, and what is needed to read those that do not say everything."""

    shapes: Literal["auto", "rle", "plain", "polygon"] = "auto"
    """How masks are kept: rle (or a brush), plain (COCO's counts) or polygon; auto: as is usual."""
    tolerance: Annotated[float, Ge(0), Predicate(isfinite)] = 0.0
    """Polygons: pixels that the outline may be off; 0 follows the pixels' edges exactly."""
    names: tuple[str, ...] = ()
    """The vocabulary, for files that have only numbers or only the words that occur."""
    size: Size | None = None
    """(height, width) of the picture, for YOLO files that have no picture beside them."""
    embeddings: Literal["none", "float16", "float32"] = "none"
    """Whether own JSON carries the embeddings, and in how many bits."""
    category_ids: Mapping[str, int] | None = None
    """COCO: the id of every word; by default 1, 2, 3 ... in order."""
    boxes: bool = False
    """COCO: read a region that is only a box as the mask of that box; otherwise it is refused."""
    from_name: str = "label"
    """Label Studio: the name of the labels' tag."""
    to_name: str = "image"
    """Label Studio: the name of the picture's tag."""
    max_bytes: Annotated[int, Ge(0)] = 64_000_000
    """The largest text file that is parsed; JSON takes 10 to 30 times that in memory."""
    max_depth: Annotated[int, Ge(0)] = 32
    """Brackets within brackets in JSON."""
    max_mask_bytes: Annotated[int, Ge(0)] = 4_000_000_000
    """Memory that the masks of one file may take."""
    limits: Limits = field(default_factory=Limits)
    """Sizes of pictures that are believed."""

    def __post_init__(self) -> None:
        check(self)


class WordIds:
    """Words in the order in which they are met, each with its index."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._ids = {word: index for index, word in enumerate(dict.fromkeys(words))}

    def word(self, word: str) -> int:
        """The word's index; a new word goes to the end."""
        return self._ids.setdefault(word, len(self._ids))

    def label(self, word: str) -> int:
        """The same, for formats in which a region without a name is called `NO_NAME`."""
        return UNNAMED if word == NO_NAME else self.word(word)

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self._ids)


class RegionFacts(NamedTuple):
    """What a file says of one region beside its mask."""

    label: int = UNNAMED
    score: float = 1.0
    id: int = -1  # the file's own number, -1 = none
    crowd: bool = False
    track: int | None = None
    joints: Array | None = None  # (17, 3), see `Poses`


class RegionList:
    """The regions of one picture while a file is read."""

    def __init__(self, size: Size, where: str, options: FormatOptions) -> None:
        self.size, self.where, self._options = size, where, options
        self._facts: list[RegionFacts] = []
        self._masks: list[Masks] = []
        self._bytes = 0

    def add(self, read_mask: Callable[[], Masks], facts: RegionFacts) -> None:
        """One region. An error in its mask is raised with the region's place in the file."""
        place = f"{self.where}, region {len(self._facts)}"
        try:
            mask = read_mask()
        except MaskError as error:
            raise MaskError(f"{place}: {error}") from None
        if mask.size != self.size:
            raise MaskError(
                f"{place}: the mask is of {mask.size}, the picture of {self.size} (height, width)"
            )
        self._bytes += mask.nbytes
        if self._bytes > self._options.max_mask_bytes:
            most = human(self._options.max_mask_bytes, "B")
            raise FormatError(
                f"{place}: the masks take more than {most}; "
                "raise max_mask_bytes if you trust the file"
            )
        self._masks.append(mask)
        self._facts.append(facts)

    def build(
        self, name: str, vocabulary: Sequence[str], picture_id: int | None = None, **columns: Any
    ) -> Named:
        """The result, sorted, and the file's ids in the same order.

        `columns`: further columns of the result, in the order in which the regions were added.
        """
        masks = Masks.concatenate([Masks.empty(self.size), *self._masks])
        facts = self._facts
        scores = [one.score for one in facts]
        if any(one.track is not None for one in facts):
            columns["track_ids"] = [-1 if one.track is None else one.track for one in facts]
        labels = [one.label for one in facts]
        result = Result.of(masks, vocabulary, scores=scores, label_ids=labels, **columns)
        ordered = [facts[row] for row in best_first(masks, scores).tolist()]
        ids = tuple(one.id for one in ordered) if any(one.id >= 0 for one in ordered) else ()
        crowd = tuple(one.crowd for one in ordered) if any(one.crowd for one in ordered) else ()
        return Named(name, result, picture_id, ids, crowd, _poses(ordered))


def _poses(facts: Sequence[RegionFacts]) -> Poses | None:
    """The joints of all regions, without confidence where the file has none; None without any."""
    if all(one.joints is None for one in facts):
        return None
    unknown = np.zeros((len(JOINTS), 3), np.float32)
    return Poses(np.stack([unknown if one.joints is None else one.joints for one in facts]))


def union(parts: Sequence[Masks], size: Size) -> Masks:
    """The union of single masks as one mask; of none, an empty mask."""
    if not parts:
        return Masks.from_crops(size, [(0, 0)], [np.zeros((0, 0), bool)])
    return parts[0] if len(parts) == 1 else Masks.from_dense(Masks.concatenate(parts).union())
