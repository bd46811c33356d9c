"""What is to be measured, on what, and how: everything that a task of the bench is given."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal, Protocol

from annotated_types import Ge, Interval

from wordmask.core.image import Array
from wordmask.core.models import Models
from wordmask.core.options import Confidence, check
from wordmask.errors import OptionError
from wordmask.lab.bench.presets import Preset, preset
from wordmask.lab.bench.words import Words, words_of
from wordmask.lab.data import Dataset, Sample


@dataclass(frozen=True)
class BenchOptions:
    """How to measure."""

    how: Literal["auto", "dense", "unified", "guided", "everything", "grounded"] = "auto"
    """dense (a word for every pixel), unified, guided, everything, grounded, or auto: what the engines can."""
    preset: str = ""
    """A protocol by name, such as voc21/sclip; where a run departs from it, its result says so."""
    num_samples: Annotated[int, Interval(ge=1, le=1_000_000_000)] | None = None
    """Only the first N pictures."""
    words: tuple[str, ...] = ()
    """Only these classes, also with commas between them (retrieval: look for these words)."""
    use_sam: bool = False
    """Refine the dense answer with the segmenter's masks: the same as --how guided."""
    use_pamr: bool = False
    """Task semantic: refine the dense answer with PAMR."""
    slide_inference: bool = False
    """Look at the picture through a sliding window."""
    slide_crop: Annotated[int, Interval(ge=16, le=4096)] = 224
    """Side of the window, in pixels."""
    slide_stride: Annotated[int, Ge(1)] = 112
    """Step of the window, in pixels."""
    logit_scale: Annotated[float, Interval(ge=0.001, le=10_000)] | None = None
    """Factor before the softmax over the words; the engine's own where none is given."""
    min_confidence: Confidence = "auto"
    """Score from which a region counts, or with semantic a pixel; a number in [0, 1] or auto."""
    clicks: Annotated[int, Interval(ge=1, le=100)] = 20
    """Task clicks: so many clicks at most."""
    objects: Annotated[int, Interval(ge=0, le=10_000)] = 0
    """Task clicks: only so many objects of a picture, the largest; 0 = all."""
    save_vis: bool = False
    """Draw every picture, not only the worst and the best."""
    show: Annotated[int, Interval(ge=0, le=10_000)] = 10
    """How many of the worst and of the best pictures to draw."""
    workers: Annotated[int, Interval(ge=1, le=256)] = 1
    """Pictures measured at the same time, in threads."""
    rounds: Annotated[int, Interval(ge=2, le=1_000_000)] = 1000
    """Resamples of the bootstrap."""
    seed: int = 0
    """Seed of the bootstrap."""

    def __post_init__(self) -> None:
        check(self)
        words = tuple(
            word.strip() for item in self.words for word in item.split(",") if word.strip()
        )
        object.__setattr__(self, "words", words)
        if self.preset:
            preset(self.preset)  # one that does not exist is told before anything is loaded
        if self.slide_stride > self.slide_crop:
            raise OptionError(
                f"slide_stride {self.slide_stride} leaves gaps: at most slide_crop, {self.slide_crop}"
            )
        if self.use_sam and self.how not in ("auto", "guided"):
            raise OptionError(f"use_sam means how=guided, got how={self.how}")


@dataclass(frozen=True, eq=False)
class Kit:
    """All that a task needs to measure one picture."""

    data: Dataset
    models: Models
    options: BenchOptions

    @cached_property
    def pinned(self) -> Preset | None:
        return preset(self.options.preset) if self.options.preset else None

    @property
    def way(self) -> str:
        """How words become masks: what was asked for, else what the preset says."""
        if self.options.use_sam:
            return "guided"
        return self.pinned.how if self.pinned and self.options.how == "auto" else self.options.how

    @cached_property
    def words(self) -> Words:
        extra = self.pinned.background_words if self.pinned else ()
        data = self.data
        return words_of(
            data.classes,
            data.background,
            only=self.options.words,
            background_words=extra,
            synonyms=data.synonyms,
        )


@dataclass
class Clock:
    """Seconds by stage of one picture."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


class Table(Protocol):
    """The records of a set, ready to be summed under any weights of the pictures."""

    def measure(self, weights: Array) -> dict[str, float]:
        """(pictures,) weights -> figures; all ones for the result, a resample for its interval."""
        ...

    def per_class(self) -> dict[str, dict[str, float]]: ...

    def per_picture(self) -> list[dict[str, Any]]:
        """For every record the figures of that picture alone; the first one is the headline's."""
        ...

    def curves(self) -> dict[str, Any]:
        """What is drawn: name -> {"x": ..., "y": ...} or bars; also single numbers that belong to no picture."""
        ...


class Task(Protocol):
    """One benchmark."""

    name: str
    headline: str  # the figure by which pictures are sorted and runs are named
    about: str

    def units(self, data: Dataset) -> Sequence[tuple[Sample, ...]]:
        """What is measured at a time: one picture, or all frames of a video."""
        ...

    def check(self, kit: Kit) -> None:
        """Raise where the engines or the data set cannot do this task."""
        ...

    def score(self, kit: Kit, unit: tuple[Sample, ...], clock: Clock) -> dict[str, Any]:
        """Counts of one unit, ready for JSON."""
        ...

    def table(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> Table: ...


def single(data: Dataset) -> tuple[tuple[Sample, ...], ...]:
    """Every picture by itself."""
    return tuple((sample,) for sample in data.samples)
