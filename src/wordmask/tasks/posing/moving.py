"""Joints through a video: those of each followed person, smoothed over time."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Interval

from wordmask.core.image import Image
from wordmask.core.models import Models
from wordmask.core.options import check
from wordmask.core.poses import CONFIDENT, Poses
from wordmask.core.protocols import PoseModel
from wordmask.core.result import Result
from wordmask.errors import PromptError
from wordmask.ops.one_euro import Smoothed, smooth


@dataclass(frozen=True)
class SmoothOptions:
    """How joints are smoothed over time (One-Euro filter)."""

    still_cutoff: Annotated[float, Interval(ge=0.01, le=1000)] = 1.5
    """In a video, Hz: lower holds people who stand still steadier."""
    speed_factor: Annotated[float, Interval(ge=0.01, le=1000)] = 4.0
    """In a video, Hz that the cutoff grows with a speed of one body's size a second: higher lags
    less."""

    def __post_init__(self) -> None:
        check(self)


class JointTracks:
    """Joints frame by frame; each person is known by a `track_id`."""

    def __init__(self, options: SmoothOptions | None = None, threshold: float = CONFIDENT) -> None:
        self._options = options or SmoothOptions()
        self._threshold = threshold
        self._known: dict[int, Smoothed] = {}

    def step(self, people: Result, poses: Poses, time_s: float) -> Poses:
        """The joints of this frame, smoothed; who is not in it is forgotten."""
        if people.track_ids is None:
            raise PromptError("people have no numbers here; follow them first (track)")
        joints = poses.joints.copy()
        there = poses.is_there(self._threshold)
        known: dict[int, Smoothed] = {}
        for row, id in enumerate(people.track_ids.tolist()):
            x0, y0, x1, y1 = people.masks.boxes[row].tolist()
            size = max(1.0, float(np.hypot(x1 - x0, y1 - y0)))
            values = np.where(there[row, :, None], joints[row, :, :2], np.nan)
            known[id] = smooth(
                self._known.get(id),
                values,
                time_s,
                cutoff=self._options.still_cutoff,
                beta=self._options.speed_factor / size,
            )
            joints[row, there[row], :2] = known[id].values[there[row]]
        self._known = known
        return Poses(joints, poses.names)


def pose_tracked(image: Image, people: Result, models: Models) -> Poses:
    """The joints of people who have been found in a frame, a row for each region."""
    model = models.get(PoseModel)
    (seen,) = model.encode([image])
    return model.poses(seen, people.masks.boxes.astype(np.float32))
