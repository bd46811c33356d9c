"""A network (picture, mask) -> picture in ONNX, as LaMa and its kin are exported."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime

from wordmask.core.image import Array, Image, Size
from wordmask.core.protocols import PaintSettings
from wordmask.engines.fill.holes import check_hole, inside
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home
from wordmask.errors import CapabilityError, WeightsError

MULTIPLE = 8  # the networks halve three times
SIDE = 512  # pixels that crops are scaled to where the file names no size


def load(name: str, options: EngineOptions) -> "Lama":
    """The painter of an ONNX file: `name` is its path, or `options.checkpoint`."""
    path = home.folder(name, options)
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class of its own for each fault of a file
        raise WeightsError(
            f"{path} is not an ONNX model that runs here: {str(error).splitlines()[0]}"
        ) from error
    ports = find_ports(path, session.get_inputs())
    side = max(ports.size) if ports.size else SIDE
    return Lama(home.stamp(name, path), session, ports, side)


class Ports(NamedTuple):
    """How a network wants its two inputs."""

    image: str
    mask: str
    size: Size | None  # None: any multiple of 8


def find_ports(path: Path, inputs: Sequence[Any]) -> Ports:
    """Which input is the picture (3 channels) and which the mask (1)."""
    shapes = {port.name: port.shape for port in inputs}
    image = [name for name, shape in shapes.items() if len(shape) == 4 and shape[1] == 3]
    mask = [name for name, shape in shapes.items() if len(shape) == 4 and shape[1] == 1]
    if len(image) != 1 or len(mask) != 1 or len(shapes) != 2:
        raise WeightsError(
            f"{path} should take a picture (1, 3, H, W) and a mask (1, 1, H, W); it takes {shapes}"
        )
    height, width = shapes[image[0]][2:]
    fixed = isinstance(height, int) and isinstance(width, int)
    return Ports(image[0], mask[0], (height, width) if fixed else None)


@dataclass(frozen=True, eq=False)
class Lama:
    """An `Inpainter`."""

    name: str
    session: Any
    ports: Ports
    paint_side: int | None
    paint_pixels: int | None = None
    follows_words: bool = False

    def with_settings(self, settings: PaintSettings) -> "Lama":
        return self

    def fill(self, image: Image, hole: Array, words: str = "", seed: int = 0) -> Image:
        """`words` and `seed` change nothing here."""
        check_hole(image, hole)
        height, width = image.size
        inner = self._inner_size(image.size)
        pads = ((0, inner[0] - height), (0, inner[1] - width))
        pixels = np.pad(image.pixels, (*pads, (0, 0)), "symmetric").astype(np.float32) / 255
        mask = np.pad(hole, pads).astype(np.float32)[None, None]
        feeds = {
            self.ports.image: pixels.transpose(2, 0, 1)[None] * (1 - mask),
            self.ports.mask: mask,
        }
        out = np.asarray(self.session.run(None, feeds)[0], np.float32)
        if out.shape != (1, 3, *inner):
            raise CapabilityError(
                f"{self.name} should answer (1, 3, {inner[0]}, {inner[1]}), got {out.shape}"
            )
        # Exports differ: some answer in 0..1, some in 0..255.
        scale = 255 if float(np.nanmax(out)) <= 2 else 1
        answer = out[0, :, :height, :width].transpose(1, 2, 0) * scale
        painted = np.rint(np.nan_to_num(answer)).clip(0, 255).astype(np.uint8)
        return inside(image, hole, painted)

    def _inner_size(self, size: Size) -> Size:
        """The network's own size, or the next multiples of 8."""
        height, width = (-(-side // MULTIPLE) * MULTIPLE for side in size)
        inner = self.ports.size or (height, width)
        if size[0] > inner[0] or size[1] > inner[1]:
            raise CapabilityError(
                f"{self.name} takes crops up to {inner} (height, width), got {size}"
            )
        return inner
