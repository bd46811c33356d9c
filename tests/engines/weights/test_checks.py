"""Weights files that lie about what is in them, and code that could read a pickle."""

import ast
import struct
from pathlib import Path

import numpy as np
import pytest

from lying_weights import tensors
from wordmask.engines import EngineOptions
from wordmask.engines.weights import checks
from wordmask.errors import WeightsError

SOURCE = Path(__file__).parents[3] / "src/wordmask"

# ---- files that lie


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "cut or not", id="empty"),
        pytest.param(b"1234567", "cut or not", id="seven bytes"),
        pytest.param(
            struct.pack("<Q", 2**63) + b"{}", "claims 9223372036854775808", id="header of 2^63"
        ),
        pytest.param(
            struct.pack("<Q", 100) + b"{}", "cut or not", id="header longer than the file"
        ),
        pytest.param(struct.pack("<Q", 2) + b"{]", "not JSON", id="header no JSON"),
        pytest.param(
            struct.pack("<Q", 200_000) + b"[" * 200_000, "not JSON", id="nested 200,000 deep"
        ),
        pytest.param(struct.pack("<Q", 2) + b"[]", "its header is a list", id="header a list"),
        pytest.param(
            tensors(b={"dtype": "U8", "shape": [5], "data_offsets": [23, 28]}),
            "an overlap",
            id="overlap",
        ),
        pytest.param(
            tensors(b={"dtype": "U8", "shape": [3], "data_offsets": [25, 28]}), "a hole", id="hole"
        ),
        pytest.param(
            tensors(a={"dtype": "F32", "shape": [2, 4], "data_offsets": [0, 24]}),
            "makes no sense",
            id="shape too large",
        ),
        pytest.param(
            tensors(a={"dtype": "F32", "shape": [-2, -3], "data_offsets": [0, 24]}),
            "makes no sense",
            id="negative sides",
        ),
        pytest.param(
            tensors(a={"dtype": "X9", "shape": [2, 3], "data_offsets": [0, 24]}),
            "makes no sense",
            id="unknown type",
        ),
        pytest.param(
            tensors(a={"dtype": "U8", "shape": [24], "data_offsets": [24, 0]}),
            "makes no sense",
            id="backwards",
        ),
        pytest.param(tensors(a=7), "makes no sense", id="entry a number"),
        pytest.param(tensors(b=None), "is cut", id="bytes nobody claims"),
        pytest.param(tensors()[:-1], "is cut", id="last byte missing"),
    ],
)
def test_malformed_safetensors(tmp_path, data, message):
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=message):
        checks.check(path)


def test_whole_safetensors_pass_and_read_back(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(tensors())
    checks.check(tmp_path)
    pytest.importorskip("torch", reason="reading tensors needs the extra hf")
    from wordmask.engines.weights.open import read_state

    state = read_state(path, EngineOptions())
    assert {name: tuple(value.shape) for name, value in state.items()} == {"a": (2, 3), "b": (4,)}


def test_what_the_library_writes_passes(tmp_path):
    numpy_io = pytest.importorskip(
        "safetensors.numpy", reason="safetensors comes with the extra hf"
    )
    arrays = {
        "empty": np.zeros((0, 3), np.float32),
        "one": np.ones((), np.int64),
        "half": np.ones((3, 2), np.float16),
    }
    numpy_io.save_file(arrays, tmp_path / "m.safetensors")
    checks.check(tmp_path)


def onnx_model(folder: Path, location: str | None, *, nested: bool = False) -> Path:
    """A model whose one weight lies in the file `location`, if one is given, or in a subgraph."""
    onnx = pytest.importorskip("onnx", reason="onnx comes with the extra export")
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [1], [1.0])
    if location is not None:
        tensor.ClearField("float_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        # The value is written before the key, as no library does, and the key comes second.
        tensor.external_data.add(key="offset", value="0")
        tensor.external_data.add(key="location", value=location)
    graph = onnx.helper.make_graph([], "g", [], [], [tensor])
    if nested:
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node("If", ["c"], ["y"], then_branch=graph, else_branch=graph)],
            "outer",
            [],
            [],
        )
    path = folder / "model.onnx"
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    return path


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(
    "location",
    ["../secret", "/etc/passwd", "a/../../secret", "link/secret", "..\\secret", "secret\0"],
)
def test_onnx_data_outside_its_folder_is_refused(tmp_path, location, nested):
    (tmp_path / "secret").write_bytes(b"1234")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    path = onnx_model(folder, location, nested=nested)
    with pytest.raises(WeightsError, match="outside its folder"):
        checks.check(path)


def test_onnx_data_beside_the_model_is_fine_and_must_be_there(tmp_path):
    path = onnx_model(tmp_path, "weights.data")
    with pytest.raises(WeightsError, match="which is missing"):
        checks.check(path)
    (tmp_path / "weights.data").write_bytes(b"1234")
    checks.check(path)
    assert checks.external_data(path) == ["weights.data"]
    assert checks.external_data(onnx_model(tmp_path, None)) == []


@pytest.mark.parametrize("length", [1, 5, 20, 40])
def test_a_cut_onnx_is_named(tmp_path, length):
    path = onnx_model(tmp_path, "weights.data")
    path.write_bytes(path.read_bytes()[:-length])
    with pytest.raises(WeightsError, match=r"cut or not an ONNX|outside|missing"):
        checks.check(path)


def test_an_onnx_that_nests_without_end_is_named(tmp_path):
    """Model > graph > node > attribute > graph > ..., 1,000 deep."""
    data = b""
    for number in (6, 5, 1) * 333:
        size = len(data)
        data = (
            bytes([number << 3 | 2])
            + bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14])
            + data
        )
    size = len(data)
    path = tmp_path / "m.onnx"
    path.write_bytes(
        bytes([7 << 3 | 2, size & 127 | 128, size >> 7 & 127 | 128, size >> 14]) + data
    )
    with pytest.raises(WeightsError, match="RecursionError"):
        checks.check(path)


# ---- the gate: no way to run a stranger's pickle or code is written anywhere in the package


def unsafe_calls(source: str) -> list[str]:
    """What in a module could run code out of a weights file."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
            )
            found += [
                f"import {name}"
                for name in modules
                if name.split(".")[0]
                in ("pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
            ]
        if isinstance(node, ast.Call):
            name, told = (
                ast.unparse(node.func),
                {word.arg: ast.unparse(word.value) for word in node.keywords},
            )
            if name.endswith("torch.load") and told.get("weights_only") != "True":
                found.append(f"{name} without weights_only=True")
            found += [
                f"{name}({arg}={told[arg]})"
                for arg in ("allow_pickle", "trust_remote_code")
                if told.get(arg) == "True"
            ]
            if name in ("eval", "exec") or name.endswith("yaml.load"):
                found.append(name)
    return found


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import pickle", 1), ("from pickle import loads", 1), ("import joblib as j", 1),
        ("torch.load(p)", 1), ("torch.load(p, weights_only=False)", 1),
        ("torch.load(p, weights_only=True)", 0), ("np.load(p, allow_pickle=True)", 1),
        ("np.load(p)", 0), ("A.from_pretrained(p, trust_remote_code=True)", 1),
        ("eval(x)", 1), ("yaml.load(x)", 1), ("yaml.safe_load(x)", 0), ("model.eval()", 0),
    ],
)  # fmt: skip
def test_the_gate_sees(source, count):
    assert len(unsafe_calls(source)) == count


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_nothing_in_the_package_can_run_a_pickle(path):
    assert unsafe_calls(path.read_text("utf-8")) == []
