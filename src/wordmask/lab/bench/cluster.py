"""The same measurement on Ray: one actor for each device, each with models of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from wordmask.core.models import Models
from wordmask.errors import missing_extra
from wordmask.lab.bench.bench import Bench, Kit, Unit
from wordmask.lab.bench.measure import Todo, measure_unit
from wordmask.lab.bench.options import BenchOptions
from wordmask.lab.data import Dataset
from wordmask.media.ledger import Record


@dataclass(frozen=True, eq=False)
class RayJob:
    """What is sent to the machines: instead of models, the function that makes them there."""

    bench: Bench[Any]
    data: Dataset
    load: Callable[[], Models]
    options: BenchOptions


class Worker:
    """Lives in a process of its own and measures the units that it is handed."""

    def __init__(self, job: RayJob) -> None:
        self.bench = job.bench
        self.kit = Kit(job.data, job.load(), job.options)

    def measure(self, index: int, unit: Unit) -> Record:
        return measure_unit(self.kit, self.bench, index, unit)


def measure_on_ray(job: RayJob, todo: Todo) -> Iterator[Record]:
    """Records as actors finish them. Each carries its index, so their order changes nothing."""
    try:
        import ray
    except ImportError:
        raise missing_extra("ray", "ray") from None
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False)
    devices = int(ray.cluster_resources().get("GPU", 0))
    count = max(1, min(devices or job.options.workers, len(todo)))
    actor = ray.remote(num_gpus=1 if devices else 0, num_cpus=1)(Worker)
    workers = [actor.remote(job) for _ in range(count)]
    rest = iter(todo)
    running: dict[Any, Any] = {}  # the record to come -> the worker that measures it
    for worker in workers * 2:
        _hand_next(rest, worker, running)
    while running:
        (done,), _ = ray.wait(list(running), num_returns=1)
        worker = running.pop(done)
        _hand_next(rest, worker, running)
        yield ray.get(done)


def _hand_next(rest: Iterator[tuple[int, Unit]], worker: Any, running: dict[Any, Any]) -> None:
    item = next(rest, None)
    if item is not None:
        running[worker.measure.remote(*item)] = worker
