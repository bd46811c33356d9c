"""Weights from strangers, checked before any library reads them.

safetensors: the header's length, and ranges without overlap or hole. ONNX: external data stays in
its folder. Pickles run code when they are read, so they are refused unless the caller allows them.
"""

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

from wordmask.errors import Mend, WeightsError

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
MAX_HEADER = 100_000_000  # bytes; the library's own limit
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64, "C64": 64,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


def check(path: Path, *, allow_pickle: bool = False) -> None:
    """Raise `WeightsError` unless what lies at `path` (a file or a folder) is safe to open."""
    if not path.exists():
        raise WeightsError(
            f"there is nothing at {path}; give a folder in hub layout or a weights file"
        )
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    for file in files:
        if file.suffix == ".safetensors":
            check_safetensors(file)
        elif file.suffix == ".onnx":
            check_onnx(file)
    pickles = [file for file in files if file.suffix in PICKLES and not _is_openvino(file)]
    safe = [file for file in files if file.suffix in (".safetensors", ".onnx")]
    if pickles and not safe and not allow_pickle:
        raise WeightsError(
            f"{pickles[0]} is a pickle, which can run code when it is read; convert it to "
            "safetensors, or allow pickles if you trust its maker: then only tensors are read",
            mend=Mend("allow_pickle"),
        )


def _is_openvino(file: Path) -> bool:
    """Plain numbers beside the .xml that names them."""
    return file.suffix == ".bin" and file.with_suffix(".xml").is_file()


def short_digest(text: str) -> str:
    """Twelve digits of a text's sha256, for names."""
    return sha256(text.encode()).hexdigest()[:12]


def check_safetensors(path: Path) -> None:
    """The layout says where every tensor lies; it must tile the file exactly."""
    total = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little") if total >= 8 else total + 1
        if length > min(total - 8, MAX_HEADER):
            raise WeightsError(
                f"{path} is cut or not safetensors: {total} bytes, but its header claims {length}"
            )
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise WeightsError(
                f"{path} is not safetensors: its header is not JSON ({error})"
            ) from None
    if not isinstance(header, dict):
        raise WeightsError(f"{path} is not safetensors: its header is a {type(header).__name__}")
    end = 0
    for start, stop, name in sorted(_ranges(path, header)):
        if start != end:
            fault = "a hole" if start > end else "an overlap"
            raise WeightsError(
                f"{path}: tensor {name!r} starts at byte {start}, expected {end}: {fault}"
            )
        end = stop
    if end != total - 8 - length:
        raise WeightsError(
            f"{path} is cut: the tensors take {end} bytes, the file has {total - 8 - length}; "
            "fetch it again"
        )


def _ranges(path: Path, header: dict[str, Any]) -> Iterator[tuple[int, int, str]]:
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            start, stop = (int(place) for place in entry["data_offsets"])
            bits = _BITS[entry["dtype"]] * prod(int(side) for side in entry["shape"])
            fits = (
                0 <= start <= stop and min([0, *entry["shape"]]) >= 0 and bits == 8 * (stop - start)
            )
        except (KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            raise WeightsError(
                f"{path}: tensor {name!r} has an entry that makes no sense: {str(entry)[:120]}"
            )
        yield start, stop, name


def check_onnx(path: Path) -> None:
    """External data must be plain files beside the model: no absolute path, no .., no link out."""
    root = Path(os.path.realpath(path.parent))
    for location in external_data(path):
        if not is_inside(root, location):
            raise WeightsError(
                f"{path} points to data outside its folder: {location[:200]!r}; refused"
            )
        if not (root / location).is_file():
            raise WeightsError(
                f"{path} needs the data file {location[:200]!r} beside it, which is missing"
            )


def is_inside(root: Path, location: str) -> bool:
    """Whether a name in a file stays in the file's folder, links followed."""
    path, root = Path(location), Path(os.path.realpath(root))
    if "\0" in location or "\\" in location or path.is_absolute() or ".." in path.parts:
        return False
    return Path(os.path.realpath(root / path)).is_relative_to(root)


# Where an ONNX file may hold tensors: message -> {field number: message}, as in onnx.proto3.
_FIELDS: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Graph": {1: "Node", 5: "Tensor", 15: "Sparse"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "Sparse", 23: "Sparse"},
    "Sparse": {1: "Tensor", 2: "Tensor"},
    "Tensor": {13: "Entry"},
}


def external_data(path: Path) -> list[str]:
    """The files that an ONNX model keeps tensors in. It reads the wire format, without onnx."""
    try:
        return list(_locations(memoryview(path.read_bytes()), "Model", 0))
    except (IndexError, RecursionError, UnicodeDecodeError) as error:
        raise WeightsError(
            f"{path} is cut or not an ONNX model ({type(error).__name__}); fetch it again"
        ) from None


def _locations(data: memoryview, message: str, depth: int) -> Iterator[str]:
    if depth > 100:
        raise RecursionError
    for number, value in wire_fields(data):
        kind = _FIELDS[message].get(number)
        if kind == "Entry" and value is not None:
            entry = dict(wire_fields(value))
            if bytes(entry.get(1) or b"") == b"location":
                yield bytes(entry.get(2) or b"").decode("utf-8")
        elif kind and value is not None:
            yield from _locations(value, kind, depth + 1)


def wire_fields(data: memoryview) -> Iterator[tuple[int, memoryview | None]]:
    """Each field's number and its bytes, None where it is a plain number."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        length: int | None = None
        if key & 7 == 0:
            _, place = _varint(data, place)
        elif key & 7 == 2:
            length, place = _varint(data, place)
        else:
            place += {1: 8, 5: 4}.get(key & 7, len(data) + 1)
        end = place + (length or 0)
        if end > len(data):
            raise IndexError
        yield key >> 3, None if length is None else data[place:end]
        place = end


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        value, place = value | (byte & 127) << shift, place + 1
        if byte < 128:
            return value, place
    raise IndexError
