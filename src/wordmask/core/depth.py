"""How far things are, and the camera that saw them."""

from dataclasses import dataclass, replace
from math import atan, degrees, isfinite, radians, tan
from typing import Literal

from wordmask.core.image import Array, Size
from wordmask.errors import Mend, OptionError

ASSUMED_VIEW = 55.0  # degrees
# Between 45 and 65 degrees, which most cameras have unzoomed, the focal length is so far off.
ASSUMED_ERROR = 0.2


@dataclass(frozen=True, eq=False)
class Depth:
    """How far each pixel is from the camera's plane, in one of three ways.

    `metric`: metres. Else values that grow away from the camera, or towards it where `inverse`:
    Z, or 1 / Z, up to a scale and a shift that only known depths can tell.
    """

    values: Array  # (H, W) float32
    metric: bool = False
    inverse: bool = True
    # With this focal length the metres were computed; with another one they grow in proportion.
    focal_px: float | None = None
    # Added to the values it makes them about proportional to Z (1 / Z) in most pictures; a guess
    # for where nothing is known. None: nobody has measured it.
    usual_shift: float | None = None
    # How far Z is off on average, as a share, where scale and shift are right; None: not measured
    usual_error: float | None = None
    # Sigma of the Gaussian mean inside a thing that makes its shape most right, a share of the
    # square root of its area: a coarse network's relief is mostly noise
    smoothing: float = 0.0


FocalSource = Literal["given", "exif", "network", "assumed"]


@dataclass(frozen=True)
class Camera:
    """A pinhole: where a point in space falls in the picture.

    x right, y down from the picture's top-left edge, as everywhere; `centre` is where the optical
    axis meets it.

    >>> camera = Camera.of((480, 640), 500)
    >>> camera.crop(100, 50).centre, camera.resize((480, 640), (240, 320)).focal
    ((220.0, 190.0), (250.0, 250.0))
    """

    focal: tuple[float, float]  # pixels, along x and y
    centre: tuple[float, float]  # x, y
    source: FocalSource = "given"
    focal_error: float = 0.0  # a share of the focal length

    def __post_init__(self) -> None:
        if not all(isfinite(one) and one > 0 for one in self.focal):
            raise OptionError(
                f"focal_px must be pixels above 0; got {max(self.focal):g}",
                mend=Mend("focal_px", "1000"),
            )

    @classmethod
    def of(
        cls, size: Size, focal_px: float, source: FocalSource = "given", error: float = 0.0
    ) -> "Camera":
        """Square pixels, and the axis through the middle of the picture."""
        return cls((focal_px, focal_px), (size[1] / 2, size[0] / 2), source, error)

    @classmethod
    def of_view(cls, size: Size, view_deg: float) -> "Camera":
        """By the field of view along the longer side."""
        return cls.of(size, max(size) / 2 / tan(radians(view_deg) / 2))

    @classmethod
    def assume(cls, size: Size) -> "Camera":
        """Where nothing is known: 55 degrees along the longer side, which is usual for phones."""
        focal = cls.of_view(size, ASSUMED_VIEW).focal[0]
        return cls.of(size, focal, "assumed", ASSUMED_ERROR)

    @property
    def view_deg(self) -> float:
        """The field of view along x, if the axis goes through the middle."""
        return degrees(2 * atan(self.centre[0] / self.focal[0]))

    def crop(self, x0: float, y0: float) -> "Camera":
        """The camera of the part of the picture that begins at x0, y0."""
        return replace(self, centre=(self.centre[0] - x0, self.centre[1] - y0))

    def resize(self, old: Size, new: Size) -> "Camera":
        """The camera of the picture at another size."""
        x, y = new[1] / old[1], new[0] / old[0]
        (fx, fy), (cx, cy) = self.focal, self.centre
        return replace(self, focal=(fx * x, fy * y), centre=(cx * x, cy * y))
