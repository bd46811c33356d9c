"""Run one benchmark: every picture measured once, killed runs continued, all of it in `results.json`.

The models are made by a function that the caller hands over, so that this layer loads no weights and so that
each worker of a cluster can make its own.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wordmask.core.models import Models
from wordmask.errors import OptionError, WordmaskError
from wordmask.lab.bench.benches import task as task_of
from wordmask.lab.bench.plan import BenchOptions, Clock, Kit, Table, Task
from wordmask.lab.bench.provenance import commit, machine, peak_memory_mb, protocol, version
from wordmask.lab.bench.values import plain
from wordmask.lab.data import Dataset, Sample
from wordmask.lab.metrics import bootstrap
from wordmask.media.ledger import Ledger, Record

SCHEMA = 1
RECORDS = "records.jsonl"
RESULTS = "results.json"


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
class Run:
    """One benchmark to do."""

    task: str
    data: Dataset
    load: Callable[[], Models]
    output: Path
    options: BenchOptions = field(default_factory=BenchOptions)
    progress: Callable[[Progress], None] = lambda _: None
    ray: bool = False


def bench(run: Run) -> dict[str, Any]:
    """Measure, and write records, results, summary, pictures and page; the content of `results.json`."""
    started = time.time()
    task = task_of(run.task)
    data = run.data if run.task == "video" else run.data.first(run.options.num_samples)
    kit = Kit(data, run.load(), run.options)
    _check_heard(run)
    task.check(kit)
    units = task.units(data)[: run.options.num_samples]
    ledger = Ledger(run.output / RECORDS, recipe(task, kit, len(units)))
    todo = [(index, unit) for index, unit in enumerate(units) if index not in ledger.done]
    measured = _on_ray(run, task, todo) if run.ray else _in_threads(kit, task, todo)
    _collect(measured, ledger, len(units), run.progress)
    records = ledger.in_order()
    results = summarised(task, facts(kit), records, run.options)
    results["data"]["pictures"] = sum(len(unit) for unit in units)
    results["run"] |= {"seconds": round(time.time() - started, 1), "measured_now": len(todo)}
    return _finish(run, kit, task, units, results)


def _check_heard(run: Run) -> None:
    """An option that would change nothing is an error, or its figures would be taken for something else."""
    if run.options.use_pamr and run.task != "semantic":
        raise OptionError(
            f"--use-pamr refines a class for every pixel, which the task {run.task} does not measure"
        )


def recipe(task: Task, kit: Kit, units: int) -> dict[str, Any]:
    """What makes two runs the same run: whatever could change a number."""
    skipped = {"save_vis", "show", "workers", "rounds", "seed"}
    options = {name: value for name, value in vars(kit.options).items() if name not in skipped}
    return {
        "schema": SCHEMA,
        "task": task.name,
        "data": kit.data.digest,
        "units": units,
        "made_by": list(kit.models.made_by),
        "options": plain(options),
    }


def facts(kit: Kit) -> dict[str, Any]:
    """What is said of data set, model and protocol in the result."""
    data = kit.data
    background = None if data.background is None else data.classes[data.background]
    about = {
        "name": data.name,
        "digest": data.digest,
        "source": data.source,
        "notes": list(data.notes),
    }
    return {
        "classes": list(data.classes),
        "data": about | {"background": background},
        "model": {"spec": kit.models.spec, "made_by": list(kit.models.made_by)},
        "how": kit.way,
        "words": list(kit.words.phrases) if data.classes else [],
        "options": plain(vars(kit.options)),
        "protocol": protocol(kit),
    }


def summarised(
    task: Task, known: dict[str, Any], records: Sequence[Record], options: BenchOptions
) -> dict[str, Any]:
    """The figures of all records with their intervals."""
    if not records:
        raise OptionError("nothing was measured")
    table = task.table(known, [record["value"] for record in records])
    weights = np.ones(len(records), np.int64)
    metrics = table.measure(weights)
    intervals = bootstrap.intervals(
        table.measure, len(records), rounds=options.rounds, seed=options.seed
    )
    pictures = zip(records, table.per_picture(), strict=True)
    found: dict[str, Any] = plain(
        {
            "schema": SCHEMA,
            "task": task.name,
            "headline": task.headline,
            **known,
            "metrics": metrics,
            "intervals": {name: list(pair) for name, pair in intervals.items()},
            "per_class": table.per_class(),
            "per_picture": [{"name": record["name"], **row} for record, row in pictures],
            "curves": table.curves(),
            "times": _times(records),
            "run": {
                "commit": commit(),
                # More than one where a run was continued with changed code: such figures mix two programs.
                "commits": sorted({record["commit"] for record in records}),
                "version": version(),
                "machine": machine(),
                "seeds": {"bootstrap": options.seed},
                "bootstrap_rounds": options.rounds,
                "peak_memory_mb": peak_memory_mb(),
            },
        }
    )
    return found


def measure_one(kit: Kit, task: Task, index: int, unit: tuple[Sample, ...]) -> Record:
    """One line of the ledger."""
    clock = Clock()
    name = unit[0].name if len(unit) == 1 else unit[0].sequence
    try:
        value = task.score(kit, unit, clock)
    except WordmaskError as error:
        error.add_note(
            f"while measuring {name}; the pictures done so far are kept, the same command goes on"
        )
        raise
    seconds = {stage: round(spent, 6) for stage, spent in clock.seconds.items()}
    return {
        "index": index,
        "name": name,
        "value": plain(value),
        "seconds": seconds,
        "commit": commit(),
    }


Todo = Sequence[tuple[int, tuple[Sample, ...]]]


def _in_threads(kit: Kit, task: Task, todo: Todo) -> Iterator[Record]:
    """Records as they are done; no more than two units per worker are under way, so memory stays bounded."""
    workers = kit.options.workers
    if workers == 1:
        for index, unit in todo:
            yield measure_one(kit, task, index, unit)
        return
    rest = iter(todo)
    with ThreadPoolExecutor(workers) as pool:
        running: set[Future[Record]] = set()
        try:
            while True:
                for index, unit in islice(rest, 2 * workers - len(running)):
                    running.add(pool.submit(measure_one, kit, task, index, unit))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _on_ray(run: Run, task: Task, todo: Todo) -> Iterator[Record]:
    from wordmask.lab.bench.cluster import measured

    return measured(run, task, todo)


def _collect(
    measured: Iterator[Record], ledger: Ledger, total: int, progress: Callable[[Progress], None]
) -> None:
    start, before = time.monotonic(), len(ledger.done)
    progress(Progress(before, total, 0.0, float("nan")))
    for record in measured:
        ledger.add(record)
        done = len(ledger.done)
        rate = (done - before) / max(time.monotonic() - start, 1e-9)
        progress(Progress(done, total, rate, (total - done) / rate))


def _finish(
    run: Run, kit: Kit, task: Task, units: Sequence[tuple[Sample, ...]], results: dict[str, Any]
) -> dict[str, Any]:
    from wordmask.files import write_json, write_text
    from wordmask.lab.bench.drawn import draw
    from wordmask.lab.bench.report import page, summary

    results["pictures"] = draw(
        kit, task.name, units, results["per_picture"], run.output / "visualizations"
    )
    write_text(run.output / "summary.txt", summary(results))
    write_text(run.output / "index.html", page(results))
    write_json(run.output / RESULTS, results, indent=1)  # last: where it is, the run is complete
    return results


def _times(records: Sequence[Record]) -> dict[str, dict[str, float]]:
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


def table_of(results: dict[str, Any], records: Sequence[Record]) -> Table:
    """The table behind a finished run."""
    return task_of(results["task"]).table(results, [record["value"] for record in records])
