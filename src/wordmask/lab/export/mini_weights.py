"""The torch network out of the exported files, so that training can go on from the shipped weights.

An export keeps the function but not every parameter: fixed scales are multiplied into filters, and
a BatchNorm becomes a bias of its convolution. Both are given back in a form that computes the same;
`measure_norms` then gives the BatchNorms the statistics that training needs.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wordmask.errors import WeightsError, missing_extra
from wordmask.lab.training.vocabulary import Whitening
from wordmask.model.mini.net import Adapter, MiniNetwork

SHIPPED = Path(__file__).parents[2] / "engines/mini/files"  # inside the package
Values = NDArray[Any]


@dataclass(frozen=True, eq=False)
class ShippedMini:
    """The networks of an exported `mini`, in `eval`, and what goes with them."""

    network: MiniNetwork
    adapter: Adapter
    whitening: Whitening
    settings: dict[str, Any]
    """mini.json"""
    has_judge: bool


def load_shipped(folder: Path = SHIPPED) -> ShippedMini:
    """Rebuild the networks from a folder of exported files."""
    if not (folder / "mini.json").is_file():
        raise WeightsError(f"{folder} holds no exported mini: there is no mini.json")
    settings = json.loads((folder / "mini.json").read_text())
    network: MiniNetwork = MiniNetwork().eval()
    state = network.state_dict()
    found = {"log_scale": np.log(np.float32(settings["scale"]))}
    for name in ("encoder.onnx", "prepare.onnx", "cutter.onnx", "depth.onnx"):
        found |= _Graph.read(folder / name, settings["files"][name]).parameters(state)
    # Of cells that are only read, the bias of the keys changes nothing and is not in the files.
    for key in state:
        if key.endswith(("to_map.k.bias", "last.k.bias")):
            found[key] = np.zeros(state[key].shape, np.float32)
    missing = [key for key in state if key not in found and not key.endswith("batches_tracked")]
    # Files of before there was a judge: the cutter's own estimate counts. Of before there was a
    # neck for words or for masks: it adds nothing yet.
    later = ("decoder.judge.", "word_neck.", "mask_neck.")
    new = {key.split(".")[0] for key in missing if key.startswith(later)}
    missing = [key for key in missing if not key.startswith(later)]
    if missing:
        raise WeightsError(f"{folder} lacks {len(missing)} parameters, the first is {missing[0]}")
    tensors = {key: torch.from_numpy(np.array(value, np.float32)) for key, value in found.items()}
    network.load_state_dict(state | tensors)
    if "word_neck" in new:
        network.word_neck.begin_like(network.backbone, network.neck)
    if "mask_neck" in new:
        network.mask_neck.begin_like(network.backbone, network.neck)
    whitening = _read_whitening(folder, settings)
    return ShippedMini(network, _read_adapter(folder), whitening, settings, "decoder" not in new)


def measure_norms(network: nn.Module, pictures: Iterable[Tensor]) -> None:
    """Give BatchNorms the statistics that their inputs have on `pictures` (B, 3, H, W).

    In `eval` the network stays the same function: weights and biases change with the statistics. In
    `train` it becomes nearly the same function on such pictures, which it is not with the
    statistics of an export.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    moments = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms}

    def add(norm: nn.Module, inputs: tuple[Tensor]) -> None:
        x = inputs[0].double()
        moments[norm][0] += x.numel() / x.shape[1]
        moments[norm][1] += x.sum((0, 2, 3))
        moments[norm][2] += x.square().sum((0, 2, 3))

    hooks = [norm.register_forward_pre_hook(add) for norm in norms]
    network.eval()
    with torch.no_grad():
        for batch in pictures:
            network(batch.float())
        for hook in hooks:
            hook.remove()
        for norm in norms:
            count, total, squares = moments[norm]
            _move_statistics(norm, total / count, squares / count - (total / count).square())


def _move_statistics(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """Other statistics for the same function x * factor + offset."""
    factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    offset = norm.bias.double() - norm.running_mean.double() * factor
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance.clamp(min=0))
    norm.weight.copy_(factor * (variance.clamp(min=0) + norm.eps).sqrt())
    norm.bias.copy_(offset + factor * mean)


def _read_adapter(folder: Path) -> Adapter:
    adapter: Adapter = Adapter().eval()
    with np.load(folder / "words.npz") as table:
        matrices = {
            name: torch.from_numpy(table[name].astype(np.float32)) for name in ("down", "up")
        }
    adapter.load_state_dict({f"{name}.weight": matrix for name, matrix in matrices.items()})
    return adapter


def _read_whitening(folder: Path, settings: dict[str, Any]) -> Whitening:
    """From text.onnx, where the matrix may be int8 with one scale a column."""
    constants = _Graph.read(folder / "text.onnx", settings["files"]["text.onnx"]).constants
    turn = constants.get("turn")
    if turn is None:
        whole = constants["turn_quantized"].astype(np.float32)
        turn = (whole - constants["turn_zero_point"]) * constants["turn_scale"]
    return Whitening(constants["mean"].astype(np.float32), turn.astype(np.float32))


class _Graph:
    """An ONNX graph: its constants by name, and which node makes which value."""

    def __init__(self, constants: dict[str, Values], nodes: list[Any]) -> None:
        self.constants, self.nodes = constants, nodes
        self.makers = {output: node for node in nodes for output in node.output}
        for node in nodes:  # constants stored in fp16 stand behind a Cast with their own name
            if node.op_type == "Cast" and node.input[0] in constants:
                constants[node.output[0]] = constants[node.input[0]].astype(np.float32)

    @classmethod
    def read(cls, path: Path, wanted: str) -> "_Graph":
        """`wanted`: the file's sha256."""
        try:
            import onnx
            from onnx import numpy_helper
        except ImportError as error:
            raise missing_extra("onnx", "export") from error
        data = path.read_bytes()
        got = sha256(data).hexdigest()
        if got != wanted:
            raise WeightsError(f"{path} has sha256 {got[:12]}..., mini.json says {wanted[:12]}...")
        graph = onnx.load_model_from_string(data).graph
        constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        return cls(constants, list(graph.node))

    def parameters(self, state: dict[str, Tensor]) -> dict[str, Values]:
        """What the graph holds of the parameters in `state`, by their names there."""
        found = {}
        for name, values in self.constants.items():
            key = name.removeprefix("model.")
            if key in state and tuple(values.shape) == tuple(state[key].shape):
                found[key] = values
        for node in self.nodes:
            if node.op_type == "Conv":
                found |= self._convolution(node, state)
            elif node.op_type == "Add":
                found |= self._linear(node, state)
            elif node.op_type == "Gemm":
                _check_gemm(node)
        return found | self._output_tokens(state)

    def _convolution(self, node: Any, state: dict[str, Tensor]) -> dict[str, Values]:
        """Scales of fixed BatchNorms, and BatchNorms that became a bias."""
        weight, bias = node.input[1], node.input[2]
        key = bias.removeprefix("model.")
        if key.endswith(".weight_bias"):
            return _unfold_norm(key.removesuffix(".weight_bias"), self.constants[bias])
        key = key.removesuffix(".bias")
        if f"{key}.scale" not in state:
            return {}
        if weight in self.constants:  # the scale is multiplied into the filters
            scale = np.ones(len(self.constants[weight]), np.float32)
            return {f"{key}.weight": self.constants[weight], f"{key}.scale": scale}
        (other,) = [
            name for name in self.makers[weight].input if not name.endswith(f"{key}.weight")
        ]
        return {f"{key}.scale": self.constants[other].reshape(-1)}

    def _linear(self, node: Any, state: dict[str, Tensor]) -> dict[str, Values]:
        """A linear layer as MatMul and Add: its matrix is transposed and has no name."""
        for product, bias in (node.input, reversed(node.input)):
            key, maker = bias.removesuffix(".bias"), self.makers.get(product)
            known = bias.endswith(".bias") and f"{key}.weight" in state
            if not known or maker is None or maker.op_type != "MatMul":
                continue
            if maker.input[1] in self.constants:
                return {f"{key}.weight": self.constants[maker.input[1]].T}
        return {}

    def _output_tokens(self, state: dict[str, Tensor]) -> dict[str, Values]:
        """The decoder's output tokens lost their name to a leading axis."""
        shape = (1, *state["decoder.outputs"].shape)
        found = [
            values
            for values in self.constants.values()
            if values.shape == shape and values.dtype == np.float32
        ]
        return {"decoder.outputs": found[0][0]} if len(found) == 1 else {}


def _unfold_norm(convolution: str, bias: Values) -> dict[str, Values]:
    """The BatchNorm after a convolution, as one that only adds a bias."""
    parent, _, place = convolution.rpartition(".")
    norm = f"{parent}.{int(place) + 1}"
    ones = np.ones(len(bias), np.float32)
    return {
        f"{norm}.weight": ones,
        f"{norm}.bias": bias,
        f"{norm}.running_mean": 0 * ones,
        f"{norm}.running_var": ones - np.float32(nn.BatchNorm2d(1).eps),
    }


def _check_gemm(node: Any) -> None:
    if not any(one.name == "transB" and one.i == 1 for one in node.attribute):
        raise WeightsError(f"{node.input[1]} is stored in another order than torch's")
