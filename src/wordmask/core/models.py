"""The engines that a task is given, joined."""

from dataclasses import dataclass
from typing import TypeVar

from wordmask.core.protocols import Engine
from wordmask.errors import CapabilityError

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Models:
    """Some engines under one name; for each protocol the first part that has it is used.

    In `sam2.1-large+clip-b16` SAM 2 cuts and CLIP names.
    """

    spec: str
    parts: tuple[Engine, ...]

    def has(self, kind: type) -> bool:
        return any(isinstance(part, kind) for part in self.parts)

    def get(self, kind: type[Kind]) -> Kind:
        """The part that is a `kind` (Segmenter, Dense, ...)."""
        for part in self.parts:
            if isinstance(part, kind):
                return part
        raise CapabilityError(
            f"{self.spec} has no {kind.__name__}; add an engine that has one, "
            f"as in {self.spec}+mini (`wordmask models` lists them)"
        )

    @property
    def made_by(self) -> tuple[str, ...]:
        """The name of each part, which says whose weights it has."""
        return tuple(part.name for part in self.parts)
