"""Dense features through a sliding window, at a pinned size and scale, as protocols want them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.protocols import Dense, FeatureMap, Seen, own_seen
from wordmask.errors import CapabilityError
from wordmask.lab.bench.options import WordOptions
from wordmask.ops import resample


@dataclass(frozen=True, eq=False)
class WindowedSeen:
    """The picture itself: its windows are encoded one after the other."""

    image: Image

    @property
    def size(self) -> Size:
        return self.image.size

    @property
    def nbytes(self) -> int:
        return int(self.image.pixels.nbytes)


@dataclass(frozen=True)
class Windowed:
    """A dense engine that sees the picture in windows.

    Where windows overlap their vectors are averaged, which averages the logits too. Windows are
    laid onto the grid to the nearest cell.
    """

    short_side: int = 0  # the picture's shorter side is resized to this; 0 = as it is
    crop: int = 0  # 0 = the whole picture at once
    stride: int = 0
    scale: float = 0.0  # 0 = the engine's own
    inner: Dense | None = None

    @classmethod
    def of(cls, options: WordOptions) -> "Windowed | None":
        """What options and preset ask for; None where that is nothing."""
        base, pinned = cls(), options.pinned
        if pinned is not None:
            base = cls(
                pinned.short_side, pinned.slide_crop, pinned.slide_stride, pinned.logit_scale
            )
        if options.slide_inference:
            base = replace(base, crop=options.slide_crop, stride=options.slide_stride)
        if options.logit_scale is not None:
            base = replace(base, scale=options.logit_scale)
        return None if base == cls() else base

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def engine(self) -> Dense:
        if self.inner is None:
            raise CapabilityError("a window needs an engine with dense features to look through")
        return self.inner

    def embed_texts(self, phrases: Sequence[str]) -> Array:
        return self.engine.embed_texts(phrases)

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [WindowedSeen(image) for image in images]

    def features(self, seen: Seen) -> FeatureMap:
        image = own_seen(seen, WindowedSeen, self.name).image
        sized = _resize(image, self.short_side)
        if not self.crop:
            found = _features(sized, self.engine)
        else:
            found = _join_windows(sized, self.engine, self.crop, self.stride)
        return replace(found, size=image.size, scale=self.scale or found.scale)


def _resize(image: Image, short_side: int) -> Image:
    if not short_side:
        return image
    factor = short_side / min(image.size)
    height, width = (max(1, round(side * factor)) for side in image.size)
    return Image(resample.stretch(image.pixels, (height, width)), image.name)


def _features(image: Image, engine: Dense) -> FeatureMap:
    (seen,) = engine.encode([image])
    return engine.features(seen)


def _join_windows(image: Image, engine: Dense, crop: int, stride: int) -> FeatureMap:
    height, width = image.size
    boxes = [(x, y) for y in starts(height, crop, stride) for x in starts(width, crop, stride)]
    parts = []
    for x, y in boxes:
        window = np.ascontiguousarray(image.pixels[y : y + crop, x : x + crop])
        parts.append(_features(Image(window, image.name), engine))
    first = parts[0]
    # Cells of a window in one pixel; windows cut short by a small picture share it.
    dense = first.vectors.shape[0] / min(crop, height), first.vectors.shape[1] / min(crop, width)
    grid = max(1, round(height * dense[0])), max(1, round(width * dense[1]))
    vectors = np.zeros((*grid, first.vectors.shape[2]), np.float32)
    none = None if first.none is None else np.zeros(grid, np.float32)
    count = np.zeros(grid, np.float32)
    for (x, y), part in zip(boxes, parts, strict=True):
        rows, columns = part.vectors.shape[:2]
        top = min(round(y * dense[0]), grid[0] - rows) if grid[0] >= rows else 0
        left = min(round(x * dense[1]), grid[1] - columns) if grid[1] >= columns else 0
        place = slice(top, top + rows), slice(left, left + columns)
        vectors[place] += part.vectors[: grid[0], : grid[1]]
        if none is not None and part.none is not None:
            none[place] += part.none[: grid[0], : grid[1]]
        count[place] += 1
    seen = np.maximum(count, 1)
    return replace(
        first, vectors=vectors / seen[..., None], none=None if none is None else none / seen
    )


def starts(side: int, crop: int, stride: int) -> list[int]:
    """Where windows start along a side: every `stride`, the last one flush with the end.

    >>> starts(336, 224, 112), starts(300, 224, 112), starts(100, 224, 112)
    ([0, 112], [0, 76], [0])
    """
    steps = max(0, -(-(side - crop) // stride))
    return [max(0, min(step * stride, side - crop)) for step in range(steps + 1)]
