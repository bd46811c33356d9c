"""Engines in tests: one picture encoded, encodings counted, a value that holds only a size."""

from collections import Counter
from dataclasses import dataclass

from wordmask.core.image import Image, Size
from wordmask.core.protocols import Encoder, Seen
from wordmask.engines.fake import Fake


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


class CountingFake(Fake):
    """The fake, which counts how often it encodes a picture of each size, in `passes`."""

    def __init__(self, name: str = "counting") -> None:
        super().__init__(name)
        object.__setattr__(self, "passes", Counter())

    def encode(self, images):
        self.passes.update(image.size for image in images)
        return super().encode(images)
