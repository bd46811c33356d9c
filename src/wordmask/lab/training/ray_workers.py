"""A run in the workers of a Ray cluster (Ray Train), each one process of it.

The workers do what the processes of `torchrun` do, the writing of the run's folder included, which
all see by the same path. Where one dies, Ray starts all anew, and they go on from the last
checkpoint.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge

from wordmask.core.options import check
from wordmask.errors import Mend, OptionError, WordmaskError, missing_extra

TRIES = 3  # times that workers may die
FOLDER = "ray"  # in the run's, for what Ray notes


@dataclass(frozen=True)
class RayTrainOptions:
    """Whether a run is spread over Ray, and over how many processes."""

    ray: bool = False
    """Train in workers of Ray (extra `ray`), on this machine or on the cluster that RAY_ADDRESS
    names; all see data and out by the same paths."""
    workers: Annotated[int, Ge(0)] = 0
    """With ray: processes that share each step; 0: one for each GPU, or else two."""

    def __post_init__(self) -> None:
        check(self)
        if self.workers and not self.ray:
            raise OptionError(f"{self.workers} workers are Ray's", mend=Mend("ray"))


@dataclass(frozen=True)
class WorkerLoop:
    """What a worker does."""

    work: Callable[[], None]
    folder: Path
    """Where relative paths begin."""

    def __call__(self) -> WordmaskError | None:
        """An error of ours is an answer, as nothing is won by trying again."""
        os.chdir(self.folder)
        try:
            self.work()
        except WordmaskError as error:
            _part()
            return error
        return None


def train_on_ray(work: Callable[[], None], out: Path, workers: int) -> None:
    """Run `work` in so many workers until it is done; it must be known to them by its name."""
    try:
        import ray
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchTrainer
    except ImportError:
        raise missing_extra("ray", "ray") from None
    if not ray.is_initialized():
        # What the workers print is shown; Ray's own notes of each of its actors are not.
        ray.init(include_dashboard=False, logging_config=ray.LoggingConfig(log_level="ERROR"))
    gpus = int(ray.cluster_resources().get("GPU", 0))
    trainer = TorchTrainer(
        WorkerLoop(work, Path.cwd()),
        scaling_config=ScalingConfig(num_workers=workers or gpus or 2, use_gpu=gpus > 0),
        run_config=RunConfig(
            name=FOLDER,
            storage_path=str(out.resolve()),
            failure_config=FailureConfig(max_failures=TRIES),
        ),
    )
    _raise_error(_fit(trainer))


def _fit(trainer: Any) -> Any:
    from ray.train import TrainingFailedError

    try:
        return trainer.fit().return_value
    except TrainingFailedError as error:
        lines = str(error).strip().splitlines()
        raise WordmaskError(
            f"the workers failed {TRIES + 1} times, at last with: {lines[-1] if lines else error}; "
            "the same command goes on from the last checkpoint"
        ) from None


def _raise_error(answer: Any) -> None:
    if isinstance(answer, WordmaskError):
        raise answer


def _part() -> None:
    """Leave the other workers, which otherwise would wait for this one."""
    import torch.distributed

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
