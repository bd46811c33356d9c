"""Lift regions of a picture into space: points, surfaces, boxes and sizes.

A depth network says how far each pixel is, the camera's focal length how wide. Without anything
known in metres all lengths are right up to one factor only, and everything that comes out says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wordmask.core.depth import Camera, Depth
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.prompts import Text
from wordmask.core.protocols import DepthModel
from wordmask.core.result import Result
from wordmask.errors import MaskError, Mend, PromptError
from wordmask.tasks.finding.view import View
from wordmask.tasks.lifting.options import LiftOptions
from wordmask.tasks.lifting.region import LiftedRegion, Surroundings, lift_region
from wordmask.tasks.lifting.scale import (
    Distances,
    KnownDepth,
    known_from_sizes,
    measure_distances,
)
from wordmask.tasks.segment import SegmentOptions, segment_view

EXIF_STEP = 0.5  # mm: EXIF rounds the 35 mm focal length to whole millimetres


@dataclass(frozen=True)
class Measured:
    """What somebody has measured in metres, in one picture or alike in all of them."""

    sizes: tuple[tuple[str, float], ...] = ()  # a word, and the longest side of what it names
    depths: tuple[tuple[float, float, float], ...] = ()  # x, y, metres from the camera's plane


@dataclass(frozen=True, eq=False)
class Lift:
    """What became of the regions of one picture."""

    regions: tuple[LiftedRegion, ...]
    camera: Camera
    distances: Distances
    skipped: tuple[tuple[str, str], ...] = ()  # (name, why nothing could be made of it)

    @property
    def metric(self) -> bool:
        """Whether lengths are metres; else they are shares of the picture's median depth."""
        return self.distances.metric

    def line(self, region: LiftedRegion) -> str:
        """`chair: 1.02 x 0.43 x 0.21 m (+- 0.17, 0.07, 0.04), 2.05 m away`"""
        unit = " m" if self.metric else ""
        sides = " x ".join(f"{side:.2f}" for side in region.box.sides)
        errors = ", ".join(f"{error:.2f}" for error in region.errors)
        scale = "" if self.metric else "up to scale; "
        cut_off = "; cut off by the picture's edge" if region.cut_off else ""
        return (
            f"{region.name or 'region'}: {sides}{unit} ({scale}+- {errors}), "
            f"{region.distance:.2f}{unit} away{cut_off}"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be known of the lengths, in sentences for people: scale first, then lens."""
        return (scale_note(self.distances), *_doubts(self.distances), lens_note(self.camera))


def lift(
    image: Image,
    result: Result,
    depth: Depth,
    camera: Camera | None = None,
    known: Sequence[KnownDepth] = (),
    options: LiftOptions | None = None,
) -> Lift:
    """Every region of `result` in space.

    Without a `camera` it is the one in the options, the depth network's, or an assumed one. `known`
    are depths in metres, which may be wrong here and there where there are many.
    """
    if not len(result) or not result.masks.areas.any():
        raise PromptError(
            f"nothing to lift in {image.name or 'the picture'}: {why_nothing(result)}"
        )
    if not image.size == result.size == depth.values.shape:
        raise MaskError(
            f"the picture is {image.size}, the result {result.size}, the depth "
            f"{depth.values.shape} (height, width); they must be of one picture"
        )
    options = options or LiftOptions()
    camera = camera or choose_camera(image, depth, options)
    distances = measure_distances(depth, camera, known)
    around = Surroundings(image.pixels, distances, camera, options, depth.smoothing)
    regions, skipped = [], []
    for row, name in enumerate(result.names):
        made = lift_region(around, result.masks.one(row), row, name)
        if isinstance(made, str):
            skipped.append((name or "region", made))
        else:
            regions.append(made)
    if not regions:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped)
        raise nothing_to_lift(image, reasons)
    return Lift(tuple(regions), camera, distances, tuple(skipped))


def lift_view(
    view: View,
    result: Result,
    measured: Measured | None = None,
    options: LiftOptions | None = None,
    focal_35mm: float | None = None,
) -> Lift:
    """The same in a picture that is open: its engines find what was measured, and the depth."""
    options, measured = options or LiftOptions(), measured or Measured()
    if not len(result):  # before the depth network runs for nothing
        raise nothing_to_lift(view.image, why_nothing(result))
    depth = depth_of(view)
    camera = choose_camera(view.image, depth, options, focal_35mm)
    known = [KnownDepth(metres, x, y) for x, y, metres in measured.depths]
    known += find_known(view, measured.sizes, camera)
    return lift(view.image, result, depth, camera, known, options)


def find_known(view: View, sizes: Sequence[tuple[str, float]], camera: Camera) -> list[KnownDepth]:
    """The depths of things of known size: of each word the surest region counts."""
    masks, metres = [], []
    words = tuple(dict.fromkeys(word for word, _ in sizes))
    found = segment_view(view, Text(words), SegmentOptions()) if words else None
    for word, size in sizes:
        regions = None if found is None else found.select(word)
        if regions is None or not len(regions):
            raise PromptError(
                f"{word!r} of a known size was not found in {view.image.name or 'the picture'}; "
                "name another thing, or say how far away something is",
                mend=Mend("depth_at", "X,Y,METRES"),
            )
        masks.append(regions.masks[:1])
        metres.append(size)
    names = [word for word, _ in sizes]
    return known_from_sizes(Masks.concatenate(masks), metres, names, camera) if masks else []


def depth_of(view: View) -> Depth:
    """The depth of a picture by the first of its engines that knows depth."""
    model = view.models.get(DepthModel)
    return model.depth(view.encoding_of(model))


def choose_camera(
    image: Image, depth: Depth, options: LiftOptions, focal_35mm: float | None = None
) -> Camera:
    """The camera: as told, by the picture's EXIF (`focal_35mm`), by the network, or assumed.

    EXIF's focal length is that of a lens with the same view on film of 36 mm, which lies along the
    longer side however the picture was turned.
    """
    longest = max(image.size)
    if options.focal_px is not None:
        return Camera.of(image.size, options.focal_px)
    if options.view_deg is not None:
        return Camera.of_view(image.size, options.view_deg)
    if focal_35mm is not None:
        focal, error = focal_35mm / 36 * longest, EXIF_STEP / focal_35mm
        return Camera.of(image.size, focal, "exif", error)
    if depth.focal_px is not None:
        return Camera.of(image.size, depth.focal_px, "network")
    return Camera.assume(image.size)


def nothing_to_lift(image: Image, why: str) -> PromptError:
    """The error for a picture of which nothing comes."""
    return PromptError(f"nothing to lift in {image.name or 'the picture'}: {why}")


def why_nothing(result: Result) -> str:
    """The words that were not found, and what they would have needed."""
    misses = "; ".join(
        f"{word.phrase}: best {word.best:.2f}, needs {word.needed:.2f}" for word in result.absent
    )
    return f"no region was found ({misses})" if misses else "no region was found"


def scale_note(distances: Distances) -> str:
    """What a length means."""
    if distances.source == "network":
        return "in metres, as the depth network says"
    if distances.source == "nothing":
        return "up to scale: nothing is known in metres, 1 is the picture's median depth"
    if distances.known == 1:
        return "in metres, by one known depth or size"
    return f"in metres, by {distances.agree} of {distances.known} known depths or sizes that agree"


def _doubts(distances: Distances) -> list[str]:
    doubts = []
    if distances.shape_is_guessed:
        doubts.append("how deep things are beside how wide is a guess from usual pictures")
    if distances.error is None:
        doubts.append("errors leave out the depth network's own, which nobody has measured")
    return doubts


def lens_note(camera: Camera) -> str:
    """Where the focal length comes from."""
    focal = f"focal length {camera.focal[0]:.0f} px"
    if camera.source == "assumed":
        return f"{focal} is ASSUMED (55 degrees along the longer side)"
    where = {"given": "as given", "exif": "from EXIF", "network": "by the depth network"}
    return f"{focal} {where[camera.source]}"
