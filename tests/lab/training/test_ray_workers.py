"""Training in workers of Ray: the steps of one process, whatever dies."""

import importlib.util
import os
import sys
from functools import partial
from pathlib import Path

import pytest

from commands import run_here

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")

from line_objective import begin_ragged, die_once, refuse_ragged, run_ragged  # noqa: E402
from wordmask.errors import FormatError, OptionError  # noqa: E402
from wordmask.lab.training.loop import read_checkpoint  # noqa: E402
from wordmask.lab.training.ray_workers import RayTrainOptions, WorkerLoop, train_on_ray  # noqa: E402

HERE = importlib.util.find_spec("ray") is not None
TESTS = Path(__file__).parents[2]


def test_options_say_their_range():
    assert RayTrainOptions() == RayTrainOptions(ray=False, workers=0)
    with pytest.raises(OptionError, match="workers"):
        RayTrainOptions(workers=-1)
    with pytest.raises(OptionError, match="2 workers are Ray's; set ray"):
        RayTrainOptions(workers=2)


def test_without_ray_the_extra_is_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run_here("train", "mini", "--ray", "--data", tmp_path, "--out", tmp_path) == 3
    assert "wordmask[ray]" in capsys.readouterr().err


def test_a_worker_trains_where_the_command_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loop = WorkerLoop(partial(run_ragged, Path("run"), 3, 7), tmp_path)
    monkeypatch.chdir("/")
    assert loop() is None
    assert read_checkpoint(tmp_path / "run/last.pt")["step"] == 3
    answer = WorkerLoop(partial(refuse_ragged, "no words"), tmp_path)()
    assert isinstance(answer, FormatError)


@pytest.mark.slow
@pytest.mark.skipif(not HERE, reason="ray is not installed")
@pytest.mark.filterwarnings("ignore::Warning")  # ray's own
def test_two_workers_take_the_steps_of_one_process_also_when_one_dies(tmp_path, monkeypatch):
    import ray

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS), *sys.path]))
    monkeypatch.chdir(tmp_path)
    begin_ragged(tmp_path / "one", 60, 7).run()
    try:
        train_on_ray(partial(run_ragged, Path("calm"), 60, 7), tmp_path / "calm", 2)
        train_on_ray(partial(die_once, Path("shaken"), 60, 7), tmp_path / "shaken", 2)
        with pytest.raises(FormatError, match="no words"):
            train_on_ray(partial(refuse_ragged, "no words"), tmp_path / "refused", 2)
    finally:
        ray.shutdown()
    assert (tmp_path / "shaken/died").exists()
    one = read_checkpoint(tmp_path / "one/last.pt")["average"]["line"]
    for name in ("calm", "shaken"):
        found = read_checkpoint(tmp_path / name / "last.pt")
        assert found["step"] == 60
        torch.testing.assert_close(found["average"]["line"], one, atol=1e-6, rtol=1e-5)
