import importlib.util
import os

import pytest

from wordmask import engines
from wordmask.errors import MissingExtraError
from wordmask.lab.bench.cluster import Worker, measured
from wordmask.lab.bench.plan import BenchOptions
from wordmask.lab.bench.run import Run, bench

HERE = importlib.util.find_spec("ray") is not None
OPTIONS = BenchOptions(how="unified", rounds=20, show=0, workers=2)


def load_fake():
    return engines.load("fake")


def test_a_worker_makes_its_own_models_and_measures(drawn, tmp_path):
    from wordmask.lab.bench.benches import task

    worker = Worker(Run("semantic", drawn, load_fake, tmp_path, OPTIONS), task("semantic"))
    record = worker.measure(3, (drawn.samples[3],))
    assert (record["index"], record["name"]) == (3, "p03")


@pytest.mark.skipif(HERE, reason="ray is installed")
def test_without_ray_the_extra_is_named(drawn, tmp_path):
    from wordmask.lab.bench.benches import task

    run = Run("semantic", drawn, load_fake, tmp_path, OPTIONS)
    with pytest.raises(MissingExtraError, match=r"wordmask\[ray\]"):
        next(measured(run, task("semantic"), [(0, (drawn.samples[0],))]))


@pytest.mark.slow
@pytest.mark.skipif(not HERE, reason="ray is not installed")
@pytest.mark.filterwarnings("ignore::Warning")  # ray's own, about its dashboard and its sockets
def test_ray_gives_the_same_numbers_as_one_process(drawn, tmp_path):
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    alone = bench(Run("semantic", drawn, load_fake, tmp_path / "alone", OPTIONS))
    try:
        spread = bench(Run("semantic", drawn, load_fake, tmp_path / "ray", OPTIONS, ray=True))
    finally:
        ray.shutdown()
    for key in ("metrics", "intervals", "per_class", "per_picture", "curves"):
        assert spread[key] == alone[key]
