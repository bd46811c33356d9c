"""Where a run computes: on one device, or in several processes that share each step.

`torchrun` or `accelerate launch` start the processes (docs/training.md). Each draws the whole
batch of a step and computes its own rows of it. A loss that is a mean over items of which processes
have different numbers is `mean`: the sum of the process's own items, divided by the weight that all
processes have together. So several processes take the same step as one would.
"""

import os
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from wordmask.errors import Mend, OptionError, missing_extra
from wordmask.lab.training.shards import split

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, eq=False)
class RunPlace:
    """One process of a run."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    rank: int = 0
    count: int = 1
    """Processes."""
    accelerator: Any = None
    """What joins the processes; None where there is one."""
    shards: bool = False
    """Whether each process keeps only a part of what is trained (`shards.py`)."""

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    @property
    def memory_format(self) -> torch.memory_format:
        """How filters lie in memory; parts of them cannot lie as computing is quickest."""
        return torch.contiguous_format if self.shards else torch.channels_last

    def rows(self, size: int) -> slice:
        """The rows of a batch that are this process's.

        >>> RunPlace(rank=1, count=2).rows(5)
        slice(2, 5, None)
        """
        if size < self.count:
            raise OptionError(
                f"{self.count} processes cannot share a batch of {size}",
                mend=Mend("batch", str(self.count)),
            )
        return slice(self.rank * size // self.count, (self.rank + 1) * size // self.count)

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes of a tensor that needs no gradient."""
        if self.accelerator is None:
            return values
        total: Tensor = self.accelerator.reduce(values.detach().clone(), "sum")
        return total

    def mean(self, loss: Tensor, weight: Tensor) -> Tensor:
        """The mean of `loss` weighted by `weight`, (N,) both, over the items of all processes.

        Gradients of processes are averaged, therefore the factor. Every process must come here
        equally often, also with no item at all.
        """
        total = self.sum(weight.sum())
        return (loss * weight).sum() * self.count / total.clamp(min=1e-6)

    def average(self, figures: dict[str, float]) -> dict[str, float]:
        """The mean of each figure over the processes, which all have the same figures."""
        if self.accelerator is None:
            return figures
        row = torch.tensor(list(figures.values()), dtype=torch.float64, device=self.device)
        return dict(zip(figures, (self.sum(row) / self.count).tolist(), strict=True))

    def agree(self, number: float) -> float:
        """The first process's number, in every process."""
        if self.accelerator is None:
            return number
        own = number if self.is_first else 0.0
        return float(self.sum(torch.tensor(own, dtype=torch.float64, device=self.device)))

    def leave(self) -> None:
        """Part from the other processes, once all are here: the last thing in a run.

        A process that ends while its threads still listen to the others is aborted.
        """
        if self.accelerator is not None:
            self.accelerator.wait_for_everyone()
            self.accelerator.end_training()

    def wait(self) -> None:
        """Until all processes are here."""
        if self.accelerator is not None:
            self.accelerator.wait_for_everyone()

    def join(self, module: nn.Module) -> nn.Module:
        """The module with its gradients averaged over the processes, and in parts if asked for."""
        if self.accelerator is None:
            return module
        if self.shards:
            split(module, self.device, self.count)
            return module
        joined: nn.Module = self.accelerator.prepare_model(module)
        return joined


def is_first_process() -> bool:
    """Whether a launcher's environment says that this process is the first, or there is none."""
    return int(os.environ.get("RANK", "0")) == 0


def find_place(device: Device, *, shard: bool = False) -> RunPlace:
    """This process's place: as a launcher says in the environment, else alone on the device."""
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise OptionError(
            f"there is no GPU that torch {torch.__version__} sees", mend=Mend("device", "cpu")
        )
    on_cpu = device == "cpu" or not has_gpu
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return RunPlace(torch.device("cpu" if on_cpu else "cuda"))
    try:
        from accelerate import Accelerator
        from accelerate.utils import DistributedDataParallelKwargs
    except ImportError as error:
        raise missing_extra("training in several processes (accelerate)", "train") from error
    # Not every part of a loss uses every parameter in every step.
    settings = DistributedDataParallelKwargs(find_unused_parameters=True)
    accelerator = Accelerator(cpu=on_cpu, mixed_precision="no", kwargs_handlers=[settings])
    count = accelerator.num_processes
    # As `accelerate launch --use_fsdp` says it.
    shard = shard or os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"
    return RunPlace(accelerator.device, accelerator.process_index, count, accelerator, shard)
