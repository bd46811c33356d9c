"""A graph of an engine as an ONNX file, and how far the file is from the module it was made of.

Axes that are said to change may be fixed by an exporter without a word, so what is written is run
at sizes that are not the example's, 1 among them, and held against the module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import torch

from wordmask.core.graphs import NetworkGraph, Sizes
from wordmask.core.image import Array
from wordmask.errors import WeightsError
from wordmask.lab.export.onnx_files import ONE_FILE, OnnxPlan, write_program

# Largest difference that is no fault, as a share of the largest value of the output (of 1 where
# that is smaller). Half precision has 11 bits, and each layer rounds.
LIMITS = {"fp32": 1e-4, "fp16": 3e-2}


class SizesCheck(NamedTuple):
    """How a file answers at some sizes."""

    sizes: Sizes
    difference: float  # of the worst output, as in `LIMITS`


@dataclass(frozen=True)
class Parity:
    """A file held against its module."""

    checks: tuple[SizesCheck, ...]
    limit: float

    @property
    def worst(self) -> SizesCheck:
        return max(self.checks, key=lambda check: check.difference)


class PositionalGraph(torch.nn.Module):
    """A module whose arguments are taken in their order, whatever their names."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.module(*inputs)


def write_graph(graph: NetworkGraph, path: Path, most: int = ONE_FILE) -> None:
    """The file, its weights beside it where they are more than `most` bytes."""
    feed = graph.feed(graph.example)
    shapes = tuple(_dynamic(name, graph) for name in feed)
    plan = OnnxPlan(tuple(feed), graph.outputs, (shapes,))
    write_program(PositionalGraph(graph.module), tuple(feed.values()), path, plan, most)


def _dynamic(name: str, graph: NetworkGraph) -> dict[int, Any]:
    """The axes of an input that may change, for torch."""
    axes = graph.axes.get(name, {})
    return {axis: step * _dim(size, graph.largest) for axis, (size, step) in axes.items()}


def _dim(size: str, largest: int) -> Any:
    return torch.export.Dim(size, min=1, max=largest)


def measure_parity(
    graph: NetworkGraph, path: Path, precision: str = "fp32", exact: NetworkGraph | None = None
) -> Parity:
    """The file against its module, or against `exact`, the same network in full precision."""
    session = open_session(path)
    checks = tuple(_compare(exact or graph, session, sizes) for sizes in graph.checks)
    parity = Parity(checks, LIMITS[precision])
    if not parity.worst.difference <= parity.limit:  # also where it is no number
        raise WeightsError(
            f"{path.name} answers differently from torch: by {parity.worst.difference:.2g} at "
            f"{dict(parity.worst.sizes)}, at most {parity.limit:g} ({precision}); this network "
            "cannot be exported so"
        )
    return parity


def open_session(path: Path) -> Any:
    """The file in onnxruntime, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class of its own for each fault of a file
        raise WeightsError(
            f"{path.name} does not run: {str(error).splitlines()[0][:300]}"
        ) from error


def _compare(graph: NetworkGraph, session: Any, sizes: Sizes) -> SizesCheck:
    torch.manual_seed(sum(sizes.values()))
    feed = graph.feed(sizes)
    with torch.no_grad():
        wanted = graph.module(*feed.values())
    given = [one.name for one in session.get_inputs()]
    arrays = {name: value.numpy() for name, value in feed.items() if name in given}
    try:
        got = session.run(None, arrays)
    except Exception as error:  # as above
        raise WeightsError(
            f"the file does not take {dict(sizes)}, so an axis is fixed in it: "
            f"{str(error).splitlines()[0][:300]}"
        ) from error
    wanted = wanted if isinstance(wanted, tuple | list) else (wanted,)
    pairs = zip(got, wanted, strict=True)
    return SizesCheck(dict(sizes), max(difference(one, other.numpy()) for one, other in pairs))


def difference(one: Array, other: Array) -> float:
    """Largest difference, as a share of the largest value (of 1 where that is smaller)."""
    if one.shape != other.shape:
        return float("inf")
    scale = max(1.0, float(np.abs(other).max(initial=0)))
    return float(np.abs(one.astype(np.float64) - other).max(initial=0)) / scale


def describe(session: Any) -> Mapping[str, Any]:
    """Names, types and shapes of what a file takes and gives, as in JSON."""
    return {
        "inputs": [_describe(one) for one in session.get_inputs()],
        "outputs": [_describe(one) for one in session.get_outputs()],
    }


def _describe(value: Any) -> dict[str, Any]:
    return {"name": value.name, "type": value.type, "shape": list(value.shape)}
