"""Where and how a network runs: device, number format, memory budget, compiling."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from wordmask.engines.options import EngineOptions, parse_bytes
from wordmask.engines.weights.open import error_line
from wordmask.errors import OptionError

log = logging.getLogger("wordmask.engines")

CPU_BUDGET = 4_000_000_000  # bytes of activations where nobody says
GPU_SHARE = 0.6  # of the free memory; the rest is for a second engine's weights and fragmentation

Item = TypeVar("Item")


@dataclass(frozen=True)
class Runtime:
    """The answer to `EngineOptions`: what torch is told."""

    device: torch.device
    dtype: torch.dtype  # of the large networks; prompts and position codes stay fp32
    budget: int  # bytes that activations may take
    offload: bool  # encodings wait in host memory
    compiled: bool

    def rows(self, nbytes: int, most: int) -> int:
        """How many items of `nbytes` of activations (in fp32) fit the budget: 1 to `most`."""
        size = nbytes if self.dtype.itemsize == 4 else nbytes // 2
        return max(1, min(most, self.budget // max(1, size)))

    def prepare(self, module: Any) -> Any:
        """The module on its device, in its number format, for inference only."""
        return module.to(self.device, self.dtype).eval().requires_grad_(False)

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function compiled if that was asked for."""
        return Compiled(function, torch.compile) if self.compiled else function


class Compiled:
    """A compiled function that, where compiling fails, warns once and stays with the plain one."""

    def __init__(self, function: Callable[..., Any], compiler: Callable[..., Any]) -> None:
        self._plain = function
        self._fast: Callable[..., Any] | None = compiler(function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._fast is not None:
            try:
                return self._fast(*args, **kwargs)
            except Exception as error:  # compilers raise anything, also classes of their own
                log.warning(
                    "torch.compile failed (%s: %s); going on without it",
                    type(error).__name__,
                    error_line(error),
                )
                self._fast = None
        return self._plain(*args, **kwargs)


def runtime(options: EngineOptions) -> Runtime:
    """Choose device and number format, and count the memory."""
    device = _device(options.device)
    offload = options.max_memory is not None and device.type != "cpu"
    dtype, budget = _dtype(options.dtype, device), _budget(options, device)
    return Runtime(device, dtype, budget, offload, options.compile)


def _device(wanted: str) -> torch.device:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    there["cpu"] = True
    if wanted == "auto":
        wanted = next(kind for kind, present in there.items() if present)
    if not there[wanted.split(":")[0]]:
        found = ", ".join(kind for kind, present in there.items() if present)
        raise OptionError(
            f"device {wanted} is not on this machine; torch {torch.__version__} sees {found}"
        )
    return torch.device(wanted)


def _dtype(wanted: str, device: torch.device) -> torch.dtype:
    if wanted != "auto":
        return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[wanted]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float16 if device.type == "mps" else torch.float32


def _budget(options: EngineOptions, device: torch.device) -> int:
    if options.max_memory is not None:
        return parse_bytes(options.max_memory)
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0] * GPU_SHARE)
    return CPU_BUDGET


def chunks(items: Sequence[Item], count: int) -> Iterator[Sequence[Item]]:
    """Runs of at most `count` items, the last one included.

    >>> list(chunks([1, 2, 3], 2))
    [[1, 2], [3]]
    """
    return (items[start : start + count] for start in range(0, len(items), count))
