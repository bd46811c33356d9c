"""Run one benchmark: every unit is measured once, and a killed run goes on."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wordmask.core.models import Models
from wordmask.errors import OptionError
from wordmask.files import write_json, write_text
from wordmask.lab.bench.bench import Bench, Kit, Table
from wordmask.lab.bench.benches import find_bench
from wordmask.lab.bench.cluster import RayJob, measure_on_ray
from wordmask.lab.bench.json_rows import plain
from wordmask.lab.bench.measure import measure_in_threads
from wordmask.lab.bench.options import CHANGE_NO_NUMBER, BenchOptions
from wordmask.lab.bench.provenance import facts_of_run
from wordmask.lab.bench.report import page, summary
from wordmask.lab.data import Dataset
from wordmask.lab.metrics import bootstrap
from wordmask.media.ledger import Ledger, Record

SCHEMA = 1
RECORDS = "records.jsonl"
RESULTS, SUMMARY, PAGE, PICTURES = "results.json", "summary.txt", "index.html", "visualizations"
OUTPUTS = (RESULTS, SUMMARY, PAGE, PICTURES)


class Progress(NamedTuple):
    """Where a run stands."""

    done: int
    total: int
    rate: float  # units per second of this session
    left: float  # seconds, nan before the first unit is done

    def line(self) -> str:
        """`37/102   3.1/s   0:21 left`"""
        if not self.rate:
            return f"{self.done}/{self.total}"
        minutes, seconds = divmod(round(self.left), 60)
        return f"{self.done}/{self.total}   {self.rate:.2f}/s   {minutes}:{seconds:02d} left"


@dataclass(frozen=True, eq=False)
class BenchRun:
    """One benchmark to do.

    `load` makes the models, so that this layer loads no weights and each worker of a cluster can
    make its own.
    """

    bench: str
    data: Dataset
    load: Callable[[], Models]
    output: Path
    options: BenchOptions
    progress: Callable[[Progress], None] = lambda _: None
    ray: bool = False


def run_bench(run: BenchRun) -> dict[str, Any]:
    """Measure; write records, results, summary, pictures and page. Returns the results."""
    started = time.time()
    bench = find_bench(run.bench)
    _check_options(bench, run.options)
    kit: Kit[Any] = Kit(bench.narrow(run.data, run.options), run.load(), run.options)
    bench.check(kit)
    units = bench.units(kit)
    ledger = Ledger(run.output / RECORDS, recipe(bench, kit, len(units)), outputs=OUTPUTS)
    todo = [(index, unit) for index, unit in enumerate(units) if index not in ledger.done]
    if run.ray:
        records = measure_on_ray(RayJob(bench, kit.data, run.load, run.options), todo)
    else:
        records = measure_in_threads(kit, bench, todo)
    _collect(records, ledger, len(units), run.progress)
    results = summarise(bench, facts(bench, kit), ledger.in_order(), run.options)
    results["data"]["pictures"] = sum(len(unit) for unit in units)
    results["run"] |= {"seconds": round(time.time() - started, 1), "measured_now": len(todo)}
    folder = run.output / PICTURES
    results["pictures"] = bench.draw(kit, units, results["per_picture"], folder)
    write_text(run.output / SUMMARY, summary(results))
    write_text(run.output / PAGE, page(results))
    write_json(run.output / RESULTS, results, indent=1)  # last: where it is, the run is complete
    return results


def _check_options(bench: Bench[Any], options: BenchOptions) -> None:
    if type(options) is not bench.options:
        raise OptionError(
            f"the bench {bench.name} takes {bench.options.__name__}, got {type(options).__name__}"
        )


def recipe(bench: Bench[Any], kit: Kit[Any], units: int) -> dict[str, Any]:
    """What makes two runs the same run: whatever could change a number."""
    options = {
        name: value for name, value in vars(kit.options).items() if name not in CHANGE_NO_NUMBER
    }
    return {
        "schema": SCHEMA,
        "task": bench.name,
        "data": kit.data.digest,
        "units": units,
        "made_by": list(kit.models.made_by),
        "options": plain(options),
    }


def facts(bench: Bench[Any], kit: Kit[Any]) -> dict[str, Any]:
    """What the result says of data set, model and protocol."""
    data = kit.data
    return {
        "classes": list(data.classes),
        "data": {
            "name": data.name,
            "digest": data.digest,
            "source": data.source,
            "notes": list(data.notes),
            "background": None if data.background is None else data.classes[data.background],
        },
        "model": {"spec": kit.models.spec, "made_by": list(kit.models.made_by)},
        "options": plain(vars(kit.options)),
        **bench.facts(kit),
    }


def summarise(
    bench: Bench[Any], known: dict[str, Any], records: Sequence[Record], options: BenchOptions
) -> dict[str, Any]:
    """The figures of all records with their intervals."""
    if not records:
        raise OptionError("nothing was measured")
    table = bench.table(known, [record["value"] for record in records])
    intervals = bootstrap.intervals(
        table.measure, len(records), rounds=options.rounds, seed=options.seed
    )
    pictures = zip(records, table.per_picture(), strict=True)
    found: dict[str, Any] = plain(
        {
            "schema": SCHEMA,
            "task": bench.name,
            "unit": bench.unit,
            "headline": bench.headline,
            **known,
            "metrics": table.measure(np.ones(len(records), np.int64)),
            "intervals": {name: list(pair) for name, pair in intervals.items()},
            "per_class": table.per_class(),
            "per_picture": [{"name": record["name"], **row} for record, row in pictures],
            "curves": table.curves(),
            "times": _times(records),
            "run": facts_of_run({"bootstrap": options.seed})
            | {
                # More than one where a run was continued with changed code: it mixes two programs.
                "commits": sorted({record["commit"] for record in records}),
                "bootstrap_rounds": options.rounds,
            },
        }
    )
    return found


def _collect(
    records: Iterator[Record], ledger: Ledger, total: int, progress: Callable[[Progress], None]
) -> None:
    start, before = time.monotonic(), len(ledger.done)
    progress(Progress(before, total, 0.0, float("nan")))
    for record in records:
        ledger.add(record)
        done = len(ledger.done)
        rate = (done - before) / max(time.monotonic() - start, 1e-9)
        progress(Progress(done, total, rate, (total - done) / rate))


def _times(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Median and ninth decile of the seconds of each stage, and of all of them together."""
    stages = sorted({stage for record in records for stage in record["seconds"]})
    columns = {stage: [record["seconds"].get(stage, 0.0) for record in records] for stage in stages}
    columns["total"] = [sum(record["seconds"].values()) for record in records]
    return {
        stage: {
            "p50": round(float(np.quantile(values, 0.5)), 6),
            "p90": round(float(np.quantile(values, 0.9)), 6),
        }
        for stage, values in columns.items()
    }


def table_of(results: Mapping[str, Any], records: Sequence[Record]) -> Table:
    """The table behind a finished run."""
    bench = find_bench(results["task"])
    return bench.table(results, [record["value"] for record in records])
