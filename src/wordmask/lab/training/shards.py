"""What is trained, in parts: each of several processes keeps a part of every tensor (FSDP2).

Weights are whole while a step computes; gradients, the optimiser's state and the averages never
are. Checkpoints hold whole tensors, so any number of processes may go on from them. A parameter
that is a single number is kept by all. Whatever gathers must be called by all processes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.distributed
from torch import Tensor, nn

from wordmask.errors import CapabilityError


class _Slot(NamedTuple):
    """Where a parameter in parts belongs."""

    owner: nn.Module
    name: str
    parameter: nn.Parameter


def is_part(value: Any) -> bool:
    """Whether other processes have the rest of it; only joined processes import what tells."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return False
    from torch.distributed.tensor import DTensor

    return isinstance(value, DTensor)


def split(module: nn.Module, device: torch.device, count: int) -> None:
    """From here on each process keeps its part; the module's own call makes it whole meanwhile."""
    try:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import FSDPModule, fully_shard

        FSDPModule.set_reduce_scatter_unused_params  # noqa: B018  newer than the rest
    except (ImportError, AttributeError):
        raise CapabilityError(
            f"torch {torch.__version__} cannot train in parts; 2.13 can"
        ) from None
    numbers = {one for one in module.parameters() if one.ndim == 0}
    mesh = init_device_mesh(device.type, (count,))
    made = fully_shard(module, mesh=mesh, ignored_params=numbers)
    # Not every part of a loss uses every parameter, and processes differ in that.
    made.set_reduce_scatter_unused_params(True)


def gather(value: Any, *, keep: bool = True) -> Any:
    """Whole tensors in place of parts, at any depth; without `keep` only the others are served."""
    if is_part(value):
        whole = value.full_tensor()
        return whole.cpu() if keep else None
    if isinstance(value, Mapping):
        return {name: gather(one, keep=keep) for name, one in value.items()}
    if isinstance(value, list):
        return [gather(one, keep=keep) for one in value]
    return value


def part_of(whole: Tensor, like: Tensor) -> Tensor:
    """This process's part of a tensor that all have, if `like` is in parts; else all of it."""
    if not is_part(like):
        return whole
    from torch.distributed.tensor import distribute_tensor

    part: Tensor = distribute_tensor(
        whole.to(like.device), like.device_mesh, like.placements, src_data_rank=None
    )
    return part


def split_state(optimiser: torch.optim.Optimizer) -> None:
    """Leave only this process's part of a state that was loaded whole."""
    for parameter, values in optimiser.state.items():
        for name, value in values.items():
            if value.shape == parameter.shape:
                values[name] = part_of(value, parameter)


@contextmanager
def whole(modules: Mapping[str, nn.Module]) -> Iterator[None]:
    """The modules can be used by themselves; what is written into them meanwhile is lost."""
    slots = _slots(modules)
    make_whole(modules)
    try:
        yield
    finally:
        for slot in slots:
            setattr(slot.owner, slot.name, slot.parameter)


def make_whole(modules: Mapping[str, nn.Module]) -> None:
    """Plain parameters from here on."""
    for owner, name, parameter in _slots(modules):
        full = parameter.detach().full_tensor()
        setattr(owner, name, nn.Parameter(full, requires_grad=parameter.requires_grad))
        owner._load_state_dict_post_hooks.clear()  # FSDP's, which expects a part


def clip_parts(parameters: Sequence[Tensor], longest: float) -> Tensor:
    """Shorten the gradients together; their length before. Single numbers are averaged first."""
    numbers = [one for one in parameters if not is_part(one)]
    for one in numbers:
        one.grad = torch.zeros_like(one) if one.grad is None else one.grad
        torch.distributed.all_reduce(one.grad)
        one.grad /= torch.distributed.get_world_size()
    grads = [one.grad for one in parameters if is_part(one.grad)]
    total = torch.stack([one.to_local().square().sum() for one in grads]).sum()
    torch.distributed.all_reduce(total)
    total += sum(one.grad.square() for one in numbers if one.grad is not None)
    factor = min(1.0, longest / (float(total.sqrt()) + 1e-6))
    for grad in (*grads, *(one.grad for one in numbers)):
        grad.mul_(factor)
    return total.sqrt()


def _slots(modules: Mapping[str, nn.Module]) -> list[_Slot]:
    return [
        _Slot(owner, name, parameter)
        for module in modules.values()
        for owner in module.modules()
        for name, parameter in owner._parameters.items()
        if is_part(parameter)
    ]
