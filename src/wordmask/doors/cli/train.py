"""`wordmask train mini`: the run that made the shipped weights, from the packs to the files."""

from dataclasses import dataclass
from pathlib import Path

import typer

from wordmask import engines
from wordmask.core.options import check
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.help import group
from wordmask.engines.options import EngineOptions
from wordmask.errors import missing_extra

try:
    from wordmask.lab.data.packs import Packs
    from wordmask.lab.training.loop import TrainOptions, train_mini
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
@with_options(options=TrainOptions, after=ExportOptions)
def mini(options: TrainOptions, after: ExportOptions) -> None:
    """Train `mini` on packs of pictures; a stopped run goes on where it was.

    wordmask train mini --data packs/train --out runs/mini
    """
    checkpoint = train_mini(options)
    typer.echo(f"trained: {checkpoint}")
    folder = after.export
    if folder is not None:
        export_calibrated(checkpoint, Packs(options.data), folder)
        typer.echo(f"exported: {folder}")
        typer.echo(f"use it with: wordmask segment PICTURE WORD --checkpoint {folder}")


def export_calibrated(checkpoint: Path, packs: Packs, folder: Path) -> None:
    """Write the files that `mini` runs on; scores are calibrated on held-out training pictures."""
    from wordmask.lab.export.mini import export_mini
    from wordmask.lab.training import calibrate

    export_mini(checkpoint, packs, folder)
    found = calibrate.fit(engines.load("mini", options=EngineOptions(checkpoint=folder)), packs)
    calibrate.write(found, folder)
