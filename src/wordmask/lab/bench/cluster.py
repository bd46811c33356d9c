"""The same measurement on Ray: one actor for each device, each with models of its own."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from wordmask.errors import missing_extra
from wordmask.lab.bench.plan import Kit, Task
from wordmask.media.ledger import Record

if TYPE_CHECKING:
    from wordmask.lab.bench.run import Run, Todo


class Worker:
    """Lives in a process of its own and measures what it is given."""

    def __init__(self, run: "Run", task: Task) -> None:
        self.kit = Kit(run.data, run.load(), run.options)
        self.task = task

    def measure(self, index: int, unit: Any) -> Record:
        from wordmask.lab.bench.run import measure_one

        return measure_one(self.kit, self.task, index, unit)


def measured(run: "Run", task: Task, todo: "Todo") -> Iterator[Record]:
    """Records as actors finish them. They carry their index, so the order in which they come changes nothing."""
    try:
        import ray
    except ImportError:
        raise missing_extra("ray", "ray") from None
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False)
    from dataclasses import replace

    sent = replace(run, progress=_silent)
    devices = int(ray.cluster_resources().get("GPU", 0))
    count = max(1, min(devices or run.options.workers, len(todo)))
    actor = ray.remote(num_gpus=1 if devices else 0, num_cpus=1)(Worker)
    workers = [actor.remote(sent, task) for _ in range(count)]
    rest = iter(todo)
    running: dict[Any, Any] = {}
    for worker in workers * 2:
        _next(rest, worker, running)
    while running:
        (done,), _ = ray.wait(list(running), num_returns=1)
        worker = running.pop(done)
        _next(rest, worker, running)
        yield ray.get(done)


def _silent(_: object) -> None:
    """Only the driver shows progress."""


def _next(rest: Iterator[tuple[int, Any]], worker: Any, running: dict[Any, Any]) -> None:
    item = next(rest, None)
    if item is not None:
        running[worker.measure.remote(*item)] = worker
