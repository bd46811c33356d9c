"""What a suite is: a measurement that is no bench of one data set, such as a table of several of
them, or of speed and memory.

A new suite is a file in suites/ with a subclass of `Suite` and its line in suites/__init__.py.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from wordmask.core.models import Models
from wordmask.core.options import check
from wordmask.lab.bench.options import split_commas
from wordmask.lab.data import Dataset


class ModelLoader(Protocol):
    """Makes engines. It must be picklable: some suites measure in a process of their own."""

    def __call__(self, model: str, **options: Any) -> Models:
        """The engines that `model` names; `options` go before those that the user gave."""
        ...


@dataclass(frozen=True)
class SuiteOptions:
    """What a suite can be told; most have options of their own."""

    def __post_init__(self) -> None:
        """A list may be given with commas, too; a word that is empty is no word."""
        for name, value in vars(self).items():
            if isinstance(value, tuple) and all(isinstance(part, str) for part in value):
                parts = [split_commas([one]) if "," in one else (one,) for one in value]
                object.__setattr__(self, name, tuple(chain.from_iterable(parts)))
        check(self)


Asked = TypeVar("Asked", bound=SuiteOptions)


@dataclass(frozen=True, eq=False)
class SuiteKit(Generic[Asked]):
    """All that a suite needs."""

    options: Asked
    load: ModelLoader
    output: Path
    say: Callable[[str], None] = lambda _: None  # a line about what is going on


@dataclass(frozen=True, eq=False)
class FindingTable:
    """Named columns, and rows of texts and numbers (None = not measured)."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> "FindingTable":
        """From rows that name their columns; what a row lacks is None."""
        columns = tuple(dict.fromkeys(name for row in rows for name in row))
        return cls(columns, [[row.get(name) for name in columns] for row in rows])


@dataclass(frozen=True, eq=False)
class Findings:
    """What a suite has found."""

    metrics: Mapping[str, float | None]
    tables: Mapping[str, FindingTable] = field(default_factory=dict)
    intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    curves: Mapping[str, Any] = field(default_factory=dict)  # as plots.py draws them
    verdicts: Sequence[str] = ()  # sentences that hold a figure against what is wanted
    models: Sequence[Models] = ()
    data: Sequence[Dataset] = ()
    seeds: Mapping[str, int] = field(default_factory=dict)
    pictures: Sequence[str] = ()  # files in the output folder


class Suite(ABC, Generic[Asked]):
    """One suite."""

    name: ClassVar[str]
    about: ClassVar[str]  # one line
    options: ClassVar[type[SuiteOptions]]
    loads: ClassVar[bool] = True  # whether it asks for engines

    @abstractmethod
    def run(self, kit: SuiteKit[Asked]) -> Findings:
        """Measure."""
