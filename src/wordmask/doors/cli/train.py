"""`wordmask train mini`: the run that made the shipped weights, from the packs to the files."""

from pathlib import Path
from typing import Annotated

import typer

from wordmask import engines
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.help import group
from wordmask.engines.options import EngineOptions
from wordmask.errors import missing_extra

try:
    from wordmask.lab.data.packs import Packs
    from wordmask.lab.training.loop import TrainOptions, train_mini
except ImportError as error:
    raise missing_extra(error.name or "torch", "train") from error

app = group("Train the embedded model.")


@app.callback()
def train() -> None:
    """Train the embedded model (docs/training.md)."""


@app.command()
@with_options(options=TrainOptions)
def mini(
    options: TrainOptions,
    export: Annotated[
        Path | None, typer.Option(help="Afterwards write the files that `mini` runs on there.")
    ] = None,
) -> None:
    """Train `mini` on the packs; a run that was stopped goes on where it was.

    wordmask train mini --data packs/train --out runs/mini
    """
    checkpoint = train_mini(options)
    typer.echo(f"trained: {checkpoint}")
    if export is not None:
        ship(checkpoint, Packs(options.data), export)
        typer.echo(
            f"exported: {export}; use it with: wordmask segment PICTURE WORD --checkpoint {export}"
        )


def ship(checkpoint: Path, packs: Packs, folder: Path) -> None:
    """The files that `mini` runs on, with scores calibrated on held-out training pictures."""
    from wordmask.lab.export.mini import export_mini
    from wordmask.lab.training import calibrate

    export_mini(checkpoint, packs, folder)
    found = calibrate.fit(engines.load("mini", options=EngineOptions(checkpoint=folder)), packs)
    calibrate.write(found, folder)
