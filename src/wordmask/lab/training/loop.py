"""Train a network: steps, schedule, averaged weights, checkpoints, log.

What is learned, and from what, is the objective's.

The schedule is a share of a time budget, not a number of steps: the rate climbs, holds, and falls
to zero as the minutes run out. So a slower machine sees fewer pictures and still ends at rate zero.
Every `save_minutes`, all that is needed to go on exactly is written into one file: weights,
averages, optimiser, the objective's state, step, minutes used, random state. Several processes
(`place.py`) share the batch of each step; the first of them writes the files.
"""

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Literal, Protocol, TypeVar

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from wordmask.core.options import Share, check
from wordmask.errors import WeightsError
from wordmask.files import atomic, make_folder, write_text
from wordmask.lab.training import shards
from wordmask.lab.training.average import Average
from wordmask.lab.training.curves import draw_curves
from wordmask.lab.training.place import Device, RunPlace, find_place

CHECKPOINT = "last.pt"
LOG_STEPS = 20  # steps in a line of the log
LONGEST_GRADIENT = 3.0


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """What one run is, whatever it trains (docs/training.md)."""

    data: str | Path
    """Folder of the training packs, or own data in any format that is read: a path, or an address
    of a storage (s3://...)."""
    out: Path
    """Where checkpoints and the log go."""
    usual_minutes: ClassVar[float] = 80.0
    minutes: Annotated[float, Gt(0)] | Literal["auto"] = "auto"
    """Time budget of the whole run, over all its resumptions; auto: what is usual for it (80 for
    packs, 6 for own pictures)."""
    batch: Annotated[int, Ge(1)] = 12
    """Pictures per step."""
    rate: Annotated[float, Gt(0)] = 1.2e-3
    """Highest learning rate."""
    warm: Share = 0.03
    """Share of the budget during which the rate climbs."""
    hold: Share = 0.3
    """Share after which it falls."""
    decay: Annotated[float, Ge(0)] = 0.02
    """Weight decay of matrices and filters."""
    average: Share = 0.998
    """How slowly the averaged weights follow."""
    save_minutes: Annotated[float, Gt(0)] = 4.0
    """Minutes between checkpoints."""
    max_steps: Annotated[int, Ge(0)] | None = None
    """Stop after this many steps, however many minutes are left."""
    seed: Annotated[int, Ge(0)] = 1
    """Decides the first weights and what each step sees."""
    half: bool = True
    """Run the network in bf16; weights and losses stay in fp32."""
    threads: Annotated[int, Ge(1)] = 2
    """Threads for torch."""
    device: Device = "auto"
    """Where to compute: auto (a GPU if there is one), cpu or cuda."""
    shard: bool = False
    """Of several processes each keeps a part of what is trained, of its gradients and of the
    optimiser's state (FSDP2), instead of all."""
    eval_steps: Annotated[int, Ge(0)] = 0
    """Evaluate the averaged weights after every so many steps, if the objective can; 0: never."""

    def __post_init__(self) -> None:
        check(self)

    @property
    def budget(self) -> float:
        """Minutes."""
        return self.usual_minutes if isinstance(self.minutes, str) else self.minutes


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that are trained alike."""

    parameters: list[Tensor]
    peak: float
    """Their learning rate while the schedule holds."""
    decay: float = 0.0
    """Their weight decay."""


def group_by_decay(parameters: Iterable[Tensor], options: TrainOptions) -> list[ParameterGroup]:
    """Matrices and filters decay; biases and the like do not."""
    own = list(parameters)
    return [
        ParameterGroup([p for p in own if p.ndim > 1], options.rate, options.decay),
        ParameterGroup([p for p in own if p.ndim <= 1], options.rate),
    ]


@dataclass(frozen=True)
class Step:
    """What the loop tells an objective about a step."""

    number: int
    """From 0."""
    share: float
    """Of the budget that is used up, 0 to 1."""
    half: bool
    """Whether networks run in bf16."""
    place: RunPlace = field(default_factory=RunPlace)
    """The process that computes it."""

    def run(self, network: nn.Module, *inputs: Any) -> list[Tensor]:
        """The outputs in fp32, whatever the network ran in; an input may be a tuple of tensors."""
        first = inputs[0] if isinstance(inputs[0], Tensor) else inputs[0][0]
        device = first.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self.half):
            return [output.float() for output in network(*inputs)]

    def mean(self, loss: Tensor, weight: Tensor) -> Tensor:
        """The weighted mean of (N,) losses over the items of all processes; N differs in each."""
        return self.place.mean(loss, weight)


class Objective(Protocol):
    """What a network brings to be trained."""

    modules: dict[str, nn.Module]
    """What is trained, averaged and saved, by name."""

    def groups(self) -> list[ParameterGroup]:
        """Everything that the optimiser changes."""

    def batches(self, start: int) -> Iterator[Any]:
        """The batch of step `start` and of each after it; it depends on seed and step alone."""

    def share(self, batch: Any, place: RunPlace) -> Any:
        """The rows of a batch that a process computes, on its device."""

    def losses(self, batch: Any, step: Step) -> tuple[Tensor, dict[str, float]]:
        """What is minimised, and figures for the log: the same ones in every step."""

    def evaluate(self) -> dict[str, float]:
        """Figures of the present weights on what is not learned from; none if there is nothing."""

    def state(self) -> dict[str, Any]:
        """What else must survive a kill or be known to an export; tensors and plain values."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Take such a state up again."""

    def export(self, checkpoint: Path, folder: Path) -> None:
        """Write what an engine runs on."""


Trained = TypeVar("Trained", bound=Objective)


class _LossModule(nn.Module):
    """An objective's losses as a module, whose gradients processes can average."""

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self.objective = objective
        self.trained = nn.ModuleDict(objective.modules)

    def forward(self, batch: Any, step: Step) -> tuple[Tensor, dict[str, float]]:
        return self.objective.losses(batch, step)


class Training(Generic[Trained]):
    """A training run that can be put down and taken up."""

    def __init__(self, make: Callable[[Any], Trained], options: TrainOptions) -> None:
        """`make` builds the objective from the options, after the seed has been set."""
        self.options = options
        make_folder(options.out)
        torch.manual_seed(options.seed)
        torch.set_num_threads(options.threads)
        self.place = find_place(options.device, shard=options.shard)
        self.objective = make(options)
        for module in self.objective.modules.values():
            module.to(self.place.device, memory_format=self.place.memory_format)
        state = read_checkpoint(self.checkpoint) if self.checkpoint.exists() else None
        if state is not None:
            load_networks(self.checkpoint, state["modules"], self.objective.modules)
            self.objective.load_state(state["objective"])
        # From here on parameters may lie in parts.
        self.losses = self.place.join(_LossModule(self.objective))
        self.groups = self.objective.groups()
        self.optimiser = torch.optim.AdamW(
            [{"params": g.parameters, "weight_decay": g.decay} for g in self.groups],
            lr=options.rate,
            betas=(0.9, 0.99),
            foreach=False if self.place.shards else None,
        )
        self.average = Average(self.objective.modules)
        self.step, self.used = 0, 0.0  # steps done, minutes used
        self.sums: dict[str, float] = defaultdict(float)  # of the figures since the last line
        if state is not None:
            self._resume(state)
        if self.place.is_first:
            self._cut_log()

    @property
    def checkpoint(self) -> Path:
        return self.options.out / CHECKPOINT

    @property
    def log(self) -> Path:
        return self.options.out / "log.jsonl"

    def run(self) -> Path:
        """Go on until minutes or steps are used up; the checkpoint."""
        o = self.options
        if self.place.is_first:
            write_text(o.out / "options.json", json.dumps(asdict(o), default=str, indent=1))
        started, saved = time.monotonic() - self.used * 60, self.used
        for batch in self.objective.batches(self.step):
            share = self.used / o.budget
            if share >= 1 or self.step == o.max_steps:
                break
            figures = self._one_step(batch, share)
            self.step += 1
            self.used = self.place.agree((time.monotonic() - started) / 60)
            for name, value in figures.items():
                self.sums[name] += value
            if self.step % LOG_STEPS == 0:
                self._write_means(share)
            if o.eval_steps and self.step % o.eval_steps == 0:
                self._evaluate()
            if self.used - saved > o.save_minutes:
                self.save()
                saved = self.used
        self.save()
        self.average.make_whole()
        if self.place.is_first:
            draw_curves(self.log, o.out / "curves.svg")
        self.place.leave()
        return self.checkpoint

    def save(self) -> None:
        """Write everything that is needed to go on."""
        modules = self.objective.modules
        parts = {
            "modules": {name: module.state_dict() for name, module in modules.items()},
            "average": self.average.state,
            "optimiser": self.optimiser.state_dict(),
            "objective": self.objective.state(),
            "step": self.step,
            "used": self.used,
            "sums": dict(self.sums),
            "torch_rng": torch.get_rng_state(),
        }
        state = shards.gather(parts, keep=self.place.is_first)
        if self.place.is_first:
            with atomic(self.checkpoint) as part:
                torch.save(state, part)

    def _one_step(self, batch: Any, share: float) -> dict[str, float]:
        o, place = self.options, self.place
        for module in self.objective.modules.values():
            module.train()
        if place.count > 1:  # no process draws what another one draws
            torch.manual_seed((o.seed * 1_000_003 + self.step) * place.count + place.rank)
        factor = rate_at(share, o.warm, o.hold)
        for own, group in zip(self.groups, self.optimiser.param_groups, strict=True):
            group["lr"] = own.peak * factor
        own = self.objective.share(batch, place)
        loss, figures = self.losses(own, Step(self.step, share, o.half, place))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        trained = [one for group in self.groups for one in group.parameters]
        clip = shards.clip_parts if place.shards else nn.utils.clip_grad_norm_
        norm = clip(trained, LONGEST_GRADIENT)
        if torch.isfinite(norm):
            self.optimiser.step()
        self.average.update(min(o.average, (self.step + 1) / (self.step + 10)))
        return place.average(figures | {"norm": float(norm)})

    def _evaluate(self) -> None:
        """A line with the figures of the averaged weights; nothing else changes by it."""
        random = torch.get_rng_state()
        for module in self.objective.modules.values():
            module.eval()
        with self.average.in_use(), torch.no_grad():
            if self.place.is_first:
                figures = self.objective.evaluate()
                row = {f"eval_{name}": round(value, 4) for name, value in figures.items()}
                self._write_line(row)
        torch.set_rng_state(random)
        self.place.wait()

    def _resume(self, state: dict[str, Any]) -> None:
        """Take up what is not the networks' own."""
        self.optimiser.load_state_dict(state["optimiser"])
        shards.split_state(self.optimiser)
        self.average.load(state["average"])
        self.step, self.used = state["step"], state["used"]
        self.sums.update(state["sums"])
        torch.set_rng_state(state["torch_rng"])

    def _write_means(self, share: float) -> None:
        """The means of the steps since the last such line."""
        rate = rate_at(share, self.options.warm, self.options.hold)
        means = {name: round(value / LOG_STEPS, 4) for name, value in self.sums.items()}
        self.sums.clear()
        self._write_line({"rate": round(rate, 4)} | means)

    def _write_line(self, figures: Mapping[str, float]) -> None:
        if figures and self.place.is_first:
            row = {"step": self.step, "minutes": round(self.used, 2)}
            with self.log.open("a") as log:
                log.write(json.dumps({**row, **figures}) + "\n")

    def _cut_log(self) -> None:
        """Drop lines of steps after the checkpoint: they will be written again."""
        if not self.log.exists():
            return
        lines = self.log.read_text().splitlines(keepends=True)
        kept = [
            line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= self.step
        ]
        if kept != lines:
            write_text(self.log, "".join(kept))


def rate_at(share: float, warm: float, hold: float) -> float:
    """Learning rate as a part of its peak: climbs linearly, holds, falls to zero as a cosine."""
    if share < warm:
        return max(share / warm, 0.02)
    if share < hold:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * min((share - hold) / (1 - hold), 1.0)))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint of this loop; nothing in it can run code."""
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises anything on a broken file
        raise WeightsError(f"{path} is no checkpoint: {error}") from None
    if not isinstance(state, dict) or not isinstance(state.get("average"), dict):
        raise WeightsError(f"{path} is no checkpoint of this version of wordmask")
    return state


def load_average(path: Path, modules: Mapping[str, nn.Module]) -> dict[str, Any]:
    """Load a checkpoint's averaged weights into modules by name; the objective's state."""
    state = read_checkpoint(path)
    load_networks(path, state["average"], modules)
    objective: dict[str, Any] = state["objective"]
    return objective


def load_networks(
    path: Path, states: Mapping[str, dict[str, Tensor]], modules: Mapping[str, nn.Module]
) -> None:
    """Load what the checkpoint `path` holds; it may be of another run."""
    if states.keys() != modules.keys():
        raise WeightsError(
            f"{path} holds the networks {', '.join(states)}, not {', '.join(modules)}: "
            "it is of another training"
        )
    for name, module in modules.items():
        try:
            module.load_state_dict(states[name])
        except RuntimeError as error:
            raise WeightsError(
                f"{path} holds a {name} of another form: {str(error).splitlines()[-1].strip()}"
            ) from None
