"""`wordmask train mini`: the run that made the shipped weights, from the packs to the files."""

from dataclasses import dataclass
from pathlib import Path

import typer

from wordmask import engines
from wordmask.core.image import Array, Image
from wordmask.core.options import check
from wordmask.core.protocols import Dense
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.help import group
from wordmask.engines.options import EngineOptions
from wordmask.errors import CapabilityError, missing_extra

try:
    from wordmask.lab.training.loop import Training
    from wordmask.lab.training.objective_context import ContextObjective, ContextTrainOptions
    from wordmask.lab.training.objective_cutter import CutterObjective, CutterTrainOptions
    from wordmask.lab.training.objective_mini import MiniObjective, MiniTrainOptions
except ImportError as error:
    raise missing_extra(error.name or "torch", "train") from error

app = group("Train the embedded model (docs/training.md).")


@dataclass(frozen=True)
class ExportOptions:
    """What becomes of the trained network."""

    export: Path | None = None
    """Folder for the files that `mini` runs on, written when the training is done."""

    def __post_init__(self) -> None:
        check(self)


@app.callback()
def train() -> None:
    """Train the embedded model (docs/training.md)."""


@app.command()
@with_options(options=MiniTrainOptions, after=ExportOptions)
def mini(options: MiniTrainOptions, after: ExportOptions) -> None:
    """Train `mini` on packs of pictures; a stopped run goes on where it was.

    wordmask train mini --data packs/train --out runs/mini
    """
    folder = export_after(Training(MiniObjective, options), after)
    if folder is not None:
        calibrate_scores(folder, options.data)


@app.command()
@with_options(options=CutterTrainOptions, after=ExportOptions)
def cutter(options: CutterTrainOptions, after: ExportOptions) -> None:
    """Train only what clicks and boxes use; words stay as they are.

    wordmask train cutter --data packs/train --out runs/cutter --export runs/cutter/files
    """
    folder = export_after(Training(CutterObjective, options), after)
    if folder is not None:
        typer.echo(f"use it with: wordmask click PICTURE --checkpoint {folder}")


@app.command()
@with_options(options=ContextTrainOptions, after=ExportOptions)
def context(options: ContextTrainOptions, after: ExportOptions) -> None:
    """Train what a picture as a whole says about words, for weights that stay as they are.

    wordmask train context --data packs/train --out runs/context --export runs/context/files
    """
    found = engines.load("mini", options=EngineOptions(checkpoint=options.start_from))
    dense = found.get(Dense)

    def summarise(image: Image) -> Array:
        (seen,) = dense.encode([image])
        classes = dense.features(seen).classes
        if classes is None:
            raise CapabilityError(f"{found.spec} has no classes to learn a context from")
        return classes.maps().summary

    training = Training(lambda o: ContextObjective(o, summarise, dense.embed_texts), options)
    folder = export_after(training, after)
    if folder is not None:
        calibrate_scores(folder, options.data)


def export_after(training: Training, after: ExportOptions) -> Path | None:
    """Train to the end; the folder of the files, if any were to be written."""
    checkpoint = training.run()
    typer.echo(f"trained: {checkpoint}")
    if after.export is not None:
        training.objective.export(checkpoint, after.export)
        typer.echo(f"exported: {after.export}")
    return after.export


def calibrate_scores(folder: Path, data: Path) -> None:
    """Fit the scores of the engine in `folder` on held-out training pictures."""
    from wordmask.lab.data.packs import read_packs
    from wordmask.lab.training import calibrate

    models = engines.load("mini", options=EngineOptions(checkpoint=folder))
    calibrate.write(calibrate.fit(models, read_packs(data)), folder)
    typer.echo(f"use it with: wordmask segment PICTURE WORD --checkpoint {folder}")
