"""A data set: pictures by name, and the truth of each as a `Result` and, if known, a label map."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.masks import Masks
from wordmask.core.result import UNNAMED, Result
from wordmask.errors import FormatError, OptionError
from wordmask.media.formats.coco_records import CocoRegion, CocoSegment
from wordmask.media.reading.limits import Limits
from wordmask.media.reading.read import read

VOID = -1  # in a truth's label map: not scored
MOST_COUNTED = 1 << 16  # values below this are looked up in a table, which is faster than sorting


@dataclass(frozen=True)
class LabelledQuestion:
    """A question about a picture, and what people, or a scene graph, answered."""

    text: str
    answers: tuple[str, ...]  # of one person each; a single one counts only word by word
    kind: str = ""


@dataclass(frozen=True)
class Sample:
    """One picture of a data set, not read yet."""

    name: str  # unique in the set, "sequence/frame" in a video
    picture: Path
    labels: Path | None = None
    depth: Path | None = None
    regions: tuple[CocoRegion, ...] = ()  # where there are annotations instead of a label map
    segments: tuple[CocoSegment, ...] = ()  # what the values of a panoptic map mean
    sequence: str = ""
    judged: frozenset[int] | None = None  # classes that were checked here (LVIS); None = all
    # Classes of which not every region is labelled (LVIS)
    open_classes: frozenset[int] = frozenset()
    questions: tuple[LabelledQuestion, ...] = ()


@dataclass(frozen=True, eq=False)
class Truth:
    """What is really in a picture."""

    result: Result
    labels: Array | None = None  # (H, W) int32 index into the classes, VOID = not scored
    crowd: Result | None = None  # groups that are neither right nor wrong
    areas: Array | None = None  # (N,) of `result`, where the annotation gives them
    depth: Array | None = None  # (H, W) float32 metres, 0 = not measured
    exhaustive: bool = False  # every region is listed: uncovered pixels show none of the classes

    @property
    def void(self) -> Array | None:
        """(H, W) bool: pixels that are not scored."""
        return None if self.labels is None else self.labels == VOID


Reader = Callable[["Dataset", Sample], Truth]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Pictures and how to read their truth."""

    name: str
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    reader: Reader
    background: int | None = None  # the class that means "none of the others"
    source: str = ""
    notes: tuple[str, ...] = ()
    # Value in a label file, or category id -> class or VOID. A value that is not listed is an
    # error.
    values: Mapping[int, int] = field(default_factory=dict)
    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict)  # class -> further phrases
    per_metre: float = 1.0  # depth files: units in a metre

    def image(self, sample: Sample) -> Image:
        """The sample's picture."""
        return read(sample.picture, Limits(), name=sample.name)

    def truth(self, sample: Sample) -> Truth:
        """What is really in the sample's picture."""
        return self.reader(self, sample)

    @property
    def words(self) -> tuple[str, ...]:
        """The classes but the background."""
        return tuple(name for index, name in enumerate(self.classes) if index != self.background)

    def sequences(self) -> dict[str, tuple[Sample, ...]]:
        """The frames of each video, in order."""
        frames = [sample for sample in self.samples if sample.sequence]
        frames.sort(key=lambda sample: sample.name)
        groups = groupby(frames, key=lambda sample: sample.sequence)
        return {name: tuple(group) for name, group in groups}

    def first(self, count: int | None) -> "Dataset":
        """Only the first `count` pictures (videos: only that many frames are kept)."""
        if count is not None and count < 1:
            raise OptionError(f"at least one sample is needed, got {count}")
        return self if count is None else replace(self, samples=self.samples[:count])

    @cached_property
    def digest(self) -> str:
        """sha256 of classes, names and file sizes: tells two sets apart, reads no picture."""
        rows = [repr((self.name, self.classes, self.background, sorted(self.values.items())))]
        rows += [f"{sample.name} {sample.picture.stat().st_size}" for sample in self.samples]
        rows += [repr(sample.questions) for sample in self.samples if sample.questions]
        return sha256("\n".join(rows).encode()).hexdigest()


def check_names(samples: Iterable[Sample], where: object) -> tuple[Sample, ...]:
    """The samples sorted by name. None at all, or two of one name, is an error."""
    rows = sorted(samples, key=lambda sample: sample.name)
    if not rows:
        raise FormatError(f"{where}: no picture with a truth was found; is the pattern right?")
    for first, second in pairwise(rows):
        if first.name == second.name:
            raise FormatError(f"{where}: two pictures are called {first.name!r}")
    return tuple(rows)


def result_of_labels(labels: Array, classes: tuple[str, ...], background: int | None) -> Result:
    """One region for each class of a label map but the background.

    Without classes each value is a region.
    """
    masks, values = Masks.from_label_map(labels)
    if not classes:
        return Result.of(masks)
    kept = values != (UNNAMED if background is None else background)
    return Result.of(masks[kept], classes, label_ids=values[kept])


def classes_of_values(raw: Array, values: Mapping[int, int], where: object) -> Array:
    """(H, W) int32 classes from the values that a file holds."""
    is_small = raw.size and raw.min() >= 0 and raw.max() < MOST_COUNTED
    found = np.flatnonzero(np.bincount(raw.ravel())) if is_small else np.unique(raw)
    unknown = [value for value in found.tolist() if value not in values]
    if unknown:
        raise FormatError(
            f"{where} holds the value {unknown[0]}, which is no class; is the ignore value given?"
        )
    classes = np.array([values[value] for value in found.tolist()], np.int32)
    if not is_small:
        return classes[np.searchsorted(found, raw)]
    table = np.zeros(MOST_COUNTED, np.int32)
    table[found] = classes
    return table[raw]


def label_values(classes: int, *, first: int = 0, void: Iterable[int] = (255,)) -> dict[int, int]:
    """Values `first`, `first` + 1, ... are the classes; those of `void` are not scored.

    >>> label_values(2, first=1, void=(0,))
    {0: -1, 1: 0, 2: 1}
    """
    return dict.fromkeys(void, VOID) | {first + index: index for index in range(classes)}
