"""A drive, frame by frame: who is where, where the road is free, what to beware of."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt

from wordmask.core.image import Array, Image
from wordmask.core.models import Models
from wordmask.core.options import Confidence, Share, check
from wordmask.core.prompts import Text
from wordmask.core.result import Result
from wordmask.errors import Mend, OptionError
from wordmask.tasks.dense import DenseOptions, label_view
from wordmask.tasks.driving.motion import MotionFollower, Moving
from wordmask.tasks.driving.objects import FrameFacts, History, SceneObject, describe_object
from wordmask.tasks.driving.road import RoadCamera, free_rows, free_space, own_road, road_markings
from wordmask.tasks.finding.view import View
from wordmask.tasks.segment import SegmentOptions
from wordmask.tasks.tracking.live import LiveTracker, Looks
from wordmask.tasks.tracking.options import TrackOptions

# Cityscapes' 19 names, the first eleven of them stuff.
CITYSCAPES: tuple[str, ...] = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign",
    "vegetation", "terrain", "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle",
    "bicycle",
)  # fmt: skip
FOLLOWED = (*CITYSCAPES[6:8], *CITYSCAPES[11:])
# Words that an engine knows better than the names.
SPELLED = {
    "vegetation": "tree|bush|vegetation",
    "terrain": "grass|terrain",
    "rider": "cyclist|rider",
}
MOVERS = CITYSCAPES[11:]
FRAIL = ("person", "rider", "bicycle", "motorcycle")
SHORT_ROAD = 0.75  # of the height: free road that ends below this row is short
CENTRE = (0.4, 0.6)  # of the width: where the road ahead is looked at


SIGNS, LARGEST_SIGN = CITYSCAPES[6:8], 0.03  # of the picture: what is larger is no sign


@dataclass(frozen=True)
class SceneOptions:
    """How a drive is looked at."""

    look_every: Annotated[int, Ge(1)] = 10
    """Look for all classes in every k-th frame; between, things move with their own points and the
    road stays."""
    min_confidence: Confidence = "auto"
    """Score from which a thing counts: 0 to 1, or auto (as in `segment`)."""
    markings: bool = False
    """Also find what is painted on the road."""
    line: str = ""
    """"x0,y0,x1,y1" in pixels: count what crosses it, by its foot."""
    contact_s: Annotated[float, Gt(0)] = 3.0
    """Warn of what reaches the camera in less time."""
    camera_height: Annotated[float, Gt(0)] | None = None
    """Metres above the road; with focal_px the free road and things have distances."""
    focal_px: Annotated[float, Gt(0)] | None = None
    """Focal length in pixels of the frame."""
    horizon: Share = 0.5
    """Row of the horizon, as a share of the height from the top."""

    def __post_init__(self) -> None:
        check(self)
        _ = self.ends  # raises where the line is none

    @property
    def camera(self) -> RoadCamera | None:
        """None without its height and its focal length, which belong together."""
        if (self.camera_height is None) != (self.focal_px is None):
            missing = "focal_px" if self.focal_px is None else "camera_height"
            raise OptionError(
                "distances need the camera's height and its focal length, and one is not given",
                mend=Mend(missing, "900" if missing == "focal_px" else "1.5"),
            )
        if self.camera_height is None or self.focal_px is None:
            return None
        return RoadCamera(self.camera_height, self.focal_px, self.horizon)

    @property
    def ends(self) -> tuple[float, float, float, float] | None:
        """The line's ends."""
        if not self.line:
            return None
        try:
            x0, y0, x1, y1 = (float(part) for part in self.line.split(","))
        except ValueError:
            raise OptionError(
                f"a line is four numbers joined by commas, got {self.line!r}",
                mend=Mend("line", "0,300,640,300"),
            ) from None
        return x0, y0, x1, y1


@dataclass(frozen=True, eq=False)
class SceneFrame:
    """What a driver would want to know of one frame."""

    result: Result  # the objects; track_ids are theirs
    objects: tuple[SceneObject, ...]  # in the same order
    road: Array  # (H, W) bool: free road before the camera
    free: Array  # (W,) its highest row in each column; H where there is none
    markings: Array | None  # (H, W) bool
    counts: dict[str, int]  # of each class in the frame
    crossings: dict[str, int]  # so far, "car right": by class, and the side it went to
    warnings: tuple[str, ...]


@dataclass
class SceneWatcher:
    """A drive that is watched frame by frame."""

    models: Models
    options: SceneOptions = field(default_factory=SceneOptions)

    def __post_init__(self) -> None:
        options, self._camera = self.options, self.options.camera
        words = Text(tuple(SPELLED.get(name, name) for name in FOLLOWED))
        looks = Looks(words, SegmentOptions(min_confidence=options.min_confidence))
        following = TrackOptions(
            look_every=options.look_every, forget_after=0, birth_confidence=0.5
        )
        follower = MotionFollower(options.look_every)
        self._tracker = LiveTracker(self.models, follower, looks, following)
        self._histories: dict[int, History] = {}
        self._sides: dict[int, float] = {}
        self._crossings: Counter[str] = Counter()
        self._own: Array | None = None

    def step(self, frame: Image, time_s: float) -> SceneFrame:
        """The next frame, and when it was."""
        is_look = self._tracker.frames % self.options.look_every == 0
        result = self._tracker.step(frame)
        result = drop_wide_signs(result.replace(vocabulary=FOLLOWED))
        if is_look or self._own is None:
            self._own = find_road(self._tracker.view)
        own = self._own & ~result.masks.union()
        around = FrameFacts(result, own, self._camera)
        objects = tuple(self._describe(row, around, time_s) for row in range(len(result)))
        self._forget(objects)
        for thing in objects:
            self._note_crossing(thing)
        free = free_rows(own)
        return SceneFrame(
            result,
            objects,
            free_space(own),
            free,
            road_markings(frame, self._own) if self.options.markings else None,
            dict(Counter(result.names)),
            dict(self._crossings),
            tuple(self._warn(objects, free, frame)),
        )

    def _describe(self, row: int, around: FrameFacts, time_s: float) -> SceneObject:
        region = around.result.one(row)
        id = region.track_id or 0
        state = self._tracker.memory_of(id).state
        area, lost = (state.area, state.broken > 0) if isinstance(state, Moving) else (0.0, True)
        history = self._histories.setdefault(id, History())
        if lost:
            history.clear_growth()
        history.add(time_s, area, region.box)
        return describe_object(row, history, around, lost=lost)

    def _forget(self, objects: tuple[SceneObject, ...]) -> None:
        here = {thing.id for thing in objects}
        self._histories = {id: kept for id, kept in self._histories.items() if id in here}

    def _note_crossing(self, thing: SceneObject) -> None:
        """Count the object where its foot has gone to the other side of the line."""
        ends = self.options.ends
        if ends is None:
            return
        x0, y0, x1, y1 = ends
        x, y = (thing.box[0] + thing.box[2]) / 2, thing.box[3]
        length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-9)
        along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length
        side = float(np.sign((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)))
        before = self._sides.get(thing.id)
        if before and side and side != before and 0 <= along <= 1:
            # Seen from the line's first end to its second, y downwards: + is right of it.
            self._crossings[f"{thing.name} {'right' if side > 0 else 'left'}"] += 1
        if side:
            self._sides[thing.id] = side

    def _warn(self, objects: tuple[SceneObject, ...], free: Array, frame: Image) -> list[str]:
        """What a driver should be told, each with its reason."""
        told = []
        for thing in objects:
            is_soon = thing.contact_s is not None and thing.contact_s < self.options.contact_s
            if is_soon and thing.name in MOVERS and thing.is_on_road:
                told.append(f"{thing.name} {thing.id}: contact in {thing.contact_s:.1f} s")
            if thing.name in FRAIL and thing.in_path:
                told.append(f"{thing.name} {thing.id}: on the road ahead")
        height, width = frame.size
        ahead = free[int(CENTRE[0] * width) : max(1, int(CENTRE[1] * width))]
        if not (free < height).any():
            told.append("no road is seen before the camera")
        elif float(np.median(ahead)) > SHORT_ROAD * height:
            told.append("the free road ahead is short")
        return told


def find_road(view: View) -> Array:
    """(H, W) bool: the road that reaches the bottom centre of a picture."""
    text = Text(tuple(SPELLED.get(name, name) for name in CITYSCAPES))
    labels, _ = label_view(view, text, DenseOptions(refine="none"))
    return own_road(labels == CITYSCAPES.index("road"))


def drop_wide_signs(result: Result) -> Result:
    """Signs and lights that fill too much of the picture are something else."""
    most = LARGEST_SIGN * result.size[0] * result.size[1]
    areas = result.masks.areas.tolist()
    return result[
        [name not in SIGNS or area <= most for name, area in zip(result.names, areas, strict=True)]
    ]
