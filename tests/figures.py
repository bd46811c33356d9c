"""Drawn people whose joints are known, and pose models that answer with what a test says."""

from dataclasses import dataclass, field

import numpy as np

from wordmask.core.image import Image
from wordmask.core.poses import JOINTS, Poses

# A figure in front of us, in shares of its box: its left is on our right.
STANDING = {
    "nose": (0.5, 0.1), "left eye": (0.54, 0.08), "right eye": (0.46, 0.08),
    "left ear": (0.58, 0.09), "right ear": (0.42, 0.09),
    "left shoulder": (0.7, 0.22), "right shoulder": (0.3, 0.22),
    "left elbow": (0.88, 0.36), "right elbow": (0.12, 0.36),
    "left wrist": (0.95, 0.5), "right wrist": (0.05, 0.5),
    "left hip": (0.62, 0.52), "right hip": (0.38, 0.52),
    "left knee": (0.64, 0.74), "right knee": (0.36, 0.74),
    "left ankle": (0.65, 0.96), "right ankle": (0.35, 0.96),
}  # fmt: skip


def standing(box, confidence=0.9) -> np.ndarray:
    """(17, 3): the joints of a figure that fills a box x0 y0 x1 y1."""
    x0, y0, x1, y1 = box
    rows = [(x0 + x * (x1 - x0), y0 + y * (y1 - y0), confidence) for x, y in _shares()]
    return np.array(rows, np.float32)


def _shares():
    return [STANDING[name] for name in JOINTS]


@dataclass(frozen=True)
class PictureOnly:
    """What `Figures` makes of a picture."""

    size: tuple[int, int]
    nbytes: int = 0


@dataclass
class Figures:
    """A `PoseModel` that sees a standing figure in every box, or the joints that it was given."""

    joints: dict[tuple[int, ...], np.ndarray] = field(default_factory=dict)
    name: str = "figures"

    def encode(self, images: list[Image]) -> list[PictureOnly]:
        return [PictureOnly(image.size) for image in images]

    def poses(self, seen: PictureOnly, boxes: np.ndarray) -> Poses:
        if not len(boxes):
            return Poses.nobody()
        return Poses(np.stack([self._joints(box) for box in boxes]))

    def _joints(self, box: np.ndarray) -> np.ndarray:
        return self.joints.get(tuple(np.round(box).astype(int).tolist()), standing(box))


@dataclass
class Groups(Figures):
    """A `GroupPoseModel` that sees figures in the boxes that it was given."""

    people: tuple[tuple[float, ...], ...] = ()

    def all_poses(self, seen: PictureOnly, box: np.ndarray) -> Poses:
        return Poses(np.stack([standing(one) for one in self.people]))
