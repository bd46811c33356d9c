"""What an ONNX file takes and gives by name, read off its wire format: nothing is loaded."""

import ast
from pathlib import Path
from typing import NamedTuple

from wordmask.engines.weights.checks import wire_fields
from wordmask.errors import WeightsError

POINTS = {"input_points", "point_coords", "batched_point_coords"}


class OnnxPorts(NamedTuple):
    """The names of a file's inputs and outputs, in order, and its notes."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    notes: dict[str, str]

    @property
    def is_decoder(self) -> bool:
        """Whether the file is the decoder of a segmenter: it takes points."""
        return bool(POINTS & set(self.inputs))

    @property
    def is_yolo(self) -> bool:
        """Whether the file gives boxes with coefficients, and prototypes of masks."""
        return len(self.inputs) == 1 and self.outputs[:2] == ("output0", "output1")

    def class_names(self) -> tuple[str, ...]:
        """The names of a detector's classes, as ultralytics notes them: "{0: 'person'}"."""
        try:
            table = ast.literal_eval(self.notes.get("names", "{}"))
            return tuple(str(table[key]) for key in sorted(table))
        except (ValueError, SyntaxError, TypeError, AttributeError, RecursionError, MemoryError):
            return ()


# Numbers of fields in onnx.proto3
GRAPH, NOTE, INITIALIZER, INPUT, OUTPUT, TENSOR_NAME = 7, 14, 5, 11, 12, 8


def read_ports(path: Path) -> OnnxPorts:
    """The ports of one file. In old files weights stand among the inputs; they are left out."""
    try:
        inputs: list[str] = []
        outputs: list[str] = []
        weights: set[str] = set()
        notes: dict[str, str] = {}
        for number, value in wire_fields(memoryview(path.read_bytes())):
            if number == NOTE and value is not None:
                entry = dict(wire_fields(value))
                notes[_text(entry.get(1))] = _text(entry.get(2))
            if number != GRAPH or value is None:
                continue
            for part, data in wire_fields(value):
                if data is None or part not in (INITIALIZER, INPUT, OUTPUT):
                    continue
                name = _text(dict(wire_fields(data)).get(TENSOR_NAME if part == INITIALIZER else 1))
                {INPUT: inputs.append, OUTPUT: outputs.append, INITIALIZER: weights.add}[part](name)
    except (IndexError, RecursionError, UnicodeDecodeError) as error:
        raise WeightsError(
            f"{path} is cut or not an ONNX model ({type(error).__name__}); fetch it again"
        ) from None
    if not outputs:
        raise WeightsError(f"{path} is not an ONNX model: it has no outputs; fetch it again")
    taken = tuple(name for name in inputs if name not in weights)
    return OnnxPorts(taken, tuple(outputs), notes)


def _text(data: memoryview | None) -> str:
    return bytes(data or b"").decode("utf-8")
