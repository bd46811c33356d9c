"""The smallest thing that the training loop can train: a line fitted to drawn numbers.

Run as a program it is one process of three runs: `python line_objective.py FOLDER STEPS BATCH`
trains in FOLDER/two, and in parts in FOLDER/parts, which stops ten steps before the end.
"""

import os
import signal
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import torch

from wordmask.errors import FormatError
from wordmask.lab.training.loop import (
    ParameterGroup,
    Step,
    Training,
    TrainOptions,
    load_average,
)
from wordmask.lab.training.place import RunPlace

TRUE_WEIGHTS = torch.tensor([[1.0, -2.0, 0.5]])


class LineObjective:
    """Fits a line to numbers drawn from the seed and the step; remembers how many it has seen."""

    noise = 0.01  # so that the random state matters

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

    def share(self, batch: torch.Tensor, place: RunPlace) -> torch.Tensor:
        return batch[place.rows(len(batch))].to(place.device)

    def losses(self, batch: torch.Tensor, step: Step) -> tuple[torch.Tensor, dict[str, float]]:
        self.seen += len(batch)
        self.shares.append(step.share)
        (found,) = step.run(lambda x: [self.layer(x)], batch)
        assert found.dtype == torch.float32
        noise = torch.randn(len(batch), 1) * self.noise
        loss = (found - batch @ TRUE_WEIGHTS.T + noise).square().mean()
        return loss, {"square": float(loss.detach())}

    def evaluate(self) -> dict[str, float]:
        torch.rand(1)  # an evaluation may draw numbers, and training does not notice
        return {"off": float((self.layer.weight - TRUE_WEIGHTS).abs().max())}

    def state(self) -> dict[str, int]:
        return {"seen": self.seen}

    def load_state(self, state: dict[str, int]) -> None:
        self.seen = state["seen"]

    def export(self, checkpoint: Path, folder: Path) -> None:
        load_average(checkpoint, self.modules)
        np.save(folder / "line.npy", self.layer.weight.detach().numpy())


class RaggedObjective(LineObjective):
    """Only some rows of a batch count, so processes have different numbers of them, or none.

    One parameter is a single number; one is used by a process only if it has the rows for it.
    """

    def __init__(self, options: TrainOptions) -> None:
        super().__init__(options)
        self.layer.gain = torch.nn.Parameter(torch.tensor(1.0))
        self.layer.shift = torch.nn.Parameter(torch.zeros(2))

    def groups(self) -> list[ParameterGroup]:
        own = [self.layer.gain, self.layer.shift]
        return [*super().groups(), ParameterGroup(own, self.options.rate)]

    def losses(self, batch: torch.Tensor, step: Step) -> tuple[torch.Tensor, dict[str, float]]:
        rows = batch[batch[:, 0] > 0.3]
        found = self.layer(rows) * self.layer.gain
        loss = step.mean((found - rows @ TRUE_WEIGHTS.T).square()[:, 0], rows[:, 0])
        high = batch[batch[:, 1] > 0, 1]
        off = (self.layer.shift - high[:, None]).square().sum(1) if len(high) else high
        loss = loss + step.mean(off, torch.ones_like(off))
        return loss, {"square": float(loss.detach())}


def begin_ragged(out: Path, steps: int, batch: int, *, shard: bool = False) -> Training:
    values = {"rate": 0.05, "warm": 0.0, "hold": 1.0, "threads": 1, "half": False}
    values |= {"average": 0.9, "device": "cpu", "max_steps": steps, "batch": batch}
    values |= {"eval_steps": 20, "shard": shard}
    return Training(RaggedObjective, TrainOptions(data=out, out=out, **values))


def run_ragged(out: Path, steps: int, batch: int) -> None:
    begin_ragged(out, steps, batch).run()


def refuse_ragged(reason: str) -> None:
    raise FormatError(reason)


def die_once(out: Path, steps: int, batch: int) -> None:
    """Half-way a checkpoint is written, and the second process killed, once."""
    training, died = begin_ragged(out, steps, batch), out / "died"
    losses = training.objective.losses

    def lose(rows: torch.Tensor, step: Step) -> tuple[torch.Tensor, dict[str, float]]:
        if step.number == steps // 2 and not died.exists():
            training.save()
            step.place.wait()
            if step.place.rank == 1:
                died.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return losses(rows, step)

    training.objective.losses = lose
    training.run()


def run_together(folder: Path, steps: int, batch: int) -> None:
    """Several runs in the same processes, which part at the end of the last one."""
    leave, RunPlace.leave = RunPlace.leave, RunPlace.wait
    begin_ragged(folder / "two", steps, batch).run()
    begin_ragged(folder / "parts", steps - 10, batch, shard=True).run()
    RunPlace.leave = leave
    training = begin_ragged(folder / "parts", steps, batch, shard=True)
    assert training.average.state["line"]["weight"].to_local().shape[0] == 1 - training.place.rank
    training.run()


if __name__ == "__main__":
    run_together(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
