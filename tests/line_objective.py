"""The smallest thing that the training loop can train: a line fitted to drawn numbers.

Run as a program it is one process of a run: `python line_objective.py FOLDER STEPS BATCH`.
"""

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import torch

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
    """Only some rows of a batch count, so processes have different numbers of them, or none."""

    def losses(self, batch: torch.Tensor, step: Step) -> tuple[torch.Tensor, dict[str, float]]:
        rows = batch[batch[:, 0] > 0.3]
        found = self.layer(rows)
        loss = step.mean((found - rows @ TRUE_WEIGHTS.T).square()[:, 0], rows[:, 0])
        return loss, {"square": float(loss.detach())}


def begin_ragged(out: Path, steps: int, batch: int) -> Training:
    values = {"rate": 0.05, "warm": 0.0, "hold": 1.0, "threads": 1, "half": False}
    values |= {"average": 0.9, "device": "cpu", "max_steps": steps, "batch": batch}
    return Training(RaggedObjective, TrainOptions(data=out, out=out, **values))


if __name__ == "__main__":
    begin_ragged(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])).run()
