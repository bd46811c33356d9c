"""How an engine is loaded: one frozen dataclass, from which flags and tables are generated."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Interval, Predicate

from wordmask.core.options import check
from wordmask.errors import Mend, OptionError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}

DenseMode = Literal[
    "auto", "plain", "clip", "sclip", "clearclip", "naclip", "proxyclip", "corrclip"
]


def is_cuda(device: str) -> bool:
    """
    >>> is_cuda("cuda:1"), is_cuda("gpu")
    (True, False)
    """
    return re.fullmatch(r"cuda:\d+", device) is not None


@dataclass(frozen=True)
class EngineOptions:
    """What every engine understands; an engine ignores what does not concern it.

    >>> EngineOptions(max_memory="6GB").max_memory
    6000000000
    """

    device: Literal["auto", "cuda", "mps", "cpu"] | Annotated[str, Predicate(is_cuda)] = "auto"
    """Where to compute: auto (the first of cuda, mps, cpu that is there), cuda, mps or cpu."""
    dtype: Literal["auto", "fp32", "fp16", "bf16"] = "auto"
    """Number format of the weights; auto is bf16 or fp16 on a GPU, fp32 on the CPU."""
    checkpoint: str | Path | None = None
    """A weights file or a folder in hub layout, used in place of the known source."""
    model_cfg: str | None = None
    """Which SAM a weights file in Meta's format must be: vit_b, vit_l or vit_h."""
    max_memory: int | str | None = None
    """Memory the engine may use, as bytes or like "6GB": sets batch sizes, tiles and offload."""
    offline: bool = False
    """Never touch the network: what is not on this machine is an error."""
    compile: bool = False
    """Compile the network (torch.compile); falls back to eager where that fails."""
    input_side: Annotated[int, Ge(16)] | None = None
    """Side in pixels that the picture is resized to; half the side takes a quarter of the time."""
    dense_mode: DenseMode = "auto"
    """How CLIP matches patches with words; auto is what suits the network (docs/engines.md)."""
    proxy: str | Path | None = None
    """A DINO v2 or v3 folder, or hub:owner/name, by which proxyclip and corrclip group patches."""
    tracking: Literal["quality", "fast"] = "quality"
    """How mini follows objects: quality, or fast (smaller, every second frame by its motion)."""
    op_threads: Annotated[int, Interval(ge=0, le=1024)] = 0
    """Threads that one pass of mini may take; 0: what onnxruntime thinks best. With many requests
    at a time 1 does the most work."""
    allow_pickle: bool = False
    """Also read pickles (.bin, .pt, .pth, .ckpt), as tensors only. Not for strangers' files."""

    def __post_init__(self) -> None:
        check(self)
        if self.checkpoint is not None:
            object.__setattr__(self, "checkpoint", Path(self.checkpoint).expanduser())
        if self.max_memory is not None:
            object.__setattr__(self, "max_memory", parse_bytes(self.max_memory))


def parse_bytes(text: Any) -> int:
    """A number of bytes from 1500, "1500", "6GB", "512 MiB", "0.5g" (at least one).

    >>> parse_bytes("512 MiB")
    536870912
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*", str(text), re.IGNORECASE)
    if not found:
        raise OptionError(
            f"a size in memory is written like 6GB or 512MiB, got {text!r}",
            mend=Mend("max_memory", "6GB"),
        )
    number, unit, binary = float(found[1]), found[2].lower(), found[3]
    power = ("", "k", "m", "g", "t").index(unit)
    count = int(number * (1024**power if binary else _UNITS[unit]))
    if count < 1:
        raise OptionError(
            f"a size in memory must be at least one byte, got {text!r}",
            mend=Mend("max_memory", "6GB"),
        )
    return count
