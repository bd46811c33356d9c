"""`wordmask bench NAME`: measure models on data sets, and compare two runs."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from annotated_types import Interval

from wordmask import engines
from wordmask.core.models import Models
from wordmask.core.options import check
from wordmask.doors.cli import bench_suite
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
class MeasureOptions:
    """What is measured, on what, and where the answer goes."""

    data: str
    """A folder with a dataset.json, or a public data set by name: voc21, coco-stuff, ade20k ..."""
    data_dir: Path = Path("data/benchmarks")
    """The folder that holds the public data sets."""
    model: str = "auto"
    """An engine, or engines joined by +; see `wordmask models`."""
    output_dir: Path = Path("bench")
    """Folder for the results, a page and pictures; a stopped run goes on in it."""
    ray: bool = False
    """Measure on a Ray cluster, one actor for each device."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class CompareOptions:
    """How sure a difference between two runs must be."""

    rounds: Annotated[int, Interval(ge=2, le=1_000_000)] = 1000
    """Resamples of the paired bootstrap."""
    seed: int = 0
    """Seed of the resamples."""

    def __post_init__(self) -> None:
        check(self)


def _command(bench: type[Bench[Any]]) -> Callable[..., None]:
    @with_options(where=MeasureOptions, options=bench.options, engine=EngineOptions)
    def run(where: MeasureOptions, options: BenchOptions, engine: EngineOptions) -> None:
        data = open_data(where.data, where.data_dir)
        load: Callable[[], Models] = partial(engines.load, where.model, options=engine)
        results = run_bench(
            BenchRun(bench.name, data, load, where.output_dir, options, _ProgressLine(), where.ray)
        )
        typer.echo(summary(results), nl=False)
        typer.echo(f"-> {where.output_dir / 'index.html'}")

    return run


for _bench in BENCHES.values():
    _help = f"{_bench.about[:1].upper()}{_bench.about[1:]}."
    app.command(_bench.name, help=_help)(_command(_bench))

app.add_typer(bench_suite.app, name="suite")


@app.command()
@with_options(options=CompareOptions)
def compare(
    first: Annotated[Path, typer.Argument(help="The output folder of a run.")],
    second: Annotated[Path, typer.Argument(help="The output folder of another run.")],
    options: CompareOptions,
) -> None:
    """What changed from one run to another, and whether it is more than chance.

    wordmask bench compare bench/before bench/after
    """
    compared = compare_runs(first, second, rounds=options.rounds, seed=options.seed)
    typer.echo(compared.text())


class _ProgressLine:
    """Progress on one line of a terminal, or as a line of a log after every tenth."""

    def __init__(self) -> None:
        self.last_tenth = -1

    def __call__(self, progress: Progress) -> None:
        if sys.stderr.isatty():
            end = "\n" if progress.done == progress.total else ""
            sys.stderr.write(f"\r{progress.line()}\x1b[K{end}")
            sys.stderr.flush()
            return
        tenth = 10 * progress.done // max(progress.total, 1)
        if tenth > self.last_tenth:
            self.last_tenth = tenth
            sys.stderr.write(f"{progress.line()}\n")
