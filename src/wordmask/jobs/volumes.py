"""A scan with what is shown in it -> a segmentation file, a surface, a sheet of slices, a report.

All files get their names at once, or none of them does.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wordmask.core.options import check
from wordmask.core.prompts import Text
from wordmask.core.volume import PLANES, Plane, Volume
from wordmask.engines import EngineOptions
from wordmask.errors import FormatError, Mend, OptionError, PromptError
from wordmask.files import identity, together, write_json
from wordmask.jobs.setup import Setup
from wordmask.media.drawing import palette
from wordmask.media.drawing.render import write as write_drawing
from wordmask.media.drawing.solids import draw_surfaces, slices_sheet
from wordmask.media.formats.ply import write_ply
from wordmask.media.formats.stl import write_stl
from wordmask.media.volumes.read import ReadingOptions, read_volume
from wordmask.media.volumes.write import SegmentName, suffix_of, write_segmentation
from wordmask.media.writing import PICTURE_SUFFIXES
from wordmask.ops.surface import join_meshes, surface_of
from wordmask.tasks.solid.options import VolumeOptions
from wordmask.tasks.volume import DISCLAIMER, Solid, SolidMaker, VolumePrompt, VolumeResult, volume
from wordmask.tasks.volume_session import prompts_of_words

MESHES = (".ply", ".stl")


@dataclass(frozen=True)
class VolumeOutputs:
    """What is written of a volume. Every name is one that you give, and is replaced."""

    output: Path | None = None
    """The segmentation: .nii.gz, .nii, .nrrd, or .dcm (DICOM-SEG, of a DICOM series only). Its
    voxels are the objects' numbers."""
    surface: Path | None = None
    """The objects' surface in mm (RAS), as .ply (a colour for each object) or .stl."""
    sheet: Path | None = None
    """A picture of slices with outlines (.png)."""
    view: Path | None = None
    """A picture of the surface (.png)."""
    report: Path | None = None
    """Sizes, prompts and how each object came about (.json)."""

    def __post_init__(self) -> None:
        check(self)
        for name, suffixes in (
            ("surface", MESHES),
            ("sheet", PICTURE_SUFFIXES),
            ("view", PICTURE_SUFFIXES),
            ("report", (".json",)),
        ):
            path = vars(self)[name]
            if path is not None and Path(path).suffix.lower() not in suffixes:
                raise OptionError(
                    f"{name} must end in {' or '.join(suffixes)}; got {str(path)!r}",
                    mend=Mend(name, f"FILE{suffixes[0]}"),
                )
        if self.output is not None:
            suffix_of(Path(self.output))
        names = [identity(path) for path in self.paths]
        if len(set(names)) < len(names):
            raise OptionError(f"two outputs are called {max(names, key=names.count)}")

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files that are wanted."""
        wanted = (self.output, self.surface, self.sheet, self.view, self.report)
        return tuple(Path(path) for path in wanted if path is not None)


@dataclass(frozen=True)
class VolumeQuery:
    """What is shown in a volume, and what words name in one of its slices."""

    prompts: tuple[VolumePrompt, ...] = ()
    words: Text | None = None
    plane: Plane = "axial"
    index: int | None = None  # of the slice in which words are looked for; None: the middle


@dataclass(frozen=True)
class VolumeJob:
    """How a volume is read, segmented and written."""

    model: str = "auto"
    engine: EngineOptions = field(default_factory=EngineOptions)
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    options: VolumeOptions = field(default_factory=VolumeOptions)
    outputs: VolumeOutputs = field(default_factory=VolumeOutputs)

    def run(self, source: Path, query: VolumeQuery) -> VolumeResult:
        """Read, segment, write."""
        if not query.prompts and query.words is None:
            raise PromptError("nothing is shown: give a click, a box or words")
        check_outputs(source, self.outputs)
        scan = read_volume(source, self.reading)
        _check_seg(scan, self.outputs)
        models = Setup(self.model, self.engine).load()
        prompts = list(query.prompts)
        if query.words is not None:
            maker = SolidMaker(scan, models, self.options)
            prompts += _name(maker, query, max((one.id for one in prompts), default=0))
        result = volume(scan, prompts, models, self.options)
        write_volume(result, self.outputs)
        return result


def _name(maker: SolidMaker, query: VolumeQuery, taken: int) -> list[VolumePrompt]:
    """What words name in the slice, numbered after what is shown."""
    words = query.words or Text(("",))
    count = maker.views(query.plane).count
    index = count // 2 if query.index is None else query.index
    found = prompts_of_words(maker, words, query.plane, index)
    if not found and not query.prompts:
        raise PromptError(
            f"{', '.join(words.names)}: not in {query.plane} slice {index} of {maker.scan.name}; "
            "name another slice, or click on the thing",
            mend=Mend("slice", f"{query.plane}:{index}"),
        )
    return [replace(one, id=taken + number) for number, one in enumerate(found, 1)]


def check_outputs(source: Path, outputs: VolumeOutputs) -> None:
    """Raise where a file that is read would be replaced."""
    own = identity(source)
    for path in outputs.paths:
        target = identity(path)
        if target == own or (source.is_dir() and Path(target).parent == Path(own)):
            raise OptionError(
                f"{path} lies where the scan is read from; write to another place",
                mend=Mend("output", "OTHER.nii.gz"),
            )


def _check_seg(scan: Volume, outputs: VolumeOutputs) -> None:
    """DICOM-SEG without DICOM slices is refused before anything is segmented."""
    from wordmask.media.volumes.dicom import DicomGeometry

    wanted = outputs.output is not None and str(outputs.output).lower().endswith(".dcm")
    if wanted and not isinstance(scan.geometry, DicomGeometry):
        raise FormatError(
            f"DICOM-SEG refers to the DICOM slices it was made of, and {scan.name} is none",
            mend=Mend("output", "seg.nii.gz"),
        )


def write_volume(result: VolumeResult, outputs: VolumeOutputs) -> tuple[Path, ...]:
    """Write what is wanted, all of it or nothing."""
    paths = outputs.paths
    if not paths:
        return ()
    with together(Path(Path.cwd().anchor)) as files:
        _write_all(result, outputs)
        files.place()
    return paths


def _write_all(result: VolumeResult, outputs: VolumeOutputs) -> None:
    scan, solids = result.volume, result.solids
    names = {solid.id: solid.name for solid in solids}
    if outputs.output is not None:
        segments = [SegmentName(id, name or f"object {id}") for id, name in names.items()]
        write_segmentation(Path(outputs.output), result.labels, scan, segments)
    if outputs.sheet is not None:
        sheet = slices_sheet(scan, result.window, result.labels, names)
        write_drawing(sheet, outputs.sheet)
    if outputs.surface is not None or outputs.view is not None:
        _write_surfaces(result, outputs)
    if outputs.report is not None:
        write_json(outputs.report, report_of(result), indent=1)


def _write_surfaces(result: VolumeResult, outputs: VolumeOutputs) -> None:
    affine = result.volume.affine
    meshes = [surface_of(result.labels == solid.id, affine) for solid in result.solids]
    colours = [palette.nth(solid.id) for solid in result.solids]
    if outputs.view is not None:
        write_drawing(draw_surfaces(meshes, colours), outputs.view)
    if outputs.surface is None:
        return
    whole = join_meshes(meshes, colours)
    if Path(outputs.surface).suffix.lower() == ".stl":
        write_stl(outputs.surface, whole, "mm, RAS; not a medical device")
    else:
        write_ply(outputs.surface, whole, ["mm, RAS: x right, y front, z head", DISCLAIMER])


def report_of(result: VolumeResult) -> dict[str, Any]:
    """Sizes, prompts and how each object came about, ready for JSON."""
    scan = result.volume
    return {
        "note": DISCLAIMER,
        "volume": scan.name,
        "shape": list(scan.shape),
        "spacing_mm": scan.spacing.tolist(),
        "affine": scan.affine.tolist(),
        "notes": list(scan.notes),
        "window": {"black": result.window.low, "white": result.window.high},
        "made_by": list(result.made_by),
        "objects": [_object_report(result, solid) for solid in result.solids],
    }


def _object_report(result: VolumeResult, solid: Solid) -> dict[str, Any]:
    count = int((result.labels == solid.id).sum())
    return {
        "id": solid.id,
        "name": solid.name,
        "voxels": count,
        "ml": count * result.volume.voxel_ml,
        "by": solid.by,
        "score": solid.score,
        "slices": {plane: list(solid.slices[plane]) for plane in PLANES if plane in solid.slices},
        "prompts": [prompt.describe() for prompt in solid.prompts],
    }
