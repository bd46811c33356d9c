import importlib.util
import os

import pytest

from wordmask import engines
from wordmask.errors import MissingExtraError
from wordmask.lab.bench.benches import find_bench
from wordmask.lab.bench.benches.semantic import SemanticOptions
from wordmask.lab.bench.cluster import RayJob, Worker, measure_on_ray
from wordmask.lab.bench.run import BenchRun, run_bench

HERE = importlib.util.find_spec("ray") is not None
OPTIONS = SemanticOptions(how="unified", rounds=20, show=0, workers=2)


def load_fake():
    return engines.load("fake")


def job(drawn) -> RayJob:
    return RayJob(find_bench("semantic"), drawn, load_fake, OPTIONS)


def test_a_worker_makes_its_own_models_and_measures(drawn):
    worker = Worker(job(drawn))
    record = worker.measure(3, (drawn.samples[3],))
    assert (record["index"], record["name"]) == (3, "p03")


@pytest.mark.skipif(HERE, reason="ray is installed")
def test_without_ray_the_extra_is_named(drawn):
    with pytest.raises(MissingExtraError, match=r"wordmask\[ray\]"):
        next(measure_on_ray(job(drawn), [(0, (drawn.samples[0],))]))


@pytest.mark.slow
@pytest.mark.skipif(not HERE, reason="ray is not installed")
@pytest.mark.filterwarnings("ignore::Warning")  # ray's own, about its dashboard and its sockets
def test_ray_gives_the_same_numbers_as_one_process(drawn, tmp_path):
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    alone = run_bench(BenchRun("semantic", drawn, load_fake, tmp_path / "alone", OPTIONS))
    try:
        run = BenchRun("semantic", drawn, load_fake, tmp_path / "ray", OPTIONS, ray=True)
        spread = run_bench(run)
    finally:
        ray.shutdown()
    for key in ("metrics", "intervals", "per_class", "per_picture", "curves"):
        assert spread[key] == alone[key]
