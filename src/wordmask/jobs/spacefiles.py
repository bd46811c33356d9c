"""What is written of lifted regions: each format is one function to bytes."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from wordmask.core.mesh import join_meshes
from wordmask.core.result import Result
from wordmask.media.drawing.orbit import draw_strip, draw_turning
from wordmask.media.drawing.space_page import ShownThing, space_page
from wordmask.media.formats.glb import NamedMesh, encode_glb
from wordmask.media.formats.ply import encode_ply
from wordmask.tasks.lift import Lift
from wordmask.tasks.lifting.region import LiftedRegion
from wordmask.version import __version__

AXES = "x right, y up, z towards the viewer; the camera stands at 0, 0, 0 and looks along -z"


@dataclass(frozen=True, eq=False)
class SpaceScene:
    """The things of one picture, with all that is said about them."""

    name: str  # the picture's
    result: Result
    lift: Lift

    def only(self, region: LiftedRegion) -> "SpaceScene":
        """The same with one thing."""
        return replace(self, lift=replace(self.lift, regions=(region,)))

    @property
    def title(self) -> str:
        """The picture's name without its folders, for files that are sent on."""
        return Path(self.name).name or "picture"

    @property
    def lines(self) -> list[str]:
        """A line for each thing, and what has to be known of the lengths."""
        return [*map(self.lift.line, self.lift.regions), *self.lift.notes]


class SpaceFormat(NamedTuple):
    """A kind of file."""

    suffix: str
    encode: Callable[[SpaceScene], bytes]
    each: bool = False  # in a folder every thing has a file of its own


def part_name(region: LiftedRegion) -> str:
    """What the file of one thing is called behind the picture's name: `.1-office-chair`."""
    word = re.sub(r"[^\w-]+", "-", region.name).strip("-")[:60]
    return f".{region.row + 1}-{word or 'region'}"


def to_ply(scene: SpaceScene) -> bytes:
    meshes = [region.mesh for region in scene.lift.regions]
    lines = [f"wordmask {__version__}: {scene.title}", *scene.lines, AXES]
    return encode_ply(join_meshes(meshes), lines)


def to_glb(scene: SpaceScene) -> bytes:
    meshes = [NamedMesh(region.name or "region", region.mesh) for region in scene.lift.regions]
    return encode_glb(meshes, scene.lines)


def to_preview(scene: SpaceScene) -> bytes:
    regions = scene.lift.regions
    strip = draw_strip(
        [region.mesh for region in regions],
        [region.box.corners() for region in regions],
        [*scene.lift.notes[:1], *scene.lines[: len(regions)], *scene.lift.notes[1:]],
    )
    out = BytesIO()
    strip.save(out, "PNG", compress_level=6)
    return out.getvalue()


def to_gif(scene: SpaceScene) -> bytes:
    regions = scene.lift.regions
    return draw_turning(
        [region.mesh for region in regions],
        [region.box.corners() for region in regions],
        scene.lift.notes[0],
    )


def to_page(scene: SpaceScene) -> bytes:
    things = [
        ShownThing(region.mesh, region.box.corners(), scene.lift.line(region))
        for region in scene.lift.regions
    ]
    page = space_page(things, title=scene.title, notes=scene.lift.notes)
    return page.encode(errors="surrogateescape")


def to_record(scene: SpaceScene) -> dict[str, Any]:
    """All that was measured, ready for JSON."""
    lift, camera, distances = scene.lift, scene.lift.camera, scene.lift.distances
    return {
        "wordmask": __version__,
        "image": scene.name,
        "size": list(scene.result.size),
        "made_by": list(scene.result.made_by),
        "unit": "metre" if lift.metric else "up to scale: 1 is the picture's median depth",
        "scale": {
            "metric": lift.metric,
            "source": distances.source,
            "known": distances.known,
            "agree": distances.agree,
            "error": distances.error,
            "shape_is_guessed": distances.shape_is_guessed,
        },
        "camera": {
            "focal_px": list(camera.focal),
            "centre": list(camera.centre),
            "source": camera.source,
            "error": camera.focal_error,
        },
        "axes": AXES,
        "notes": list(lift.notes),
        "regions": [_region_record(scene, region) for region in lift.regions],
        "skipped": [{"name": name, "why": why} for name, why in lift.skipped],
        "absent": [word.phrase for word in scene.result.absent],
    }


def to_json(scene: SpaceScene) -> bytes:
    return json.dumps(to_record(scene), ensure_ascii=False, indent=1).encode() + b"\n"


def _region_record(scene: SpaceScene, region: LiftedRegion) -> dict[str, Any]:
    faces = region.mesh.faces
    return {
        "row": region.row,
        "name": region.name,
        "score": round(float(scene.result.scores[region.row]), 4),
        "points": len(region.mesh),
        "triangles": 0 if faces is None else len(faces),
        "distance": _short(region.distance),
        "sides": _short(region.box.sides.tolist()),
        "errors": _short(region.errors.tolist()),
        "cut_off": region.cut_off,
        "box": {
            "centre": _short(region.box.centre.tolist()),
            "axes": _short(region.box.axes.tolist()),
            "corners": _short(region.box.corners().tolist()),
        },
    }


def _short(value: Any) -> Any:
    """Numbers with as many digits as they can be right."""
    return [_short(one) for one in value] if isinstance(value, list) else round(float(value), 5)


SPACE_FORMATS: dict[str, SpaceFormat] = {
    "json": SpaceFormat(".json", to_json),
    "preview": SpaceFormat(".png", to_preview),
    "page": SpaceFormat(".html", to_page),
    "ply": SpaceFormat(".ply", to_ply, each=True),
    "glb": SpaceFormat(".glb", to_glb, each=True),
    "gif": SpaceFormat(".gif", to_gif),
}
BY_SUFFIX: dict[str, str] = {kind.suffix: name for name, kind in SPACE_FORMATS.items()}
