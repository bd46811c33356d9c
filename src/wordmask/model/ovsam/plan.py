"""How large an Open-Vocabulary SAM is; it is kept beside its weights. Imports no torch."""

from dataclasses import dataclass

STRIDE, FINE = 16, 4  # pixels of the input a cell of the embedding, and of a mask
# Kinds of points. A box is two points, its corners; NO_POINT marks padding.
NO_POINT, AWAY, ON_IT, FIRST_CORNER, LAST_CORNER = -1, 0, 1, 2, 3


@dataclass(frozen=True)
class OvsamPlan:
    """Sizes of the parts. The defaults are those of the paper's adapter and decoder."""

    channels: tuple[int, ...]
    """Of the backbone's levels."""
    strides: tuple[int, ...]
    """Input pixels a cell of each level."""
    words: int
    """Dimensions of the words' vectors."""
    side: int = 1024
    """Pixels of the square that pictures are fitted into."""
    width: int = 1280
    """Of the adapter's blocks."""
    depth: int = 5
    """Blocks; the last one looks over the whole map."""
    heads: int = 16
    window: int = 14
    dim: int = 256
    """Of the embedding, the decoder and the pyramid."""
    scale: float = 100.0
    """Factor on cosines before the softmax over words."""
    dense: bool = True
    """Whether the backbone's own cells match words; otherwise a projection learns to."""
    maps: tuple[tuple[int, int], ...] = ()
    """(channels, cells of a side) of each map that a teacher's cutter reads. Where there are some,
    the teacher cuts first, and the decoder corrects its cut."""
