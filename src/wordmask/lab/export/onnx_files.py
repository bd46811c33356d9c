"""Torch modules as ONNX files, and ONNX files made smaller."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from wordmask.errors import WeightsError, missing_extra

OPSET = 18
ONE_FILE = 1_800_000_000  # bytes of weights that one file may hold
LARGE = 256  # values from which a constant is stored in fp16


@dataclass(frozen=True, eq=False)
class OnnxPlan:
    """What torch is told beside the module: names, and the axes of each input that may change."""

    inputs: Sequence[str]
    outputs: Sequence[str]
    shapes: Any


def write_onnx(
    module: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    inputs: Sequence[str],
    outputs: Sequence[str],
    shapes: Any,
) -> None:
    """Export a module; `shapes` names the axes of each input that may change."""
    write_program(module, example, path, OnnxPlan(inputs, outputs, shapes))


def write_program(
    module: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    plan: OnnxPlan,
    most: int = ONE_FILE,
) -> None:
    """Export a module; with weights of more than `most` bytes these go into a file beside it."""
    with warnings.catch_warnings():
        # Torch's own: deprecations inside it, and axes of one size that it merges.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(),
            example,
            input_names=list(plan.inputs),
            output_names=list(plan.outputs),
            dynamic_shapes=plan.shapes,
            dynamo=True,
            opset_version=OPSET,
            verbose=False,
            optimize=True,
        )
    if program is None:
        raise WeightsError(
            f"torch exported nothing for {path.name}; is onnxscript installed? "
            "pip install 'wordmask[export]'"
        )
    weights = sum(int(value.nbytes) for value in module.state_dict().values())
    if weights > most:
        # One message of protobuf ends at 2 GB.
        program.save(path, external_data=True)
        return
    proto = program.model_proto
    # Shapes noted for intermediate values are wrong after quantisation and only cost bytes.
    del proto.graph.value_info[:]
    path.write_bytes(proto.SerializeToString())


def halve(path: Path) -> None:
    """Store large fp32 constants as fp16 behind a Cast; the runtime folds it away when it loads."""
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise missing_extra("onnx", "export") from error
    model = onnx.load(path)
    casts, kept = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LARGE:
            kept.append(tensor)
            continue
        name = f"{tensor.name}_half"
        kept.append(numpy_helper.from_array(values.astype(np.float16), name))
        casts.append(helper.make_node("Cast", [name], [tensor.name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    path.write_bytes(model.SerializeToString())
