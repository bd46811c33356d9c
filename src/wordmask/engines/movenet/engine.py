"""A person in a box -> 17 joints, with MoveNet Lightning: embedded, offline, on a CPU.

The network sees the square around a box at 192 x 192 pixels, and its mirror image; what lies beside
the picture is black. It learned from COCO: figures on COCO are not zero-shot.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.poses import Poses
from wordmask.core.protocols import Seen, own_seen
from wordmask.engines.movenet.decode import Heads, decode, decode_all, join_looks
from wordmask.engines.movenet.files import FILES
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights.shipped import open_network
from wordmask.errors import WeightsError
from wordmask.ops import resample

FILE, SETTINGS = "movenet.onnx", "movenet.json"
MARGIN = 1.1  # of a box's longer side, what is seen (measured on training pictures)


def load(name: str, options: EngineOptions) -> "MoveNet":
    """The engine from the files in the package, or from the folder `options.checkpoint`."""
    folder = Path(options.checkpoint) if options.checkpoint is not None else FILES
    settings = folder / SETTINGS
    if not settings.is_file():
        raise WeightsError(
            f"the weights of {name} are not in {folder}; reinstall wordmask, or give a folder that "
            "scripts/movenet wrote"
        )
    return MoveNet(folder, json.loads(settings.read_text("utf-8")), options.op_threads)


@dataclass(frozen=True, eq=False)
class PosePicture:
    """The picture itself: every person in it is looked at by itself."""

    image: Image

    @property
    def size(self) -> Size:
        return self.image.size

    @property
    def nbytes(self) -> int:
        return int(self.image.pixels.nbytes)


class Square(NamedTuple):
    """A square of whole pixels, which may reach beyond the picture."""

    x: int
    y: int
    side: int

    @classmethod
    def around(cls, box: Array) -> "Square":
        """A little wider than the longer side of x0 y0 x1 y1, with the same middle."""
        x0, y0, x1, y1 = (float(edge) for edge in box)
        side = max(2, int(np.ceil(MARGIN * max(x1 - x0, y1 - y0))))
        return cls(round((x0 + x1 - side) / 2), round((y0 + y1 - side) / 2), side)

    def cut_from(self, pixels: Array) -> Array:
        """(side, side, 3), black where the picture ends."""
        height, width = pixels.shape[:2]
        part = np.zeros((self.side, self.side, 3), np.uint8)
        x0, y0 = max(0, self.x), max(0, self.y)
        x1, y1 = min(width, self.x + self.side), min(height, self.y + self.side)
        if x0 < x1 and y0 < y1:
            part[y0 - self.y : y1 - self.y, x0 - self.x : x1 - self.x] = pixels[y0:y1, x0:x1]
        return part

    def place(self, joints: Array, side: int) -> Array:
        """Joints (..., 3) in the square of `side` pixels that the network sees, in the picture."""
        xy = joints[..., :2] * (self.side / side) + (self.x, self.y)
        return np.concatenate([xy, joints[..., 2:]], -1).astype(np.float32)


class MoveNet:
    """A `GroupPoseModel`, safe in threads."""

    def __init__(self, folder: Path, settings: dict[str, Any], threads: int) -> None:
        self.name = f"movenet@sha256:{settings['files'][FILE][:12]}"
        self._side = int(settings["side"])
        self._folder, self._settings, self._threads = folder, settings, threads
        self._network: Any = None
        self._lock = Lock()

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [PosePicture(image) for image in images]

    def poses(self, seen: Seen, boxes: Array) -> Poses:
        """The person in the middle of each box (N, 4)."""
        pixels = own_seen(seen, PosePicture, self.name).image.pixels
        rows = np.asarray(boxes, np.float32).reshape(-1, 4)
        if not len(rows):
            return Poses.nobody()
        return Poses(np.stack([self._pose(pixels, Square.around(box)) for box in rows]))

    def all_poses(self, seen: Seen, box: Array) -> Poses:
        """Everybody in a box (4,), the most probable first."""
        pixels = own_seen(seen, PosePicture, self.name).image.pixels
        square = Square.around(np.asarray(box, np.float32))
        small = resample.stretch(square.cut_from(pixels), (self._side, self._side))
        heads = self._run(small[None].astype(np.float32))
        joints = decode_all(Heads(*(head[0] for head in heads)))
        return Poses(square.place(joints, self._side))

    def _pose(self, pixels: Array, square: Square) -> Array:
        small = resample.stretch(square.cut_from(pixels), (self._side, self._side))
        heads = self._run(np.stack([small, small[:, ::-1]]).astype(np.float32))
        straight, mirrored = (decode(Heads(*(head[row] for head in heads))) for row in (0, 1))
        return square.place(join_looks(straight, mirrored, self._side), self._side)

    def _run(self, pictures: Array) -> list[Array]:
        with self._lock:
            if self._network is None:
                self._network = open_network(self._folder, FILE, self._settings, self._threads)
        answers: list[Array] = self._network.run(list(Heads._fields), {"picture": pictures})
        return answers
