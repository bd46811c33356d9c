"""A segmenter whose encodings can be taken apart: a teacher for another network."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from wordmask.core.image import Array, Size
from wordmask.core.protocols import Seen, Segmenter


@runtime_checkable
class MapSegmenter(Segmenter, Protocol):
    """What `cut` reads of a picture can be looked at, learned by another network, and given back.

    `cut(see_maps(size, maps(seen)), prompts)` gives what `cut(seen, prompts)` gives, unless the
    engine looks at the picture once more for a prompt, as `mini` does for a box alone.
    """

    def maps(self, seen: Seen) -> tuple[Array, ...]:
        """The maps that `cut` reads, (C, h, w) float32 each, whatever is asked."""
        ...

    def see_maps(self, size: Size, maps: Sequence[Array]) -> Seen:
        """A picture of `size` of which only these maps are known."""
        ...


class TeacherCall(NamedTuple):
    """Which teacher an engine was trained with."""

    spec: str
    """A name, a path or hub:owner/name."""
    name: str
    """What it calls itself, by its weights."""
    side: int
    """Pixels of the square that it sees."""


@runtime_checkable
class NeedsTeacher(Protocol):
    """An engine that another one cuts for; whoever loads it brings the other one."""

    call: TeacherCall | None

    def take_teacher(self, teacher: MapSegmenter) -> None:
        """Cut by this one from now on."""
        ...
