"""People's joints, a row for each person; and how joints make a body.

Left and right are the person's own, as in COCO. Coordinates are the picture's: x right, y down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wordmask.core.image import Array, frozen
from wordmask.core.masks import row_numbers
from wordmask.errors import InputError

# COCO's, in its order.
JOINTS = (
    "nose", "left eye", "right eye", "left ear", "right ear",
    "left shoulder", "right shoulder", "left elbow", "right elbow", "left wrist", "right wrist",
    "left hip", "right hip", "left knee", "right knee", "left ankle", "right ankle",
)  # fmt: skip
# Pairs of joints with a bone between them, COCO's too.
BONES = (
    ("left ankle", "left knee"), ("left knee", "left hip"), ("right ankle", "right knee"),
    ("right knee", "right hip"), ("left hip", "right hip"), ("left shoulder", "left hip"),
    ("right shoulder", "right hip"), ("left shoulder", "right shoulder"),
    ("left shoulder", "left elbow"), ("right shoulder", "right elbow"),
    ("left elbow", "left wrist"), ("right elbow", "right wrist"), ("left eye", "right eye"),
    ("nose", "left eye"), ("nose", "right eye"), ("left eye", "left ear"),
    ("right eye", "right ear"), ("left ear", "left shoulder"), ("right ear", "right shoulder"),
)  # fmt: skip
# OKS: how far people who mark a joint lie apart, as a share of the person's size (Lin et al. 2014).
SPREADS = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062,
    0.107, 0.107, 0.087, 0.087, 0.089, 0.089,
)  # fmt: skip


CONFIDENT = 0.3  # confidence from which a joint counts as there


@dataclass(frozen=True, eq=False)
class Poses:
    """The joints of N people: row k is of box k, or of region k of a result.

    >>> pose = Poses(np.zeros((1, 17, 3), np.float32))
    >>> len(pose), pose.names[0]
    (1, 'nose')
    """

    joints: Array  # (N, J, 3) float32: x, y, confidence in [0, 1]; 0 is "not there"
    names: tuple[str, ...] = JOINTS

    def __post_init__(self) -> None:
        joints = np.asarray(self.joints, np.float32)
        names = tuple(self.names)
        if joints.ndim != 3 or joints.shape[1:] != (len(names), 3):
            raise InputError(f"joints are (N, {len(names)}, 3), got {joints.shape}")
        if not np.isfinite(joints).all():
            raise InputError(
                "joints must be finite numbers; one that is not there has confidence 0"
            )
        if joints.size and not ((joints[..., 2] >= 0) & (joints[..., 2] <= 1)).all():
            raise InputError("the confidence of a joint lies in [0, 1]")
        object.__setattr__(self, "joints", frozen(joints))
        object.__setattr__(self, "names", names)

    @classmethod
    def nobody(cls, names: Sequence[str] = JOINTS) -> "Poses":
        """Of no person, which is a normal answer."""
        return cls(np.zeros((0, len(names), 3), np.float32), tuple(names))

    def __len__(self) -> int:
        return len(self.joints)

    def __getitem__(self, index: Any) -> "Poses":
        """A subset of the people by int, slice, bools or indices, in their order."""
        return Poses(self.joints[row_numbers(index, len(self))], self.names)

    def place(self, name: str) -> int:
        """The column of a joint."""
        if name not in self.names:
            raise InputError(f"there is no joint {name!r} among {', '.join(self.names)}")
        return self.names.index(name)

    def is_there(self, threshold: float) -> Array:
        """(N, J) bool: the joints whose confidence reaches the threshold, and is not 0."""
        confidence = self.joints[..., 2]
        there: Array = (confidence >= threshold) & (confidence > 0)
        return there
