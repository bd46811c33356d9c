"""Other weights in an exported graph: a second instead of an export, and all else stays as it was.

For parts that are trained alone, while the graph's nodes stay the same.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from wordmask.errors import WeightsError, missing_extra
from wordmask.files import write_bytes


def replace_weights(network: nn.Module, parts: Iterable[str], graph: Path, out: Path) -> None:
    """Write `graph` to `out` with the weights that these parts of the network have in `eval`.

    Of convolutions, with the norms behind them, and linear layers.
    """
    try:
        import onnx
        from onnx import helper, numpy_helper
    except ImportError as error:
        raise missing_extra("onnx", "export") from error
    model = onnx.load(graph)
    matrices = _find_matrices(model.graph.node)
    wanted: dict[str, Tensor] = {}
    for part in parts:
        wanted |= _stored_weights(network.get_submodule(part), part, matrices)
    for tensor in model.graph.initializer:
        value = wanted.pop(_plain(tensor.name), None)
        if value is None:
            continue
        if tuple(value.shape) != tuple(tensor.dims):
            raise WeightsError(
                f"{graph.name}: {tensor.name} is {tuple(tensor.dims)}, "
                f"in the network {tuple(value.shape)}"
            )
        kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
        values = value.detach().numpy().astype(kind)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    if wanted:
        raise WeightsError(f"{graph} has no {min(wanted)}: it is of another network")
    write_bytes(out, model.SerializeToString())


def _plain(name: str) -> str:
    """The name of a constant in the network; those in fp16 stand behind a Cast."""
    return name.removeprefix("model.").removesuffix("_half")


def _find_matrices(nodes: Iterable[Any]) -> dict[str, str]:
    """Matrices that lost their names, by that of the bias that is added to their product."""
    makers = {output: node for node in nodes for output in node.output}
    found = {}
    for node in makers.values():
        for product, bias in (node.input, reversed(node.input)) if node.op_type == "Add" else ():
            if product in makers and makers[product].op_type == "MatMul":
                found[_plain(bias)] = _plain(makers[product].input[1])
    return found


def _stored_weights(
    part: nn.Module, name: str, matrices: dict[str, str]
) -> Iterator[tuple[str, Tensor]]:
    """Each constant that the graph holds of a part: its name there and the values."""
    modules = dict(part.named_modules(prefix=name))
    for key, module in modules.items():
        parent, _, place = key.rpartition(".")
        norm = modules.get(f"{parent}.{int(place) + 1}") if place.isdigit() else None
        if isinstance(module, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            whole = fuse_conv_bn_eval(module, norm)
            yield f"{key}.weight", whole.weight
            yield f"{key}.weight_bias", whole.bias
        elif isinstance(module, (nn.Conv2d, nn.Linear)):
            matrix = matrices.get(f"{key}.bias")
            if matrix:
                yield matrix, module.weight.T
            else:
                yield f"{key}.weight", module.weight
            if module.bias is not None:
                yield f"{key}.bias", module.bias
