"""Pictures in, people with their joints out."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from wordmask import engines
from wordmask.core.models import Models
from wordmask.core.prompts import Boxes, Text
from wordmask.core.protocols import PoseModel, Segmenter
from wordmask.engines import EngineOptions
from wordmask.errors import ImageError
from wordmask.jobs.loop import Event, run
from wordmask.jobs.outputs import (
    OutputOptions,
    Outputs,
    Products,
    WorkItem,
    format_of_file,
    typed_file,
)
from wordmask.jobs.pictures import InputOptions
from wordmask.jobs.setup import Setup, find_pictures
from wordmask.media import formats
from wordmask.media.drawing import render
from wordmask.media.drawing.skeleton import draw_parts, draw_people
from wordmask.media.formats.records import Named
from wordmask.media.reading.read import read_found
from wordmask.media.writing import PICTURE_SUFFIXES
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View
from wordmask.tasks.pose import People, PoseOptions, pose_view

PoseFormat = Literal["json", "skeleton", "parts", "coco"]
SUFFIXES: dict[PoseFormat, tuple[str, ...]] = {
    "json": (".pose.json",),
    "skeleton": (".pose.png",),
    "parts": (".parts.json", ".parts.png"),
    "coco": (".pose.coco.json",),
}
# What one file that a person names may hold, best first.
FILES: dict[str, tuple[PoseFormat, ...]] = {".json": ("json", "coco", "parts")}
FILES |= dict.fromkeys(PICTURE_SUFFIXES, ("skeleton", "parts"))
EMBEDDED = "movenet"


@dataclass(frozen=True)
class PoseOutputs(OutputOptions):
    """What is written of each picture, and where."""

    output_dir: Path | None = None
    """A folder, or one file: .png (skeletons, or parts) or .json, of a video .mp4 or .jsonl;
    default: beside the picture."""
    format: tuple[PoseFormat, ...] = ("json", "skeleton", "parts")
    """What to write: json (people with their joints), skeleton (drawn), parts (head, torso, arms
    and legs: drawn, and as JSON), coco (keypoints); many may be given."""


@dataclass(frozen=True)
class PoseSetup(Setup):
    """A setup for jobs that find joints."""

    inputs: InputOptions = field(default_factory=InputOptions)
    outputs: PoseOutputs = field(default_factory=PoseOutputs)


@dataclass(frozen=True, eq=False)
class PoseAnswer:
    """What came of one picture."""

    name: str
    people: People  # with their picture
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()  # what was changed when the picture was read
    trace: Trace | None = None


def load_models(spec: str | Models, options: EngineOptions | None = None) -> Models:
    """The engines of that name, which must cut; the embedded `movenet` joins where none knows
    joints."""
    models = spec
    if isinstance(models, str):
        models = engines.load(models, need=(Segmenter,), options=options)
    if models.has(PoseModel):
        return models
    plain = replace(options or EngineOptions(), checkpoint=None, model_cfg=None)
    joined = engines.load(EMBEDDED, options=plain)
    return Models(f"{models.spec}+{joined.spec}", (*models.parts, *joined.parts))


def pose(
    sources: Any, who: Text | Boxes, options: PoseOptions, setup: PoseSetup
) -> Iterator[Event[PoseAnswer]]:
    """The people whom words name, or one in each box, with their joints."""
    found = find_pictures(sources)
    names, file = setup.outputs.format, typed_file(setup.outputs, FILES, found)
    if file is not None:
        able = FILES[file.suffix.lower()]
        names = (format_of_file(file, able, names, PoseOutputs.format),)
    models = load_models(setup.model, setup.engine)
    recipe = {"who": who, "models": models.made_by, "options": options, "engine": setup.engine}
    recipe |= {"formats": names}
    if file is None:
        suffixes = tuple(suffix for name in names for suffix in SUFFIXES[name])
        products = Products("pose", recipe, suffixes)
    else:
        products = Products("pose", recipe, (), typed=(file,))
    outputs = Outputs(found, products, setup.outputs)

    def work(item: WorkItem) -> PoseAnswer:
        read = read_found(item.found, setup.inputs.limits, web=setup.inputs.web)
        if read.image is None:
            raise read.error or ImageError(f"{item.name} cannot be read")
        trace = Trace(how="pose")
        people = pose_view(View(read.image, models, trace), who, options)
        people = people.with_image(read.image)
        places = [(name, item.file(suffix)) for name in names for suffix in SUFFIXES[name]]
        if file is not None:
            places = [(names[0], file)]
        for name, path in places:
            _write(people, name, path, options.joint_threshold)
        files = tuple(path for _, path in places)
        return PoseAnswer(item.name, people, files, read.notes, trace)

    return run(outputs.items, work, outputs)


def _write(people: People, name: PoseFormat, path: Path, threshold: float) -> None:
    """One format as the file that its suffix tells: JSON, or a picture."""
    is_json = path.suffix.lower() == ".json"
    if name == "parts" and is_json:
        formats.save(people.parts, path, "json")
    elif name == "parts":
        render.write(draw_parts(people.parts, people.result.image), path)
    elif is_json:
        formats.save_named([to_named(people, path.stem)], path, name)
    else:
        render.write(draw_people(people.result, people.poses, threshold), path)


def to_named(people: People, name: str = "") -> Named:
    """The people as a file keeps them; `name` is for a picture that has none."""
    image = people.result.image
    return Named(image.name if image and image.name else name, people.result, poses=people.poses)
