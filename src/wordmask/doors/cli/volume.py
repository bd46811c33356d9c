"""`wordmask volume`: a scan and what is shown in it in, a segmentation in its place out."""

import json
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from wordmask.core.prompts import Text
from wordmask.core.volume import PLANES, Plane
from wordmask.doors.cli.errors import flag
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.lines import file_line, short
from wordmask.engines import EngineOptions
from wordmask.errors import PromptError
from wordmask.jobs import volumes as jobs
from wordmask.jobs.words import split_words
from wordmask.media.volumes.read import ReadingOptions
from wordmask.tasks.solid.options import VolumeOptions
from wordmask.tasks.volume import DISCLAIMER, Solid, VolumePrompt, VolumeResult

PLACE = re.compile(r"(?:(axial|coronal|sagittal):)?(?:(\d+)@)?([-\d,. ]+)")

Scan = Annotated[
    Path, typer.Argument(help="A NIfTI or NRRD file, or a folder with a DICOM series.")
]
Words = Annotated[
    list[str] | None, typer.Argument(help="What to look for in one slice; none if it is shown.")
]


@dataclass(frozen=True)
class SolidFlags:
    """What a person shows in a volume."""

    click: tuple[str, ...] = ()
    """Voxel i,j,k on it (counted from 0), i,j,k,0 beside it; 2@i,j,k: object 2; coronal:i,j,k:
    looked at in that plane."""
    box: tuple[str, ...] = ()
    """Box i0,j0,k0,i1,j1,k1 (exclusive ends), one voxel thick in its slice; 2@...: object 2."""
    named: tuple[str, ...] = ()
    """Name of an object: 2=liver."""
    slice: str = ""
    """Where WORDS are looked for: axial:80; default: the middle axial slice."""

    def parse(self, words: tuple[str, ...]) -> jobs.VolumeQuery:
        """The flags as values."""
        names = dict(_name(text) for text in self.named)
        prompts = [_click(text, names) for text in self.click]
        prompts += [_box(text, names) for text in self.box]
        unknown = set(names) - {prompt.id for prompt in prompts}
        if unknown:
            raise PromptError(f"object {min(unknown)} has a name, but nothing of it is shown")
        plane, index = _slice(self.slice) if self.slice else ("axial", None)
        text = Text(words) if words else None
        return jobs.VolumeQuery(tuple(prompts), text, cast(Plane, plane), index)


@dataclass(frozen=True)
class VolumeFlags(jobs.VolumeOutputs, ReadingOptions):
    """What else the command takes."""

    model: str = "auto"
    """An engine, or engines joined by +; see `wordmask models`."""
    json: bool = False
    """The report as JSON on stdout."""

    def __post_init__(self) -> None:
        jobs.VolumeOutputs.__post_init__(self)
        _ = self.limits  # raises where a limit is no amount: before anything is done

    def _values_of(self, kind: Any) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(kind)}

    def job(self, options: VolumeOptions, engine: EngineOptions) -> jobs.VolumeJob:
        reading = ReadingOptions(**self._values_of(ReadingOptions))
        outputs = jobs.VolumeOutputs(**self._values_of(jobs.VolumeOutputs))
        return jobs.VolumeJob(self.model, engine, reading, options, outputs)


@with_options(shown=SolidFlags, outputs=VolumeFlags, options=VolumeOptions, engine=EngineOptions)
def volume(
    scan: Scan,
    shown: SolidFlags,
    outputs: VolumeFlags,
    options: VolumeOptions,
    engine: EngineOptions,
    words: Words = None,
) -> None:
    """Cut out of a scan what is clicked on, in three dimensions. Not a medical device.

    wordmask volume scan.nii.gz --click 90,110,80 --window brain -o seg.nii.gz
    """
    query = shown.parse(split_words(words or []))
    job = outputs.job(options, engine)
    result = job.run(scan, query)
    typer.echo("\n".join(_lines(result)) + file_line(job.outputs.paths), err=outputs.json)
    typer.echo(DISCLAIMER, err=True)
    if outputs.json:
        typer.echo(json.dumps(jobs.report_of(result)))


def _lines(result: VolumeResult) -> list[str]:
    scan, window = result.volume, result.window
    sides = " x ".join(map(str, scan.shape))
    spacing = " x ".join(f"{side:.3g}" for side in scan.spacing.tolist())
    lines = [
        f"{scan.name}   {sides} voxels of {spacing} mm, shown from {window.low:.4g} to "
        f"{window.high:.4g}"
    ]
    lines += [f"  note: {note}" for note in scan.notes]
    lines += [f"  {_solid_line(result, solid)}" for solid in result.solids]
    alone = [str(solid.id) for solid in result.solids if _is_of_engine_alone(solid)]
    if alone:
        lines.append(
            f"  note: the engine alone decided on {', '.join(alone)}; if that is too large or too "
            f"small, also click beside it: {flag('click')} i,j,k,0"
        )
    return lines


def _is_of_engine_alone(solid: Solid) -> bool:
    """Whether neither the values nor a click beside it had a say."""
    return solid.by == "engine" and all(prompt.keep for prompt in solid.prompts)


def _solid_line(result: VolumeResult, solid: Solid) -> str:
    """`1 liver   1,480 ml   axial 10-88, by engine and values, confidence .91`"""
    size = result.millilitres(solid.id)
    if not size:
        return f"{solid.id} {solid.name or 'object'}   nothing found"
    millilitres = f"{size:,.0f}" if size >= 100 else f"{size:.3g}"
    ways = [f"{plane} {first}-{last}" for plane, (first, last) in solid.slices.items()]
    how = ", ".join([*ways, f"by {solid.by}"])
    sure = f", confidence {short(solid.score)}" if solid.slices else ""
    return f"{solid.id} {solid.name or 'object'}   {millilitres} ml   {how}{sure}"


def _click(text: str, names: dict[int, str]) -> VolumePrompt:
    plane, id, values = _place(text, "click", (3, 4))
    i, j, k = values[:3]
    keep = len(values) == 3 or bool(values[3])
    return VolumePrompt((i, j, k), keep, plane=plane, id=id, name=names.get(id, ""))


def _box(text: str, names: dict[int, str]) -> VolumePrompt:
    plane, id, values = _place(text, "box", (6,))
    i0, j0, k0, i1, j1, k1 = values
    return VolumePrompt(box=(i0, j0, k0, i1, j1, k1), plane=plane, id=id, name=names.get(id, ""))


def _place(text: str, option: str, counts: tuple[int, ...]) -> tuple[Plane | None, int, list[int]]:
    found = PLACE.fullmatch(text.strip())
    parts = found[3].split(",") if found else []
    try:
        values = [int(part) for part in parts]
    except ValueError:
        values = []
    if found is None or len(values) not in counts:
        wanted = "i,j,k or i,j,k,0" if 3 in counts else "i0,j0,k0,i1,j1,k1"
        raise PromptError(
            f"{flag(option)} takes {wanted} in whole voxels, perhaps after an object (2@) or a "
            f"plane (coronal:), got {text!r}"
        )
    plane: Any = found[1]
    return plane, int(found[2] or 1), values


def _name(text: str) -> tuple[int, str]:
    number, equals, name = text.partition("=")
    if not equals or not number.strip().isdigit() or not name.strip():
        raise PromptError(f"{flag('named')} takes NUMBER=NAME, as in 2=liver, got {text!r}")
    return int(number), name.strip()


def _slice(text: str) -> tuple[str, int]:
    plane, colon, index = text.partition(":")
    if plane not in PLANES or not colon or not index.isdigit():
        raise PromptError(f"{flag('slice')} takes PLANE:INDEX, as in axial:80, got {text!r}")
    return plane, int(index)
