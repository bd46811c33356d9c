"""`wordmask bench NAME`: measure models on data sets, and compare two runs."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from wordmask import engines
from wordmask.core.models import Models
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.help import group
from wordmask.engines import EngineOptions
from wordmask.lab.bench.bench import Bench
from wordmask.lab.bench.benches import BENCHES
from wordmask.lab.bench.compare import compare as compare_runs
from wordmask.lab.bench.options import BenchOptions
from wordmask.lab.bench.report import summary
from wordmask.lab.bench.run import BenchRun, Progress, run_bench
from wordmask.lab.data import open_data

app = group("Measure models on data sets, and compare two runs.")


@dataclass(frozen=True)
class What:
    """What is measured, on what, and where the answer goes."""

    data: str = ""
    """A folder with a dataset.json, or a public data set by name (voc21, coco-stuff, ade20k, davis16 ...)."""
    data_dir: Path = Path("data/benchmarks")
    """Where the public data sets lie."""
    model: str = "auto"
    """Engine, or several joined by +."""
    output_dir: Path = Path("bench")
    """Folder for results.json, summary.txt, index.html and pictures; a killed run in it is continued."""
    ray: bool = False
    """Measure on a Ray cluster, one actor for each device."""


def _command(bench: type[Bench[Any]]) -> Callable[..., None]:
    @with_options(what=What, options=bench.options, engine=EngineOptions)
    def run(what: What, options: BenchOptions, engine: EngineOptions) -> None:
        if not what.data:
            raise typer.BadParameter("say what to measure on: --data FOLDER or --data NAME")
        data = open_data(what.data, what.data_dir)
        load: Callable[[], Models] = partial(engines.load, what.model, options=engine)
        results = run_bench(
            BenchRun(bench.name, data, load, what.output_dir, options, _Line(), what.ray)
        )
        typer.echo(summary(results), nl=False)
        typer.echo(f"-> {what.output_dir / 'index.html'}")

    return run


for _bench in BENCHES.values():
    _help = f"{_bench.about[:1].upper()}{_bench.about[1:]}."
    app.command(_bench.name, help=_help)(_command(_bench))


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="The output folder of a run.")],
    second: Annotated[Path, typer.Argument(help="The output folder of another run.")],
    rounds: Annotated[int, typer.Option(help="Resamples of the paired bootstrap.")] = 1000,
    seed: Annotated[int, typer.Option(help="Their seed.")] = 0,
) -> None:
    """What changed from one run to another, and whether it is more than chance."""
    typer.echo(compare_runs(first, second, rounds=rounds, seed=seed).text())


class _Line:
    """Progress on one line of a terminal, or now and then as a line of a log."""

    def __init__(self) -> None:
        self.told = -1

    def __call__(self, progress: Progress) -> None:
        if sys.stderr.isatty():
            end = "\n" if progress.done == progress.total else ""
            sys.stderr.write(f"\r{progress.line()}\x1b[K{end}")
            sys.stderr.flush()
            return
        tenth = 10 * progress.done // max(progress.total, 1)
        if tenth > self.told:
            self.told = tenth
            sys.stderr.write(f"{progress.line()}\n")
