"""A segmenter whose encodings can be taken apart: a teacher for another network."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from wordmask.core.image import Array, Size
from wordmask.core.protocols import Seen, Segmenter


@runtime_checkable
class MapSegmenter(Segmenter, Protocol):
    """What `cut` reads of a picture can be looked at, learned by another network, and given back.

    `cut(see_maps(size, maps(seen)), prompts)` gives what `cut(seen, prompts)` gives.
    """

    def maps(self, seen: Seen) -> tuple[Array, ...]:
        """The maps that `cut` reads, (C, h, w) float32 each, whatever is asked."""
        ...

    def see_maps(self, size: Size, maps: Sequence[Array]) -> Seen:
        """A picture of `size` of which only these maps are known."""
        ...
