"""What is told of each road user: where it is, how fast it moves, when it is here."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from wordmask.core.image import Array, Size
from wordmask.core.result import Result
from wordmask.tasks.driving.growth import LEAST, WINDOW, time_to_contact
from wordmask.tasks.driving.road import RoadCamera, metres, place_on_road

PATH = (0.3, 0.7)  # of the picture's width: what stands there and on the road is in the way


@dataclass(frozen=True)
class SceneObject:
    """One object in one frame."""

    id: int
    name: str
    score: float
    box: tuple[int, int, int, int]
    speed: tuple[float, float] | None  # px/s right and down, over the last frames
    contact_s: float | None  # time to the camera's plane
    no_contact: str  # why there is none: "edge", "occluded", "new", "lost", "not nearer"
    road_place: float | None  # across the road at its foot: 0 left edge, 1 right edge
    in_path: bool
    distance_m: float | None

    @property
    def is_on_road(self) -> bool:
        return self.road_place is not None and 0 <= self.road_place <= 1


@dataclass
class History:
    """The last frames of one object."""

    times: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    areas: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    middles: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def add(self, time_s: float, area: float, box: tuple[int, int, int, int]) -> None:
        self.times.append(time_s)
        self.areas.append(area)
        self.middles.append(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2))

    def clear_growth(self) -> None:
        """Forget what its area was; its places stay."""
        self.areas.clear()

    @property
    def speed(self) -> tuple[float, float] | None:
        """Slope of a line through its middles."""
        times = np.array(self.times)
        if len(times) < 2 or times[-1] <= times[0]:
            return None
        x, y = np.polyfit(times - times[0], np.array(self.middles), 1)[0]
        return float(x), float(y)

    @property
    def contact_s(self) -> float | None:
        count = len(self.areas)
        return time_to_contact(list(self.areas), list(self.times)[-count:]) if count else None


@dataclass(frozen=True, eq=False)
class FrameFacts:
    """What an object is seen against."""

    result: Result  # all objects of the frame
    own: Array  # (H, W) bool: the camera's own road
    camera: RoadCamera | None

    @property
    def size(self) -> Size:
        return self.result.size


def describe_object(row: int, history: History, around: FrameFacts, *, lost: bool) -> SceneObject:
    """All that is told of the object in a row of the frame's result."""
    region = around.result.one(row)
    x0, _, x1, y1 = region.box
    foot = ((x0 + x1) / 2, float(y1 - 1))
    reason = _reason(row, history, around, lost=lost)
    contact = None if reason else history.contact_s
    place = place_on_road(around.own, foot)
    share = foot[0] / around.size[1]
    distance = None
    if around.camera is not None:
        far = float(metres(np.array([float(y1)]), around.size, around.camera)[0])
        distance = None if np.isnan(far) else round(far, 2)
    return SceneObject(
        region.track_id or 0,
        region.name,
        region.score,
        region.box,
        history.speed,
        contact,
        reason or ("" if contact is not None else "not nearer"),
        place,
        place is not None and 0 <= place <= 1 and PATH[0] <= share <= PATH[1],
        distance,
    )


def _reason(row: int, history: History, around: FrameFacts, *, lost: bool) -> str:
    """Why its growth says nothing."""
    x0, y0, x1, y1 = around.result.masks.boxes[row].tolist()
    height, width = around.size
    if x0 <= 0 or y0 <= 0 or x1 >= width or y1 >= height:
        return "edge"
    if _is_occluded(row, around.result):
        return "occluded"
    if lost:
        return "lost"
    return "new" if len(history.areas) < LEAST else ""


def _is_occluded(row: int, result: Result) -> bool:
    """Whether a mask that stands lower in the picture, so nearer, touches it."""
    boxes = result.masks.boxes.astype(np.int64)
    own = boxes[row]
    for other in range(len(result)):
        box = boxes[other]
        apart = box[0] > own[2] or box[2] < own[0] or box[1] > own[3] or box[3] < own[1]
        if other != row and box[3] > own[3] and not apart:
            return True
    return False
