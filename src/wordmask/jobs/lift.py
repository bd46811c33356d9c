"""Pictures in, things in space out: meshes, a preview, a page to turn them, and their sizes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wordmask.core.protocols import DepthModel
from wordmask.errors import ImageError, Mend, OptionError, near_miss
from wordmask.files import write_bytes
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
from wordmask.jobs.setup import PictureAnswer, Setup, find_pictures
from wordmask.jobs.spacefiles import BY_SUFFIX, SPACE_FORMATS, SpaceScene, part_name
from wordmask.jobs.target import TargetOptions, load_finder
from wordmask.media.reading.facts import focal_35mm
from wordmask.media.reading.read import read_found
from wordmask.tasks.lift import Measured, lift_view
from wordmask.tasks.lifting.options import LiftOptions

LABEL = ".lifted"


@dataclass(frozen=True)
class SpaceOutputs(OutputOptions):
    """What is written of things in space, and where."""

    output_dir: Path | None = Path("lifted")
    """A folder for all files, or one file: .ply, .glb, .html, .png, .gif or .json."""
    format: tuple[str, ...] = ("json", "preview", "page", "ply", "glb")
    """What to write into a folder: json, preview, page, ply, glb, gif; many may be given."""

    def __post_init__(self) -> None:
        super().__post_init__()
        parts = [part for name in self.format for part in name.split(",") if part]
        for name in parts or self.format:
            if name not in SPACE_FORMATS:
                raise OptionError(
                    f"format must be of {', '.join(SPACE_FORMATS)}; got {name!r}."
                    f"{near_miss(name, SPACE_FORMATS)}",
                    mend=Mend("format", "ply"),
                )
        object.__setattr__(self, "format", tuple(dict.fromkeys(parts)))


@dataclass(frozen=True)
class SpaceSetup(Setup):
    """A setup for lifting."""

    inputs: InputOptions = field(default_factory=InputOptions)
    outputs: SpaceOutputs = field(default_factory=SpaceOutputs)


@dataclass(frozen=True)
class LiftQuery:
    """What is lifted, and what is known of the pictures in metres."""

    target: TargetOptions
    measured: Measured = field(default_factory=Measured)
    options: LiftOptions = field(default_factory=LiftOptions)


@dataclass(frozen=True, eq=False)
class LiftedPicture(PictureAnswer):
    """What came of one picture."""

    scene: SpaceScene | None = None


def lift(
    sources: Sequence[str], query: LiftQuery, setup: SpaceSetup
) -> Iterator[Event[LiftedPicture]]:
    """Lift the target in every picture."""
    found = find_pictures(sources)
    file = typed_file(setup.outputs, BY_SUFFIX, found)
    if file is not None:
        able = (BY_SUFFIX[file.suffix.lower()],)
        format_of_file(file, able, setup.outputs.format, SpaceOutputs.format)
    finder = load_finder(query.target, setup, DepthModel)
    recipe = finder.recipe | {
        "measured": query.measured,
        "options": query.options,
        "engine": setup.engine,
        "formats": setup.outputs.format,
    }
    products = Products(
        "lift", recipe, () if file else _known_suffixes(setup.outputs), LABEL, query.target.files,
        typed=() if file is None else (file,),
    )  # fmt: skip
    outputs = Outputs(found, products, setup.outputs)

    def work(item: WorkItem) -> LiftedPicture:
        read = read_found(item.found, setup.inputs.limits, web=setup.inputs.web)
        if read.image is None:
            raise read.error or ImageError(f"{item.name} cannot be read")
        view = finder.view(read.image)
        focal = None if item.path is None else focal_35mm(item.path)
        result = finder.find_in(view)
        made = lift_view(view, result, query.measured, query.options, focal)
        scene = SpaceScene(item.name, result.with_image(read.image), made)
        files = (
            _write_folder(scene, item, setup.outputs) if file is None else _write_file(scene, file)
        )
        return LiftedPicture(item.name, scene.result, files, read.notes, scene=scene)

    return run(outputs.items, work, outputs)


def _known_suffixes(outputs: SpaceOutputs) -> tuple[str, ...]:
    """Of the files whose names do not depend on what is found."""
    kinds = [SPACE_FORMATS[name] for name in outputs.format]
    return tuple(kind.suffix for kind in kinds if not kind.each)


def _write_file(scene: SpaceScene, file: Path) -> tuple[Path, ...]:
    """All things of the picture in one file."""
    kind = SPACE_FORMATS[BY_SUFFIX[file.suffix.lower()]]
    return (write_bytes(file, kind.encode(scene)),)


def _write_folder(scene: SpaceScene, item: WorkItem, outputs: SpaceOutputs) -> tuple[Path, ...]:
    """Every format; meshes in a file for each thing."""
    files = []
    for name in outputs.format:
        kind = SPACE_FORMATS[name]
        if not kind.each:
            files.append(write_bytes(item.file(kind.suffix), kind.encode(scene)))
            continue
        for region in scene.lift.regions:
            path = item.file(part_name(region) + kind.suffix)
            files.append(write_bytes(path, kind.encode(scene.only(region))))
    return tuple(files)
