"""ViTPose and ViTPose++: a person in a box -> 17 joints.

The box is widened to the network's shape, warped as in training ("unbiased": the corners of the
box are centres of pixels), and the peaks of the heat maps are refined by their curvature (DARK,
Zhang et al. 2020). They learned from COCO: figures on COCO are not zero-shot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from wordmask.core.image import Array, Image, Size
from wordmask.core.poses import JOINTS, Poses
from wordmask.core.protocols import Seen, own_seen
from wordmask.engines.hub.loading import Loaded, load_folder
from wordmask.engines.hub.pictures import IMAGENET, pixel_statistics
from wordmask.engines.hub.pixels import normalise, to_numpy
from wordmask.engines.hub.runtime import chunks
from wordmask.engines.options import EngineOptions
from wordmask.errors import WeightsError

AROUND = 1.25  # of the box, what the network sees
COCO = 0  # the expert of a ViTPose++ that learned COCO's joints
PEOPLE = 16  # at most at a time
SMOOTH, KERNEL = 0.8, 11  # of the heat maps, in cells
FAINT, STRONG = 1e-3, 50.0  # what the maps are held between, before their logarithm


class Frame(NamedTuple):
    """What the network sees: a box of its own shape in the picture."""

    middle: Array  # (2,) x, y
    sides: Array  # (2,) width, height

    @classmethod
    def around(cls, box: Array, size: Size) -> "Frame":
        """The box x0 y0 x1 y1, widened to the shape of `size`, and a quarter more."""
        width, height = np.maximum(box[2:] - box[:2], 1e-3).tolist()
        shape = size[1] / size[0]
        width, height = max(width, shape * height), max(height, width / shape)
        sides = AROUND * np.array([width, height], np.float32)
        return cls(((box[:2] + box[2:]) / 2).astype(np.float32), sides)

    def warp(self, pixels: Array, size: Size) -> Array:
        """(h, w, 3) of the picture, black beside it."""
        scale = (np.array(size[::-1], np.float32) - 1) / self.sides
        start = self.middle - self.sides / 2
        matrix = np.array([[scale[0], 0, 0], [0, scale[1], 0]], np.float32)
        matrix[:, 2] = -scale * start
        return np.asarray(cv2.warpAffine(pixels, matrix, size[::-1], flags=cv2.INTER_LINEAR))

    def places(self, cells: Array, grid: Size) -> Array:
        """(J, 2) cells x, y of a grid over the frame, in the picture."""
        steps = self.sides / (np.array(grid[::-1], np.float32) - 1)
        places: Array = self.middle - self.sides / 2 + cells * steps
        return places


@dataclass(frozen=True, eq=False)
class VitPoseSeen:
    """The picture itself: every person in it is looked at by itself."""

    image: Image

    @property
    def size(self) -> Size:
        return self.image.size

    @property
    def nbytes(self) -> int:
        return int(self.image.pixels.nbytes)


class VitPose:
    """A `PoseModel`."""

    def __init__(self, loaded: Loaded) -> None:
        self.name = loaded.name
        self._place = loaded.place
        backbone = loaded.model.config.backbone_config
        self._size: Size = (int(backbone.image_size[0]), int(backbone.image_size[1]))
        self._has_experts = int(backbone.num_experts) > 1
        self._statistics = pixel_statistics(loaded.folder.path, IMAGENET)
        if int(loaded.model.config.num_labels) != len(JOINTS):
            raise WeightsError(
                f"{loaded.folder.path} finds {loaded.model.config.num_labels} joints; only "
                f"checkpoints with COCO's {len(JOINTS)} are read"
            )
        self._model = loaded.place.prepare(loaded.model)

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [VitPoseSeen(image) for image in images]

    def poses(self, seen: Seen, boxes: Array) -> Poses:
        """The joints of the person in each box (N, 4)."""
        pixels = own_seen(seen, VitPoseSeen, self.name).image.pixels
        rows = np.asarray(boxes, np.float32).reshape(-1, 4)
        frames = [Frame.around(box, self._size) for box in rows]
        found = [self._poses(pixels, some) for some in chunks(frames, PEOPLE)]
        return Poses(np.concatenate(found)) if found else Poses.nobody()

    def pixels(self, pixels: Array, frames: Sequence[Frame]) -> Tensor:
        """(P, 3, h, w), normalised, as the network takes them."""
        parts = np.stack([frame.warp(pixels, self._size) for frame in frames])
        tensor = torch.from_numpy(parts).permute(0, 3, 1, 2).to(torch.float32) / 255
        return normalise(tensor, self._statistics)

    def _poses(self, pixels: Array, frames: Sequence[Frame]) -> Array:
        batch = self.pixels(pixels, frames).to(self._place.device, self._place.dtype)
        more = {}
        if self._has_experts:
            more["dataset_index"] = torch.full((len(frames),), COCO, device=batch.device)
        with torch.no_grad():
            maps = to_numpy(self._model(pixel_values=batch, **more).heatmaps)
        return np.stack([_joints(*pair) for pair in zip(maps, frames, strict=True)])


def load(name: str, options: EngineOptions) -> VitPose:
    """The engine of a known name or a folder in hub layout."""
    return VitPose(load_folder(name, options, __name__, "the pose engine"))


def _joints(maps: Array, frame: Frame) -> Array:
    """(J, 3) x, y in the picture and confidence, from heat maps (J, h, w)."""
    grid: Size = (maps.shape[1], maps.shape[2])
    peaks = [find_peak(plane) for plane in maps]
    confidence = np.clip(maps.max((1, 2)), 0, 1)
    places = frame.places(np.stack(peaks), grid)
    return np.concatenate([places, confidence[:, None]], 1).astype(np.float32)


def find_peak(plane: Array) -> Array:
    """(2,) x, y of a heat map's peak in cells, finer than a cell: one step of Newton's method.

    What is followed is the logarithm of the smoothed map, which is a parabola where the map is a
    Gaussian.
    """
    row, column = np.unravel_index(int(plane.argmax()), plane.shape)
    blurred = cv2.GaussianBlur(plane, (KERNEL, KERNEL), SMOOTH, borderType=cv2.BORDER_REFLECT)
    near = np.pad(np.log(np.clip(blurred, FAINT, STRONG)), 1, "edge")[
        row : row + 3, column : column + 3
    ]
    slope = np.array([near[1, 2] - near[1, 0], near[2, 1] - near[0, 1]]) / 2
    mixed = (
        near[2, 2] - near[2, 1] - near[1, 2] + 2 * near[1, 1] - near[1, 0] - near[0, 1] + near[0, 0]
    ) / 2
    bend = np.array(
        [
            [near[1, 2] - 2 * near[1, 1] + near[1, 0], mixed],
            [mixed, near[2, 1] - 2 * near[1, 1] + near[0, 1]],
        ]
    )
    step = np.linalg.solve(bend + np.finfo(np.float32).eps * np.eye(2), slope)
    return np.array([column, row], np.float32) - step
