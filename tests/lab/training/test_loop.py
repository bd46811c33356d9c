"""The loop trains whatever brings an objective: here a linear layer and drawn numbers."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")

from wordmask.errors import OptionError, WeightsError  # noqa: E402
from wordmask.lab.training.loop import (  # noqa: E402
    Average,
    ParameterGroup,
    Step,
    Training,
    TrainOptions,
    load_average,
    rate_at,
)

TRUE_WEIGHTS = torch.tensor([[1.0, -2.0, 0.5]])


class LineObjective:
    """Fits a line to numbers drawn from the seed and the step; remembers how many it has seen."""

    def __init__(self, options: TrainOptions) -> None:
        self.options = options
        self.layer = torch.nn.Linear(3, 1)
        self.modules = {"line": self.layer}
        self.seen = 0
        self.shares: list[float] = []

    def groups(self) -> list[ParameterGroup]:
        rate = self.options.rate
        return [
            ParameterGroup([self.layer.weight], rate, self.options.decay),
            ParameterGroup([self.layer.bias], 2 * rate),
        ]

    def batches(self, start: int) -> Iterator[torch.Tensor]:
        for step in count(start):
            rows = np.random.default_rng([self.options.seed, step])
            yield torch.from_numpy(rows.normal(size=(self.options.batch, 3)).astype(np.float32))

    def losses(self, batch: torch.Tensor, step: Step) -> tuple[torch.Tensor, dict[str, float]]:
        self.seen += len(batch)
        self.shares.append(step.share)
        (found,) = step.run(lambda x: [self.layer(x)], batch)
        assert found.dtype == torch.float32
        noise = torch.randn(len(batch), 1) * 0.01  # so that the random state matters
        loss = (found - batch @ TRUE_WEIGHTS.T + noise).square().mean()
        return loss, {"square": float(loss.detach())}

    def state(self) -> dict[str, int]:
        return {"seen": self.seen}

    def load_state(self, state: dict[str, int]) -> None:
        self.seen = state["seen"]

    def export(self, checkpoint: Path, folder: Path) -> None:
        load_average(checkpoint, self.modules)
        np.save(folder / "line.npy", self.layer.weight.detach().numpy())


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


def test_weights_of_other_networks_are_refused(begin):
    checkpoint = begin(max_steps=0).run()
    with pytest.raises(WeightsError, match="holds the networks line, not curve"):
        load_average(checkpoint, {"curve": torch.nn.Linear(3, 1)})


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
