"""`wordmask export`: engines as files that run without torch, and such files for other runtimes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from wordmask import engines
from wordmask.core.graphs import Exportable
from wordmask.core.options import check
from wordmask.core.protocols import Segmenter
from wordmask.doors.cli.flags import with_options
from wordmask.engines import EngineOptions
from wordmask.engines.cards import CARDS
from wordmask.engines.graphs.segmenter import GraphSegmenter
from wordmask.engines.weights import home, licences
from wordmask.errors import CapabilityError, Mend, OptionError, missing_extra
from wordmask.media.reading import read

try:
    from wordmask.lab.export.conversions import to_coreml, to_openvino, to_tensorrt
    from wordmask.lab.export.folder import ExportPlan, ExportSource, check_target, write_folder
    from wordmask.lab.export.int8 import mask_agreement, to_int8
    from wordmask.lab.export.mini_folder import write_mini
except ImportError as error:
    raise missing_extra(error.name or "onnx", "export") from error

MOST_PICTURES = 64  # that int8 is calibrated on


@dataclass(frozen=True)
class ExportFlags:
    """What is written."""

    to: Literal["onnx", "int8", "openvino", "tensorrt", "coreml"] = "onnx"
    """What to write: onnx from an engine; the others from a folder that onnx wrote."""
    precision: Literal["fp32", "fp16"] = "fp32"
    """Number format of the weights in ONNX files."""
    parts: tuple[str, ...] = ()
    """Parts of the engine, as in image,video; without it all that it has."""
    pictures: Path | None = None
    """Folder of pictures like yours, on which int8 is calibrated."""

    def __post_init__(self) -> None:
        split = tuple(part.strip() for text in self.parts for part in text.split(","))
        object.__setattr__(self, "parts", tuple(part for part in split if part))
        check(self)


@with_options(flags=ExportFlags, engine=EngineOptions)
def export(
    flags: ExportFlags,
    engine: EngineOptions,
    model: Annotated[str, typer.Argument(help="An engine; after --to onnx the folder it wrote.")],
    out: Annotated[
        Path | None, typer.Argument(help="The folder to write. Default: beside the first.")
    ] = None,
) -> None:
    """Write an engine as ONNX files that run without torch, or such a folder for another runtime.

    wordmask export sam2.1-tiny exported/sam2.1-tiny
    wordmask export exported/sam2.1-tiny --to openvino
    """
    if flags.to == "onnx":
        if out is None:
            raise OptionError("say where to: wordmask export ENGINE FOLDER")
        _write_onnx(model, out, flags, engine)
        typer.echo(f"use it with: --model {_as_path(out)}")
        return
    folder = Path(model).expanduser()
    if flags.to == "tensorrt":
        typer.echo(f"-> {to_tensorrt(folder, _say).parent}")
        return
    out = out or folder.with_name(f"{folder.name}-{flags.to}")
    if flags.to == "int8":
        _write_int8(folder, out, flags)
    else:
        {"openvino": to_openvino, "coreml": to_coreml}[flags.to](folder, out, _say)
    typer.echo(f"use it with: --model {_as_path(out)}")


def _write_onnx(model: str, out: Path, flags: ExportFlags, options: EngineOptions) -> None:
    check_target(out)  # before anything is loaded
    card = CARDS.get(model)
    licence = card.licence if card else "unknown (that of the weights you gave)"
    licences.tell(model, licence)
    exact = replace(options, device="cpu", dtype="fp32")
    loaded = engines.load(model, options=exact)
    source = ExportSource(
        "+".join(loaded.made_by),
        (card.page or card.source) if card else str(options.checkpoint or model),
        card.revision if card else None,
        licence,
    )
    if model == "mini":
        write_mini(Path(options.checkpoint or home.shipped_files()[0].parent), source, out, _say)
        return
    engine = _exportable(loaded, model)
    parts = _parts(engine, flags.parts)
    graphs = engine.graphs(parts)
    if flags.precision == "fp16":
        half = _exportable(engines.load(model, options=replace(exact, dtype="fp16")), model)
        plan = ExportPlan(half.graphs(parts), source, "fp16", exact=graphs)
    else:
        plan = ExportPlan(graphs, source)
    write_folder(plan, out, _say)


def _exportable(models: Any, name: str) -> Exportable:
    if not models.has(Exportable):
        raise CapabilityError(
            f"{name} cannot be exported; mini, SAM, SAM-HQ, SAM 2, CLIP, SigLIP and TIPSv2 can"
        )
    found: Exportable = models.get(Exportable)
    return found


def _parts(engine: Exportable, wanted: Sequence[str]) -> tuple[str, ...]:
    missing = [part for part in wanted if part not in engine.parts]
    if missing:
        raise OptionError(
            f"{engine.name} has no part {missing[0]!r}; it has {', '.join(engine.parts)}",
            mend=Mend("parts", ",".join(engine.parts)),
        )
    return tuple(wanted) or engine.parts


def _load_exported(folder: Path) -> GraphSegmenter:
    engine = engines.load(str(folder)).get(Segmenter)
    if not isinstance(engine, GraphSegmenter):
        raise CapabilityError(f"{folder} is no exported segmenter, whose encoder becomes int8")
    return engine


def _write_int8(folder: Path, out: Path, flags: ExportFlags) -> None:
    if flags.pictures is None:
        raise OptionError("int8 is calibrated on pictures", mend=Mend("pictures", "FOLDER"))
    found = islice(read.read_all([str(flags.pictures)]), MOST_PICTURES)
    images = [item.image for item in found if item.image is not None]
    exact = _load_exported(folder)
    feeds = [{"pixels": exact.network.square.pixels(image)[None]} for image in images]
    manifest = to_int8(folder, out, feeds, _say)
    for name, loss in manifest["graphs"]["encoder"]["loss"].items():
        _say(f"{name}: off by {loss:.1%} on a picture that was not calibrated on")
    quantized = engines.load(str(out)).get(Segmenter)
    _say(f"masks of 9 clicks agree by IoU {mask_agreement(exact, quantized, images[-4:]):.3f}")


def _as_path(out: Path) -> str:
    text = str(out)
    return text if "/" in text else f"./{text}"


def _say(line: str) -> None:
    typer.echo(line, err=True)
