"""Engines in tests: one picture encoded, and a picture value that holds nothing but its size."""

from dataclasses import dataclass

from wordmask.core.image import Image, Size
from wordmask.core.protocols import Encoder, Seen


def see(engine: Encoder, image: Image) -> Seen:
    """The picture as the engine encodes it."""
    (seen,) = engine.encode([image])
    return seen


@dataclass(frozen=True)
class SizeOnly:
    """All that an engine of a test may need to know of a picture."""

    size: Size
    nbytes: int = 0


def encode_sizes(images: list[Image]) -> list[Seen]:
    """For `encode` of an engine that looks at no pixel."""
    return [SizeOnly(image.size) for image in images]
