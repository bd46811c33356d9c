"""How things are followed through a volume, and what is made of them."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Interval

from wordmask.core.options import Share, check
from wordmask.core.volume import PLANES, Plane, Volume

Planes = Literal["auto", "axial", "coronal", "sagittal", "all"]


@dataclass(frozen=True)
class VolumeOptions:
    """How solids are made of what is shown in slices."""

    planes: Planes = "auto"
    """In which slices clicks are looked at: axial, coronal, sagittal, all three (which then vote),
    or auto: where pixels are finest, axial if they are alike."""
    window: str = "auto"
    """What is black and white: soft, lung, liver, bone, brain; width/level as in 400/40;
    percentiles as in 0.5-99.5%; or auto: soft for CT, else percentiles."""
    how: Literal["auto", "tracker", "neighbour", "values"] = "auto"
    """From slice to slice by the engine's tracker or by the mask of the neighbour; values: by no
    engine, all connected voxels that are more like the clicks on it than like those beside it;
    auto: the tracker where there is one, and values where that contradicts the clicks."""
    between: Literal["follow", "interpolate"] = "follow"
    """Between two slices in which an object is shown, follow it from both or interpolate its
    shape."""
    stop_below: Share = 0.3
    """Confidence at which an object ends on its way through the slices."""
    max_slices: Annotated[int, Interval(ge=0, le=100_000)] | None = None
    """At most so many slices each way from where an object is shown."""
    refine: Literal["auto", "none"] = "auto"
    """Let the values decide at the edge where they tell inside from outside (auto), or never."""
    pieces: Literal["shown", "largest", "all"] = "shown"
    """Of separate pieces keep those that hold a click, the largest, or all."""
    min_voxels: Annotated[int, Ge(1)] = 1
    """Pieces of fewer voxels are dropped."""
    holes: Literal["fill", "keep"] = "fill"
    """What becomes of holes that are closed on all sides."""

    def __post_init__(self) -> None:
        check(self)

    def planes_of(self, volume: Volume) -> tuple[Plane, ...]:
        """The planes in which clicks are looked at, the best one first."""
        if self.planes == "all":
            return ("axial", "coronal", "sagittal")
        if self.planes != "auto":
            return (self.planes,)
        # The thicker the slices, the finer their pixels; of equal ones axial is last and wins.
        gaps = {plane: round(volume.slicing(plane).gap, 3) for plane in PLANES}
        return (max(reversed(PLANES), key=lambda plane: gaps[plane]),)
