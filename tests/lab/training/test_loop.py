"""The loop trains whatever brings an objective: here a linear layer and drawn numbers."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")

from line_objective import TRUE_WEIGHTS, LineObjective, begin_ragged  # noqa: E402
from wordmask.errors import OptionError, OutputError, WeightsError  # noqa: E402
from wordmask.lab.training.average import Average  # noqa: E402
from wordmask.lab.training.loop import (  # noqa: E402
    Training,
    TrainOptions,
    load_average,
    rate_at,
    read_checkpoint,
)
from wordmask.lab.training.place import RunPlace, find_place  # noqa: E402


@pytest.fixture
def begin(tmp_path):
    def make(name: str = "run", **options: object) -> Training:
        values = {"batch": 8, "rate": 0.05, "warm": 0.0, "hold": 1.0, "threads": 1, "half": False}
        values |= {"data": tmp_path, "out": tmp_path / name, "average": 0.9}
        return Training(LineObjective, TrainOptions(**(values | options)))

    return make


def lines(training: Training) -> list[dict[str, float]]:
    """The log without the minutes, which no two runs share."""
    rows = [json.loads(line) for line in training.log.read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "minutes"} for row in rows]


def test_the_line_is_found(begin, tmp_path):
    training = begin(max_steps=200)
    training.objective.export(training.run(), tmp_path)
    np.testing.assert_allclose(np.load(tmp_path / "line.npy"), TRUE_WEIGHTS, atol=0.05)


@pytest.mark.parametrize("half", [False, True])
def test_a_killed_run_goes_on_exactly(begin, half):
    """Weights, averages, the objective's state and the log are those of a run that was never
    killed.
    """
    whole = begin("whole", max_steps=50, half=half)
    whole.run()
    begin("parts", max_steps=13, half=half).run()
    killed = begin("parts", max_steps=47, half=half)
    killed.save = lambda: None  # killed before its next checkpoint
    killed.run()
    resumed = begin("parts", max_steps=50, half=half)
    assert (resumed.step, resumed.objective.seen) == (13, 13 * 8)
    resumed.run()
    assert resumed.objective.seen == whole.objective.seen
    assert lines(resumed) == lines(whole)
    for name, value in whole.average.state["line"].items():
        assert torch.equal(resumed.average.state["line"][name], value)
    for one, other in zip(
        whole.objective.layer.parameters(), resumed.objective.layer.parameters(), strict=True
    ):
        assert torch.equal(one, other)


def test_the_log_has_the_mean_of_twenty_steps(begin):
    training = begin(max_steps=40)
    training.run()
    first, second = lines(training)
    assert (first["step"], second["step"], first["rate"]) == (20, 40, 1.0)
    assert second["square"] < first["square"]
    assert set(first) == {"step", "rate", "square", "norm"}


def test_a_line_cut_off_by_a_kill_is_written_again(begin):
    begin(max_steps=20).run()
    with begin(max_steps=20).log.open("a") as log:
        log.write('{"step": 40, "rate"')
    assert [row["step"] for row in lines(begin(max_steps=20))] == [20]


def test_an_evaluation_is_a_line_and_changes_nothing_else(begin):
    plain = begin("plain", max_steps=40)
    plain.run()
    judged = begin("judged", max_steps=40, eval_steps=15)
    judged.run()
    rows = lines(judged)
    assert [row["step"] for row in rows] == [15, 20, 30, 40]
    assert [row["step"] for row in rows if "eval_off" in row] == [15, 30]
    assert [row for row in rows if "eval_off" not in row] == lines(plain)


def test_the_averaged_weights_are_evaluated(begin, monkeypatch):
    training = begin(max_steps=30, eval_steps=30, average=1.0)
    training.run()
    off = (training.average.state["line"]["weight"] - TRUE_WEIGHTS).abs().max().item()
    assert lines(training)[-1]["eval_off"] == pytest.approx(off, abs=1e-4)


def test_the_curves_are_drawn_at_the_end(begin):
    begin("short", max_steps=20).run()
    training = begin("long", max_steps=60)
    training.run()
    assert not (training.options.out.parent / "short/curves.svg").exists()
    assert "polyline" in (training.options.out / "curves.svg").read_text()


def run_processes(folder: Path, steps: int, count: int) -> None:
    """So many processes, as torchrun starts them."""
    pytest.importorskip("accelerate", reason="several processes: pip install 'wordmask[train]'")
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port.getsockname()[1])}
    program = Path(__file__).parents[2] / "line_objective.py"
    shared |= {"WORLD_SIZE": str(count), "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    paths = os.pathsep.join(sys.path)
    started = [
        subprocess.Popen(
            [sys.executable, str(program), str(folder), str(steps), "7"],
            env={**os.environ, **shared, "RANK": rank, "LOCAL_RANK": rank, "PYTHONPATH": paths},
            stderr=subprocess.PIPE,
        )
        for rank in map(str, range(count))
    ]
    for one in started:
        _, errors = one.communicate(timeout=300)
        assert one.returncode == 0, errors.decode()[-2000:]


def read_lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(row) for row in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one_also_with_everything_in_parts(tmp_path):
    """Batches of 7 rows of which only some count; each run goes on where it was stopped.

    In parts (FSDP2) each process has a part of the weights; one process reads the checkpoint.
    """
    begin_ragged(tmp_path / "one", 40, 7).run()
    for name in ("two", "parts"):
        begin_ragged(tmp_path / name, 15, 7).run()
    run_processes(tmp_path, 40, 2)
    one, two, parts = (read_checkpoint(tmp_path / name / "last.pt") for name in RUNS)
    for other in (two, parts):
        assert other["step"] == 40
        for name in ("modules", "average"):
            for key, value in one[name]["line"].items():
                torch.testing.assert_close(other[name]["line"][key], value, atol=1e-6, rtol=1e-5)
    wanted = read_lines(tmp_path / "one")
    for name in ("two", "parts"):
        rows = read_lines(tmp_path / name)
        assert [row["step"] for row in rows] == [20, 20, 40, 40]
        assert rows[2]["square"] == pytest.approx(wanted[2]["square"], abs=2e-4)
        assert rows[3]["eval_off"] == pytest.approx(wanted[3]["eval_off"], abs=2e-4)
    on, off = begin_ragged(tmp_path / "parts", 50, 7), begin_ragged(tmp_path / "one", 50, 7)
    assert read_checkpoint(on.run())["step"] == 50
    off.run()
    torch.testing.assert_close(
        on.average.state["line"], off.average.state["line"], atol=1e-6, rtol=1e-5
    )


RUNS = ("one", "two", "parts")


@pytest.mark.parametrize(("size", "count"), [(7, 2), (8, 3), (5, 5)])
def test_processes_share_a_batch_without_rest(size, count):
    rows = [RunPlace(rank=rank, count=count).rows(size) for rank in range(count)]
    assert [k for one in rows for k in range(size)[one]] == list(range(size))


def test_a_batch_has_a_row_for_each_process():
    with pytest.raises(OptionError, match="3 processes cannot share a batch of 2"):
        RunPlace(count=3).rows(2)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_said():
    assert find_place("auto").device.type == "cpu"
    with pytest.raises(OptionError, match="no GPU"):
        find_place("cuda")


def test_minutes_end_a_run_and_drive_the_schedule(begin, monkeypatch):
    seconds = iter(range(0, 10_000, 6))
    monkeypatch.setattr("wordmask.lab.training.loop.time.monotonic", lambda: next(seconds))
    training = begin(minutes=1.0)
    training.run()
    np.testing.assert_allclose(training.objective.shares, np.arange(10) / 10)
    assert training.step == 10


def test_each_group_has_its_own_rate_and_decay(begin):
    training = begin(max_steps=1, decay=0.1)
    training.run()
    groups = training.optimiser.param_groups
    assert [(group["lr"], group["weight_decay"]) for group in groups] == [(0.05, 0.1), (0.1, 0.0)]


def test_a_step_without_a_finite_gradient_changes_nothing(begin, monkeypatch):
    training = begin(max_steps=1)
    before = training.objective.layer.weight.clone()
    monkeypatch.setattr(
        training.objective,
        "losses",
        lambda batch, step: (training.objective.layer(batch * torch.inf).sum(), {}),
    )
    training.run()
    assert torch.equal(training.objective.layer.weight, before)


def test_what_was_trained_is_written_down(begin):
    training = begin(max_steps=0, seed=3)
    training.run()
    assert json.loads((training.options.out / "options.json").read_text())["seed"] == 3


def test_a_file_in_place_of_the_folder_is_said(begin, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="nothing can be written into the folder"):
        begin(out=tmp_path / "file")


def test_weights_of_other_networks_are_refused(begin):
    checkpoint = begin(max_steps=0).run()
    with pytest.raises(WeightsError, match="holds the networks line, not curve"):
        load_average(checkpoint, {"curve": torch.nn.Linear(3, 1)})


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        ({"curve": torch.nn.Linear(3, 1)}, "holds the networks line, not curve"),
        ({"line": torch.nn.Linear(4, 1)}, "holds a line of another form: size mismatch"),
    ],
)
def test_a_run_does_not_go_on_in_the_folder_of_another(modules, said, begin, monkeypatch):
    begin(max_steps=0).run()

    def other(self, options):
        made(self, options)
        self.modules = modules

    made = LineObjective.__init__
    monkeypatch.setattr(LineObjective, "__init__", other)
    with pytest.raises(WeightsError, match=said):
        begin(max_steps=1)


@pytest.mark.parametrize("content", [{"average": [1, 2]}, [1, 2]])
def test_another_file_is_no_checkpoint(begin, tmp_path, content):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match=r"other\.pt is no checkpoint"):
        load_average(tmp_path / "other.pt", {})


@pytest.mark.parametrize("content", [None, b"", b"text", b"PK\x03\x04"], ids=str)
def test_a_file_that_cannot_be_read_is_no_checkpoint(tmp_path, content):
    if content is not None:
        (tmp_path / "broken.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"broken\.pt is no checkpoint"):
        load_average(tmp_path / "broken.pt", {})


@pytest.mark.parametrize(
    "options",
    [
        {"minutes": 0},
        {"batch": 0},
        {"rate": -1.0},
        {"hold": 1.5},
        {"max_steps": -1},
        {"threads": 0},
    ],
    ids=str,
)
def test_options_are_held_to_their_ranges(options, tmp_path):
    with pytest.raises(OptionError, match=next(iter(options))):
        TrainOptions(data=tmp_path, out=tmp_path, **options)


def test_the_rate_climbs_holds_and_falls_to_zero():
    rates = [rate_at(share, 0.1, 0.4) for share in (0.0, 0.05, 0.1, 0.3, 0.4, 0.7, 1.0)]
    assert rates == pytest.approx([0.02, 0.5, 1, 1, 1, 0.5, 0], abs=1e-6)


def test_the_average_follows_slowly():
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(layer.weight)
    average = Average({"layer": layer})
    torch.nn.init.ones_(layer.weight)
    average.update(0.75)
    assert average.state["layer"]["weight"].item() == pytest.approx(0.25)
