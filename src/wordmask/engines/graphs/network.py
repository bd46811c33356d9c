"""One network in a file: arrays by name in, arrays by name out, whatever runs it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from wordmask.core.image import Array
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import checks
from wordmask.errors import CapabilityError, WeightsError, missing_extra

TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}


class GraphNetwork(Protocol):
    """What engines need of a network in a file."""

    inputs: Mapping[str, Sequence[Any]]  # name -> shape, with words for what may change
    outputs: tuple[str, ...]

    def __call__(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """Every output, in fp32. What the network does not take is left out of the feed."""
        ...


class OnnxNetwork:
    """On onnxruntime."""

    def __init__(self, path: Path, options: EngineOptions, providers: Sequence[str]) -> None:
        import onnxruntime

        checks.check_onnx(path)
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 3
        settings.intra_op_num_threads = options.op_threads
        # Threads that spin while they wait steal the cores from everything else on the machine.
        settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = onnxruntime.InferenceSession(str(path), settings, providers=list(providers))
        except Exception as error:  # onnxruntime has a class of its own for each fault of a file
            raise WeightsError(
                f"{path} is not an ONNX model that runs here: {str(error).splitlines()[0][:300]}"
            ) from error
        self._session, self._path = session, path
        ports = session.get_inputs()
        self.inputs: Mapping[str, Sequence[Any]] = {port.name: port.shape for port in ports}
        self._types: dict[str, Any] = {
            port.name: TYPES.get(port.type, np.float32) for port in ports
        }
        self.outputs: tuple[str, ...] = tuple(port.name for port in session.get_outputs())

    def __call__(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """As `GraphNetwork`."""
        arrays = {
            name: np.ascontiguousarray(feed[name], kind) for name, kind in self._types.items()
        }
        try:
            found = self._session.run(None, arrays)
        except Exception as error:  # as above
            raise CapabilityError(
                f"{self._path} cannot answer: {str(error).splitlines()[0][:300]}"
            ) from error
        return {
            name: np.asarray(value, np.float32)
            for name, value in zip(self.outputs, found, strict=True)
        }


class OpenVinoNetwork:
    """On OpenVINO, which keeps one request a thread."""

    def __init__(self, path: Path, options: EngineOptions) -> None:
        try:
            import openvino
        except ImportError as error:
            raise missing_extra("openvino", "openvino") from error
        core = openvino.Core()
        threads = {"INFERENCE_NUM_THREADS": options.op_threads} if options.op_threads else {}
        try:
            # Its own hint would compute in bf16 where the processor can.
            exact = {"INFERENCE_PRECISION_HINT": "f32"}
            self._model = core.compile_model(str(path), "CPU", {**threads, **exact})
        except RuntimeError as error:
            line = str(error).strip().splitlines()[-1]
            raise WeightsError(f"{path} is not a model for OpenVINO: {line[:300]}") from error
        self.inputs: Mapping[str, Sequence[Any]] = {
            port.any_name: [str(side) for side in port.partial_shape] for port in self._model.inputs
        }
        self.outputs: tuple[str, ...] = tuple(port.any_name for port in self._model.outputs)
        self._types = {port.any_name: port.element_type.to_dtype() for port in self._model.inputs}

    def __call__(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """As `GraphNetwork`."""
        arrays = {
            name: np.ascontiguousarray(feed[name], kind) for name, kind in self._types.items()
        }
        found = self._model.create_infer_request().infer(arrays)
        return {name: np.array(found[place], np.float32) for place, name in enumerate(self.outputs)}


def open_network(path: Path, options: EngineOptions, runtime: str = "onnxruntime") -> GraphNetwork:
    """The network of a file, on what its folder was made for."""
    if runtime == "openvino":
        return OpenVinoNetwork(path, options)
    if runtime not in ("onnxruntime", "coreml"):
        raise WeightsError(
            f"{path.parent} is for {runtime}, which wordmask does not run; use the folder that it "
            "was made of"
        )
    return OnnxNetwork(path, options, providers(options.device, runtime))


def providers(device: str, runtime: str = "onnxruntime") -> list[str]:
    """What onnxruntime is told to compute on; the CPU takes what the others cannot."""
    import onnxruntime

    wanted = {"cuda": "CUDAExecutionProvider", "mps": "CoreMLExecutionProvider"}
    name = wanted.get(device.split(":", maxsplit=1)[0])
    if runtime == "coreml":
        name = "CoreMLExecutionProvider"
    there = onnxruntime.get_available_providers()
    if name is None:
        return ["CPUExecutionProvider"]
    if name not in there:
        raise CapabilityError(
            f"onnxruntime {onnxruntime.__version__} has no {name} here (it has "
            f"{', '.join(there)}); use the device cpu, or install onnxruntime for this one"
        )
    return [name, "CPUExecutionProvider"]
