"""An engine as graphs: the networks that it is made of, so that the lab can write them as files.

An engine that can be exported says what each network takes and gives, and which axes may change.
It knows nothing of files or formats.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from wordmask.core.protocols import Engine

Sizes = Mapping[str, int]  # "prompts" -> 3


class GraphAxis(NamedTuple):
    """An axis that may change: its extent is `step` times the size of that name."""

    size: str
    step: int = 1


@dataclass(frozen=True, eq=False)
class NetworkGraph:
    """One network."""

    name: str  # stem of its file
    module: Any  # a torch module, whose arguments are the inputs in their order
    feed: Callable[[Sizes], dict[str, Any]]  # made-up inputs of these sizes
    outputs: tuple[str, ...]
    axes: Mapping[str, Mapping[int, GraphAxis]]  # of an input; all others are fixed
    example: Sizes  # no size is 1 here: an exporter would take it for fixed
    checks: tuple[Sizes, ...]  # where the file is compared with the module
    largest: int = 4096  # of any size


@dataclass(frozen=True, eq=False)
class GraphSet:
    """All networks of an engine, and what a program must know to run them."""

    kind: str  # which engine runs them: "sam", "sam_video", "words"
    graphs: tuple[NetworkGraph, ...]
    settings: Mapping[str, Any]  # as in JSON
    files: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)  # name -> writer


@runtime_checkable
class Exportable(Engine, Protocol):
    """An engine whose networks can be written as files."""

    @property
    def parts(self) -> tuple[str, ...]:
        """What can be exported by itself: image, video, text."""
        ...

    def graphs(self, parts: Sequence[str]) -> GraphSet: ...
