"""Depth Anything, DPT, ZoeDepth and DepthPro: a picture -> how far away each of its pixels is.

Three kinds of answer. Relative networks (DPT, most of Depth Anything) give 1 / Z up to scale and
shift; metric ones (ZoeDepth, "metric" Depth Anything) give Z in metres; DepthPro gives metres and
the focal length that it guessed, which its metres are proportional to.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import radians, sqrt, tan
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from wordmask.core.depth import Depth
from wordmask.core.image import Array, Image, Size
from wordmask.core.protocols import Seen, own_seen
from wordmask.engines.hub.loading import Loaded, load_folder
from wordmask.engines.hub.pictures import HALF, IMAGENET, Statistics, pixel_statistics
from wordmask.engines.hub.pixels import normalise, to_numpy, to_tensor
from wordmask.engines.options import EngineOptions

BICUBIC = 3  # Pillow's number of it, as it stands in preprocessor_config.json
CANONICAL = (1e-4, 1e4)  # what DepthPro's inverse depth is held to before it is turned over


@dataclass(frozen=True)
class InputRules:
    """The size in which a network takes its pictures."""

    size: Size
    keep_aspect: bool = False  # one side as in `size`, the other in proportion
    multiple: int = 1  # both sides are multiples of this
    cubic: bool = True

    def fit(self, size: Size) -> Size:
        """What a picture of `size` is resized to.

        >>> InputRules((518, 518), keep_aspect=True, multiple=14).fit((480, 640))
        (518, 686)
        """
        scales = [wanted / side for wanted, side in zip(self.size, size, strict=True)]
        if self.keep_aspect:  # by the side that changes least
            scales = [min(reversed(scales), key=lambda scale: abs(1 - scale))] * 2
        height, width = (
            max(1, round(scale * side / self.multiple)) * self.multiple
            for scale, side in zip(scales, size, strict=True)
        )
        return height, width

    def with_side(self, side: int | None) -> "InputRules":
        """The same with another shorter side."""
        if side is None:
            return self
        height, width = (round(one * side / min(self.size)) for one in self.size)
        return replace(self, size=(height, width))


@dataclass(frozen=True, eq=False)
class DepthSeen:
    """A picture's depth, in the network's own size and unit."""

    size: Size
    values: Array  # (h, w) float32
    view_deg: float | None = None  # the horizontal field of view, where the network guesses it

    @property
    def nbytes(self) -> int:
        return int(self.values.nbytes)


class DepthNetwork:
    """A `DepthModel`: Depth Anything and DPT, and what the others have in common with them."""

    rules: ClassVar[InputRules] = InputRules((384, 384))
    statistics: ClassVar[Statistics] = HALF

    def __init__(self, loaded: Loaded, options: EngineOptions) -> None:
        self.name = loaded.name
        self._place = loaded.place
        self._model = loaded.place.prepare(loaded.model)
        self._statistics = pixel_statistics(loaded.folder.path, self.statistics)
        self._rules = read_rules(loaded.folder.path, self.rules).with_side(options.input_side)

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        """One pass each; all there is to know of a picture comes of it."""
        return [self._encode(image) for image in images]

    def _encode(self, image: Image) -> DepthSeen:
        pixels = self.pixels(image)[None].to(self._place.device, self._place.dtype)
        with torch.no_grad():
            out = self._model(pixel_values=pixels)
        view = getattr(out, "field_of_view", None)
        degrees = None if view is None else float(view.reshape(-1)[0])
        return DepthSeen(image.size, to_numpy(out.predicted_depth[0]), degrees)

    def pixels(self, image: Image) -> Tensor:
        """(3, h, w) as the network takes the picture."""
        small = to_tensor(image, self._rules.fit(image.size), cubic=self._rules.cubic)
        return normalise(small, self._statistics)

    def depth(self, seen: Seen) -> Depth:
        """1 / Z up to scale and shift, or metres, as the network was trained."""
        own = own_seen(seen, DepthSeen, self.name)
        return Depth(stretch_cubic(own.values, own.size))


class DepthAnything(DepthNetwork):
    """Depth Anything 1 and 2, relative or metric."""

    rules = InputRules((518, 518), keep_aspect=True, multiple=14)
    statistics = IMAGENET

    def __init__(self, loaded: Loaded, options: EngineOptions) -> None:
        super().__init__(loaded, options)
        self._metric = loaded.model.config.depth_estimation_type == "metric"

    def depth(self, seen: Seen) -> Depth:
        """Metres from a metric network, else 1 / Z up to scale and shift."""
        values = super().depth(seen).values
        return Depth(values, metric=self._metric, inverse=not self._metric)


class ZoeDepth(DepthNetwork):
    """Metres. The picture is framed by its own reflection, which the answer loses again."""

    rules = InputRules((384, 512), keep_aspect=True, multiple=32, cubic=False)

    def pixels(self, image: Image) -> Tensor:
        """(3, h, w) of the framed picture."""
        high, wide = frame_width(image.size)
        framed = functional.pad(
            to_tensor(image, image.size)[None], (wide, wide, high, high), "reflect"
        )
        size = self._rules.fit((framed.shape[2], framed.shape[3]))
        small = functional.interpolate(framed, size, mode="bilinear", align_corners=True)
        return normalise(small[0], self._statistics)

    def depth(self, seen: Seen) -> Depth:
        """Metres, without the frame."""
        own = own_seen(seen, DepthSeen, self.name)
        high, wide = frame_width(own.size)
        height, width = own.size
        framed = stretch_cubic(own.values, (height + 2 * high, width + 2 * wide))
        values = framed[high : high + height, wide : wide + width]
        return Depth(np.ascontiguousarray(values), metric=True, inverse=False)


class DepthPro(DepthNetwork):
    """Metres and a focal length, from a square picture."""

    rules = InputRules((1536, 1536), cubic=False)

    def pixels(self, image: Image) -> Tensor:
        """(3, s, s): normalised first, then stretched without antialiasing, as in its library."""
        whole = normalise(to_tensor(image, image.size), self._statistics)[None]
        small: Tensor = functional.interpolate(
            whole, self._rules.size, mode="bilinear", align_corners=False
        )[0]
        return small

    def depth(self, seen: Seen) -> Depth:
        """Metres where the network guesses the field of view, else 1 / Z up to scale."""
        own = own_seen(seen, DepthSeen, self.name)
        width = own.size[1]
        inverse = torch.from_numpy(own.values)[None, None]
        focal = None if own.view_deg is None else width / 2 / tan(radians(own.view_deg) / 2)
        if focal is not None:
            inverse = inverse * (width / focal)
        large = functional.interpolate(inverse, own.size, mode="bilinear", align_corners=False)
        inverse_metres = large[0, 0].clamp(*CANONICAL)
        if focal is None:
            return Depth(to_numpy(inverse_metres))
        return Depth(to_numpy(1 / inverse_metres), metric=True, inverse=False, focal_px=focal)


FAMILIES: dict[str, type[DepthNetwork]] = {
    "depth_anything": DepthAnything,
    "dpt": DepthNetwork,
    "zoedepth": ZoeDepth,
    "depth_pro": DepthPro,
}


def load(name: str, options: EngineOptions) -> DepthNetwork:
    """The depth network of a known name or a folder in hub layout."""
    loaded = load_folder(name, options, __name__, "the depth engine")
    return FAMILIES[loaded.folder.kind](loaded, options)


def read_rules(path: Path, default: InputRules) -> InputRules:
    """Those of the folder's preprocessor_config.json; what it does not say is the family's own."""
    file = path / "preprocessor_config.json"
    said: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    size = said.get("size", default.size)
    if isinstance(size, dict):
        size = (size.get("height", default.size[0]), size.get("width", default.size[1]))
    elif isinstance(size, int):
        size = (size, size)
    return InputRules(
        (int(size[0]), int(size[1])),
        bool(said.get("keep_aspect_ratio", default.keep_aspect)),
        int(said.get("ensure_multiple_of", default.multiple)),
        int(said["resample"]) == BICUBIC if "resample" in said else default.cubic,
    )


def frame_width(size: Size) -> tuple[int, int]:
    """Rows above and below, columns left and right, of ZoeDepth's frame.

    >>> frame_width((480, 640))
    (46, 53)
    """
    return int(sqrt(size[0] / 2) * 3), int(sqrt(size[1] / 2) * 3)


def stretch_cubic(values: Array, size: Size) -> Array:
    """(h, w) float32 at another size, bicubic, edge to edge."""
    tensor = torch.from_numpy(np.ascontiguousarray(values))[None, None]
    return to_numpy(functional.interpolate(tensor, size, mode="bicubic", align_corners=False)[0, 0])
