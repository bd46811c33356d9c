"""How regions are lifted."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Interval

from wordmask.core.options import check
from wordmask.errors import Mend, OptionError


@dataclass(frozen=True)
class LiftOptions:
    """The camera, and what is thrown away before points become things."""

    focal_px: Annotated[float, Interval(ge=1, le=1e7)] | None = None
    """Focal length in pixels; default: from EXIF, from the network, or 55 degrees assumed."""
    view_deg: Annotated[float, Interval(ge=1, le=175)] | None = None
    """Field of view along the picture's longer side in degrees, in place of the focal length."""
    erode: Annotated[int, Interval(ge=0, le=200)] = 2
    """Pixels that masks lose at their edge, where depth belongs to what lies behind."""
    edge_deg: Annotated[float, Interval(ge=30, le=90)] = 85.0
    """Depth jumps where a surface would be turned away from the line of sight by more: those
    points are thrown away."""
    deviations: Annotated[float, Interval(ge=1, le=1000)] = 4.0
    """Points farther from the region's median depth than so many deviations (MAD) are dropped."""
    max_points: Annotated[int, Ge(100)] = 40_000
    """A region of more pixels is thinned out evenly."""
    surface: bool = True
    """Join neighbouring points to triangles."""

    def __post_init__(self) -> None:
        check(self)
        if self.focal_px is not None and self.view_deg is not None:
            raise OptionError(
                "focal_px and view_deg both tell the focal length; leave one of them out",
                mend=Mend("focal_px", "1000"),
            )
