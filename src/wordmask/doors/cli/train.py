"""`wordmask train`: the runs that made the shipped weights, and mini taught on own pictures."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import typer

from wordmask import engines
from wordmask.core.image import Array, Image
from wordmask.core.models import Models
from wordmask.core.options import check
from wordmask.core.protocols import Dense
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.help import group
from wordmask.engines.options import EngineOptions
from wordmask.errors import CapabilityError, InputError, missing_extra

try:
    from wordmask.lab.data.storages import DataAddress
    from wordmask.lab.training.loop import Training, TrainOptions
    from wordmask.lab.training.objective_context import ContextObjective, ContextTrainOptions
    from wordmask.lab.training.objective_cutter import CutterObjective, CutterTrainOptions
    from wordmask.lab.training.objective_judge import JudgeObjective, JudgeTrainOptions
    from wordmask.lab.training.objective_mini import MiniObjective, MiniTrainOptions
    from wordmask.lab.training.objective_own import OwnObjective, OwnTrainOptions
    from wordmask.lab.training.objective_words import WordsObjective, WordsTrainOptions
    from wordmask.lab.training.ovsam_options import OvsamTrainOptions
    from wordmask.lab.training.own_split import OwnDataOptions, open_split
    from wordmask.lab.training.place import is_first_process
    from wordmask.lab.training.ray_workers import RayTrainOptions, train_on_ray
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
@with_options(
    options=MiniTrainOptions, own=OwnDataOptions, after=ExportOptions, spread=RayTrainOptions
)
def mini(
    options: MiniTrainOptions,
    own: OwnDataOptions,
    after: ExportOptions,
    spread: RayTrainOptions,
) -> None:
    """Teach mini words on your own pictures, or train it on packs; a stopped run goes on.

    wordmask train mini --data my.coco.json --out runs/mine
    wordmask train mini --data packs/train --out runs/mini
    """
    if is_packs(options.data):
        start(spread, options, partial(train_mini, options, after))
    else:
        start(spread, options, partial(teach_words, options, own, after))


@app.command()
@with_options(options=WordsTrainOptions, after=ExportOptions, spread=RayTrainOptions)
def words(options: WordsTrainOptions, after: ExportOptions, spread: RayTrainOptions) -> None:
    """Train only what names cells; clicks and boxes cut as before.

    wordmask train words --data packs/train --out runs/words --export runs/words/files
    """
    start(spread, options, partial(train_words, options, after))


@app.command()
@with_options(options=CutterTrainOptions, after=ExportOptions, spread=RayTrainOptions)
def cutter(options: CutterTrainOptions, after: ExportOptions, spread: RayTrainOptions) -> None:
    """Train only what clicks and boxes use; words stay as they are.

    wordmask train cutter --data packs/train --out runs/cutter --export runs/cutter/files
    """
    start(spread, options, partial(train_cutter, options, after))


@app.command()
@with_options(options=JudgeTrainOptions, after=ExportOptions, spread=RayTrainOptions)
def judge(options: JudgeTrainOptions, after: ExportOptions, spread: RayTrainOptions) -> None:
    """Train only how good each mask is said to be; the masks stay as they are.

    wordmask train judge --data packs/train --out runs/judge --export runs/judge/files
    """
    start(spread, options, partial(train_judge, options, after))


@app.command()
@with_options(options=ContextTrainOptions, after=ExportOptions, spread=RayTrainOptions)
def context(options: ContextTrainOptions, after: ExportOptions, spread: RayTrainOptions) -> None:
    """Train what a picture as a whole says about words, for weights that stay as they are.

    wordmask train context --data packs/train --out runs/context --export runs/context/files
    """
    start(spread, options, partial(train_context, options, after))


@app.command()
@with_options(options=OvsamTrainOptions, after=ExportOptions, spread=RayTrainOptions)
def ovsam(options: OvsamTrainOptions, after: ExportOptions, spread: RayTrainOptions) -> None:
    """Train Open-Vocabulary SAM: an adapter distilled from a segmenter, then masks with names.

    wordmask train ovsam --stage distill --data my.coco.json --out runs/adapter
    """
    start(spread, options, partial(train_ovsam, options, after))


def start(spread: RayTrainOptions, options: TrainOptions, work: Callable[[], None]) -> None:
    """Do the work here, or in workers of Ray."""
    if spread.ray:
        train_on_ray(work, options.out, spread.workers)
    else:
        work()


def train_mini(options: MiniTrainOptions, after: ExportOptions) -> None:
    """The whole network, on packs."""
    folder = export_after(Training(MiniObjective, options), after)
    if folder is not None:
        calibrate_scores(folder, options.data)


def train_words(options: WordsTrainOptions, after: ExportOptions) -> None:
    """What names cells, on packs."""
    folder = export_after(Training(WordsObjective, options), after)
    if folder is not None:
        calibrate_scores(folder, options.data)


def train_cutter(options: CutterTrainOptions, after: ExportOptions) -> None:
    """What clicks and boxes use."""
    folder = export_after(Training(CutterObjective, options), after)
    if folder is not None:
        typer.echo(f"use it with: wordmask click PICTURE --checkpoint {folder}")


def train_judge(options: JudgeTrainOptions, after: ExportOptions) -> None:
    """How good the masks of exported files are."""
    folder = export_after(Training(JudgeObjective, options), after)
    if folder is not None:
        typer.echo(f"use it with: wordmask click PICTURE --checkpoint {folder}")


def train_context(options: ContextTrainOptions, after: ExportOptions) -> None:
    """What a picture as a whole says, seen by exported files."""
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


def train_ovsam(options: OvsamTrainOptions, after: ExportOptions) -> None:
    """One stage of Open-Vocabulary SAM."""
    from wordmask.doors.cli import train_ovsam as stages

    if options.stage == "distill":
        stages.distill(options, say_once)
    else:
        stages.recognise(options, after.export or options.out / "files", say_once)


def is_packs(data: DataAddress) -> bool:
    """Whether a folder holds the packs; anything else is somebody's own data."""
    return (Path(data) / "pseudo_stuff.json").is_file()


def say_once(line: str) -> None:
    """A line for a person; of several processes the first one says it."""
    if is_first_process():
        typer.echo(line)


def teach_words(options: MiniTrainOptions, own: OwnDataOptions, after: ExportOptions) -> None:
    """Check own data, train the head on it, export it, and show the figures before and after."""
    from wordmask.lab.training import calibrate
    from wordmask.lab.training.own_figures import (
        choose_presence,
        compare_lines,
        judge_words,
        pictures_to_judge,
        write_presence,
    )

    shared = {one.name: getattr(options, one.name) for one in fields(TrainOptions)}
    plan = OwnTrainOptions(**shared, start_from=options.start_from or "shipped")
    split = open_split(options.data, own, say_once)
    training = Training(lambda o: OwnObjective(o, split), plan)
    if not training.place.is_first:
        training.run()
        return
    before = judge_words(_load_files(training.objective.files), split)
    typer.echo(f"words' mIoU before: {before.miou:.3f}")
    folder = after.export or options.out / "files"
    export_after(training, ExportOptions(folder))
    write_presence(choose_presence(_load_files(folder), split), folder)
    try:
        scores = calibrate.fit_pictures(_load_files(folder), pictures_to_judge(split, test=False))
        calibrate.write(scores, folder)
    except InputError as error:
        typer.echo(f"scores are raw: {error}")
    for line in compare_lines(before, judge_words(_load_files(folder), split)):
        typer.echo(line)
    typer.echo(f"use it with: wordmask segment PICTURE WORD --checkpoint {folder}")


def _load_files(folder: Path) -> Models:
    return engines.load("mini", options=EngineOptions(checkpoint=folder))


def export_after(training: Training[Any], after: ExportOptions) -> Path | None:
    """Train to the end; the folder of the files, if any were to be written."""
    checkpoint = training.run()
    if not training.place.is_first:  # of several processes one writes the files
        return None
    typer.echo(f"trained: {checkpoint}")
    if after.export is not None:
        training.objective.export(checkpoint, after.export)
        typer.echo(f"exported: {after.export}")
    return after.export


def calibrate_scores(folder: Path, data: DataAddress) -> None:
    """Fit the scores of the engine in `folder` on held-out training pictures."""
    from wordmask.lab.data.packs import read_packs
    from wordmask.lab.training import calibrate

    models = engines.load("mini", options=EngineOptions(checkpoint=folder))
    calibrate.write(calibrate.fit(models, read_packs(data)), folder)
    typer.echo(f"use it with: wordmask segment PICTURE WORD --checkpoint {folder}")
