"""What a bench is: it measures one unit into counts, and makes figures of the counts of a set.

A unit is a picture, or all frames of a video. A new bench is a file in benches/ with a subclass of
`Bench` and its line in benches/__init__.py; nothing else in the lab knows a bench by name.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

from wordmask.core.image import Array, Image
from wordmask.core.models import Models
from wordmask.errors import FormatError
from wordmask.lab.bench.drawn import StripChoice, draw_strips
from wordmask.lab.bench.options import BenchOptions, PictureOptions
from wordmask.lab.data import Dataset, Sample, Truth

NO_PROTOCOL: dict[str, Any] = {"preset": None, "pinned": {}, "deviations": []}

Unit = tuple[Sample, ...]
Options_co = TypeVar("Options_co", bound=BenchOptions, covariant=True)
Options = TypeVar("Options", bound=BenchOptions)
Drawn = TypeVar("Drawn", bound=PictureOptions)


@dataclass(frozen=True, eq=False)
class Kit(Generic[Options_co]):
    """All that a bench needs to measure one unit."""

    data: Dataset
    models: Models
    options: Options_co


@dataclass
class Clock:
    """Seconds by stage of one unit."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


class Table(ABC):
    """The counts of every unit of a set, ready to be summed under any weights of the units."""

    @abstractmethod
    def __init__(self, facts: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> None:
        """`facts` of the run (its classes), and what `Bench.score` gave for each unit."""

    @abstractmethod
    def measure(self, weights: Array) -> dict[str, float]:
        """(units,) weights -> figures: all ones for the result, a resample for its interval."""

    @abstractmethod
    def per_picture(self) -> list[dict[str, Any]]:
        """The figures of each unit alone; units are sorted by the first one."""

    def per_class(self) -> dict[str, dict[str, float]]:
        """The figures of each class; {} for benches without classes."""
        return {}

    def curves(self) -> dict[str, Any]:
        """What is plotted: title -> lines, bars, points or a matrix (see plots.py)."""
        return {}


class Bench(ABC, Generic[Options]):
    """One benchmark."""

    name: ClassVar[str]
    about: ClassVar[str]
    headline: ClassVar[str]  # the figure by which runs are named
    unit: ClassVar[Literal["picture", "video"]]
    options: ClassVar[type[BenchOptions]]
    table: ClassVar[type[Table]]

    def narrow(self, data: Dataset, options: Options) -> Dataset:
        """The part of the data set that the options leave."""
        return data

    @abstractmethod
    def units(self, kit: Kit[Options]) -> Sequence[Unit]:
        """What is measured, one unit after another."""

    @abstractmethod
    def check(self, kit: Kit[Options]) -> None:
        """Raise where the engines or the data set lack what this bench needs."""

    @abstractmethod
    def score(self, kit: Kit[Options], unit: Unit, clock: Clock) -> dict[str, Any]:
        """Counts of one unit, ready for JSON."""

    def facts(self, kit: Kit[Options]) -> dict[str, Any]:
        """How the answers came about, for the result file."""
        return {"how": None, "answer": "", "words": [], "protocol": NO_PROTOCOL}

    def draw(
        self,
        kit: Kit[Options],
        units: Sequence[Unit],
        rows: Sequence[Mapping[str, Any]],
        folder: Path,
    ) -> list[dict[str, Any]]:
        """Draw the units that the options ask for; where each lies. A bench may draw nothing."""
        return []


class LabelledPicture(NamedTuple):
    """One picture, read, and what is really in it."""

    sample: Sample
    image: Image
    truth: Truth


class PictureBench(Bench[Drawn]):
    """A bench that measures every picture by itself."""

    unit = "picture"
    needs_names: ClassVar[bool] = True  # of the regions, in the truth

    def narrow(self, data: Dataset, options: Drawn) -> Dataset:
        return data.first(options.num_samples)

    def units(self, kit: Kit[Drawn]) -> Sequence[Unit]:
        return [(sample,) for sample in kit.data.samples]

    def check(self, kit: Kit[Drawn]) -> None:
        if self.needs_names and not kit.data.classes:
            raise FormatError(
                f"{kit.data.name} has regions without names, which the bench {self.name} needs"
            )

    def score(self, kit: Kit[Drawn], unit: Unit, clock: Clock) -> dict[str, Any]:
        with clock.stage("read"):
            picture = read_picture(kit.data, unit)
        return self.score_picture(kit, picture, clock)

    @abstractmethod
    def score_picture(
        self, kit: Kit[Drawn], picture: LabelledPicture, clock: Clock
    ) -> dict[str, Any]:
        """Counts of one picture, ready for JSON."""

    @abstractmethod
    def panels(self, kit: Kit[Drawn], picture: LabelledPicture) -> list[Array]:
        """Truth, answer and difference, each (H, W, 3) uint8, to be drawn beside the picture."""

    def draw(
        self,
        kit: Kit[Drawn],
        units: Sequence[Unit],
        rows: Sequence[Mapping[str, Any]],
        folder: Path,
    ) -> list[dict[str, Any]]:
        def strip(index: int) -> list[Array]:
            picture = read_picture(kit.data, units[index])
            return [picture.image.pixels, *self.panels(kit, picture)]

        choice = StripChoice(kit.options.show, kit.options.save_vis)
        return draw_strips(rows, choice, strip, folder)


def read_picture(data: Dataset, unit: Unit) -> LabelledPicture:
    (sample,) = unit
    return LabelledPicture(sample, data.image(sample), data.truth(sample))
