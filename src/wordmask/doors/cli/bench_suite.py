"""`wordmask bench suite NAME`: tables over several data sets, speed, memory, comparisons."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import typer

from wordmask import engines
from wordmask.core.models import Models
from wordmask.doors.cli.flags import with_options
from wordmask.doors.cli.help import group
from wordmask.doors.cli.serve import load_server
from wordmask.engines import EngineOptions
from wordmask.lab.bench.run import RESULTS
from wordmask.lab.bench.run_suite import run_suite, suite_summary
from wordmask.lab.bench.suite import Suite, SuiteKit, SuiteOptions
from wordmask.lab.bench.suites import SUITES

# The server's suite is at home in its own door, as a lab knows no door.
ALL: dict[str, type[Suite[Any]]] = {**SUITES, "serve": load_server("bench.suite").ServeSuite}
app = group("Measure tables, speed and memory; without a name, list the suites.")


@dataclass(frozen=True)
class Where:
    """Where the answer goes."""

    output_dir: Path = Path("bench")
    """Folder in which the suite's own folder stands, with its results.json and pictures."""


@app.callback(invoke_without_command=True, no_args_is_help=False)
def list_suites(context: typer.Context) -> None:
    """Measure tables, speed and memory; without a name, list the suites."""
    if context.invoked_subcommand is None:
        for name, suite in ALL.items():
            typer.echo(f"{name:<13}{suite.about}")


def _command(kind: type[Suite[Any]]) -> Callable[..., None]:
    def run(where: Where, options: SuiteOptions, engine: EngineOptions) -> None:
        output = where.output_dir / kind.name
        load = partial(load_models, engine)
        results = run_suite(kind(), SuiteKit(options, load, output, _say))
        typer.echo(suite_summary(results), nl=False)
        typer.echo(f"-> {output / RESULTS}")

    if kind.loads:
        return with_options(where=Where, options=kind.options, engine=EngineOptions)(run)

    @with_options(where=Where, options=kind.options)
    def run_without_engine(where: Where, options: SuiteOptions) -> None:
        run(where, options, EngineOptions())

    return run_without_engine


def load_models(engine: EngineOptions, model: str, **options: Any) -> Models:
    """The engines that `model` names; a suite's own `options` go before the user's."""
    return engines.load(model, options=replace(engine, **options))


def _say(line: str) -> None:
    sys.stderr.write(f"-- {line}\n")


for _suite in ALL.values():
    _help = f"{_suite.about[:1].upper()}{_suite.about[1:]}."
    app.command(_suite.name, help=_help)(_command(_suite))
