"""The engines that a task is given, joined."""

from dataclasses import dataclass
from typing import Any, TypeVar

from wordmask.errors import CapabilityError

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Models:
    """Some engines under one name; each protocol is answered by the first that has it.

    A later part is a fallback: in `sam2.1-large+clip-b16` SAM 2 cuts, CLIP names.
    """

    spec: str
    parts: tuple[Any, ...]

    def has(self, kind: type) -> bool:
        return any(isinstance(part, kind) for part in self.parts)

    def get(self, kind: type[Kind]) -> Kind:
        """The part that is a `kind` (Segmenter, Dense, ...)."""
        for part in self.parts:
            if isinstance(part, kind):
                return part
        raise CapabilityError(
            f"{self.spec} has no {kind.__name__}; add an engine that has one, as in {self.spec}+mini "
            "(`wordmask models` lists them)"
        )

    @property
    def made_by(self) -> tuple[str, ...]:
        return tuple(str(getattr(part, "name", type(part).__name__)) for part in self.parts)
