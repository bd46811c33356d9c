"""A part of a TensorFlow.js graph model as ONNX: convolutions, sums, products, resizing.

Such a model is a model.json, with the nodes and a list of the weights, and files of plain numbers.
TensorFlow keeps channels last (N, H, W, C). The ONNX graph keeps them first, as its convolutions
do, and is turned at its inputs and outputs only.
"""

import base64
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wordmask.core.image import Array
from wordmask.errors import WeightsError, missing_extra

try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:
    raise missing_extra("onnx", "export") from error

OPSET, IR_VERSION = 18, 9
TO_FIRST, TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
ACTIVATIONS = ("Relu6", "Relu")


class Node(NamedTuple):
    """One operation of the graph; its name is also its answer's."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def numbers(self, attribute: str) -> list[int]:
        """A list of whole numbers, which TensorFlow.js writes as text."""
        return [int(one) for one in self.attributes.get(attribute, {}).get("list", {}).get("i", [])]

    def texts(self, attribute: str) -> list[str]:
        """Text or a list of texts, which are in base64."""
        value = self.attributes.get(attribute, {})
        codes = [value["s"]] if "s" in value else value.get("list", {}).get("s", [])
        return [base64.b64decode(code).decode() for code in codes]

    def is_on(self, attribute: str) -> bool:
        return bool(self.attributes.get(attribute, {}).get("b", False))


@dataclass(frozen=True, eq=False)
class TfjsGraph:
    """The nodes by name, and the weights."""

    nodes: Mapping[str, Node]
    weights: Mapping[str, Array]


class Port(NamedTuple):
    """A tensor (N, H, W, C) where the part begins or ends."""

    tensor: str  # in the TensorFlow.js graph
    name: str  # in the ONNX graph
    shape: tuple[str | int, ...]  # a text is an axis of any length


def read_tfjs(path: Path) -> TfjsGraph:
    """The model of a model.json; its weights lie beside it."""
    model = json.loads(path.read_text("utf-8"))
    nodes = [
        Node(row["name"], row["op"], tuple(row.get("input", ())), row.get("attr", {}))
        for row in model["modelTopology"]["node"]
    ]
    weights: dict[str, Array] = {}
    for group in model["weightsManifest"]:
        data = b"".join((path.parent / name).read_bytes() for name in group["paths"])
        weights |= _read_weights(group["weights"], data, path)
    return TfjsGraph({node.name: node for node in nodes}, weights)


def _read_weights(rows: Sequence[Mapping[str, Any]], data: bytes, path: Path) -> dict[str, Array]:
    """Float16 becomes float32 without a loss; numbers that were rounded otherwise are refused."""
    weights, place = {}, 0
    for row in rows:
        kept = row.get("quantization", {}).get("dtype", row["dtype"])
        if kept not in ("float16", "float32", "int32"):
            raise WeightsError(f"{path}: {row['name']} is kept as {kept}, which is not read")
        count, kind = math.prod(row["shape"]), np.dtype(kept)
        if place + count * kind.itemsize > len(data):
            raise WeightsError(f"{path}: the file of weights is cut")
        values = np.frombuffer(data, kind, count, place).reshape(row["shape"])
        place += values.nbytes
        weights[row["name"]] = values.astype(row["dtype"])
    return weights


def convert(graph: TfjsGraph, inputs: Sequence[Port], outputs: Sequence[Port]) -> Any:
    """The ONNX model of what lies between the inputs and the outputs."""
    part = _Part(graph)
    for port in inputs:
        part.add("Transpose", [port.name], port.tensor, perm=TO_FIRST)
        part.done.add(port.tensor)
    for port in outputs:
        part.reach(port.tensor)
        part.add("Transpose", [port.tensor], port.name, perm=TO_LAST)
    body = helper.make_graph(
        part.nodes, "part", _ports(inputs), _ports(outputs), list(part.constants.values())
    )
    versions = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(body, opset_imports=versions, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model


def _ports(ports: Sequence[Port]) -> list[Any]:
    return [helper.make_tensor_value_info(one.name, TensorProto.FLOAT, one.shape) for one in ports]


@dataclass(eq=False)
class _Part:
    """The ONNX nodes so far, each after those that it needs."""

    graph: TfjsGraph
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def add(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(op, list(inputs), [output], **attributes))

    def constant(self, name: str, values: Array) -> str:
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def reach(self, tensor: str) -> None:
        """Convert a tensor after all that it is made of."""
        waiting = [tensor]
        while waiting:
            name = waiting[-1]
            missing = [one for one in self._inputs_of(name) if one not in self.done]
            if name not in self.done and not missing:
                self._convert_one(name)
                self.done.add(name)
            if missing:
                waiting += missing
            else:
                waiting.pop()

    def _inputs_of(self, name: str) -> tuple[str, ...]:
        if name in self.done or name in self.graph.weights:
            return ()
        if name not in self.graph.nodes:
            raise WeightsError(f"the graph has no tensor {name}")
        node = self.graph.nodes[name]
        return node.inputs[:1] if node.op in _FROM_FIRST else node.inputs

    def _convert_one(self, name: str) -> None:
        if name in self.graph.weights:
            values = self.graph.weights[name]
            self.constant(name, values.transpose(TO_FIRST) if values.ndim == 4 else values)
            return
        node = self.graph.nodes[name]
        if node.op not in _OPS:
            raise WeightsError(f"{name} is a {node.op}, which is not converted")
        _OPS[node.op](self, node)


def _sum_or_product(op: str) -> Callable[[_Part, Node], None]:
    return lambda part, node: part.add(op, node.inputs, node.name)


def _convolve(part: _Part, node: Node) -> None:
    """With a bias and an activation where they are fused to it."""
    weights = part.graph.weights[node.inputs[1]]
    is_depthwise = "Depthwise" in node.op
    groups = weights.shape[2] if is_depthwise else 1
    turned = weights.transpose(2, 3, 0, 1) if is_depthwise else weights.transpose(3, 2, 0, 1)
    height, width = weights.shape[:2]
    turned = turned.reshape(-1, weights.shape[2] // groups, height, width)
    inputs = [node.inputs[0], part.constant(f"{node.name}/weights", turned)]
    fused = node.texts("fused_ops")
    if fused[:1] == ["BiasAdd"]:
        inputs.append(part.constant(f"{node.name}/bias", part.graph.weights[node.inputs[2]]))
    activation = _activation(node, fused)
    answer = f"{node.name}/sum" if activation else node.name
    part.add("Conv", inputs, answer, group=groups, **_geometry(node, height, width))
    if activation == "Relu6":
        bounds = [part.constant(f"{node.name}/{k}", np.array(k, np.float32)) for k in (0, 6)]
        part.add("Clip", [answer, *bounds], node.name)
    elif activation == "Relu":
        part.add("Relu", [answer], node.name)


def _activation(node: Node, fused: Sequence[str]) -> str:
    further = [one for one in fused if one != "BiasAdd"]
    if further and (len(further) > 1 or further[0] not in ACTIVATIONS):
        raise WeightsError(f"{node.name}: {' and '.join(further)} is not converted")
    return further[0] if further else ""


def _geometry(node: Node, height: int, width: int) -> dict[str, Any]:
    """TensorFlow's SAME puts the odd row and column of padding behind, as SAME_UPPER does."""
    (padding,) = node.texts("padding")
    if padding not in ("SAME", "VALID") or set(node.numbers("dilations")) - {1}:
        raise WeightsError(f"{node.name}: padding {padding} or its dilations are not converted")
    return {
        "auto_pad": "SAME_UPPER" if padding == "SAME" else "VALID",
        "strides": node.numbers("strides")[1:3],
        "kernel_shape": [height, width],
    }


def _resize(part: _Part, node: Node) -> None:
    """To a height and width of its own, bilinear between pixel centres."""
    if not node.is_on("half_pixel_centers") or node.is_on("align_corners"):
        raise WeightsError(f"{node.name}: only half_pixel_centers is converted")
    size = part.graph.weights[node.inputs[1]].astype(np.int64)
    target = part.constant(f"{node.name}/size", size)
    part.add(
        "Resize",
        [node.inputs[0], "", "", target],
        node.name,
        mode="linear",
        coordinate_transformation_mode="half_pixel",
        axes=[2, 3],
    )


_OPS: dict[str, Callable[[_Part, Node], None]] = {
    "AddV2": _sum_or_product("Add"),
    "Sub": _sum_or_product("Sub"),
    "Mul": _sum_or_product("Mul"),
    "_FusedConv2D": _convolve,
    "Conv2D": _convolve,
    "DepthwiseConv2dNative": _convolve,
    "FusedDepthwiseConv2dNative": _convolve,
    "ResizeBilinear": _resize,
}
# Their further inputs are constants, which go into the node in a shape of its own.
_FROM_FIRST = {name for name, make in _OPS.items() if make in (_convolve, _resize)}
