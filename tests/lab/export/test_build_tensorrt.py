"""The script for TensorRT, against a library that writes down what it is told."""

import hashlib
import json
from types import SimpleNamespace

import pytest

pytest.importorskip("torch", reason="exports need torch: pip install 'wordmask[export]'")

from wordmask.lab.export import build_tensorrt as script


class Recorder:
    """Stands for every object of the library; what is called is kept in order."""

    def __init__(self, calls, name=""):
        self.calls, self.name = calls, name

    def __getattr__(self, name):
        return Recorder(self.calls, name)

    def __call__(self, *args):
        self.calls.append((self.name, args))
        return {
            "build_serialized_network": b"plan", "serialize": b"timing", "parse_from_file": True,
        }.get(self.name, Recorder(self.calls))  # fmt: skip

    def __int__(self):
        return 3

    def __rlshift__(self, other):
        return other << 3


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "decoder.onnx").write_bytes(b"graph")
    port = {"name": "xy", "type": "tensor(float)", "shape": ["prompts", "points", 2]}
    entry = {
        "file": "decoder.onnx", "inputs": [port], "outputs": [],
        "sha256": {"decoder.onnx": hashlib.sha256(b"graph").hexdigest()},
    }  # fmt: skip
    (tmp_path / "manifest.json").write_text(
        json.dumps({"precision": "fp32", "graphs": {"decoder": entry}})
    )
    return tmp_path


def library(calls):
    return SimpleNamespace(
        __version__="11.4", **{name: Recorder(calls, name) for name in (
            "Logger", "Builder", "NetworkDefinitionCreationFlag", "OnnxParser", "MemoryPoolType",
        )},
    )  # fmt: skip


def entry_of(folder):
    return json.loads((folder / "manifest.json").read_text())["graphs"]["decoder"]


def test_a_plan_is_strongly_typed_with_one_profile_and_is_built_once(folder):
    calls = []
    script.write_plan(library(calls), folder, "decoder", entry_of(folder), "fp32")
    said = dict(calls)
    assert said["create_network"] == (1 << 3,)
    assert said["set_shape"] == ("xy", (1, 1, 2), (1, 2, 2), (64, 16, 2))
    assert said["set_memory_pool_limit"][1] == script.MEMORY
    note = json.loads((folder / "decoder.json").read_text())
    assert (note["version"], note["precision"]) == ("11.4", "fp32")
    assert (folder / "decoder.plan").read_bytes() == b"plan"
    assert (folder / "timing.cache").read_bytes() == b"timing"
    count = len(calls)
    script.write_plan(library(calls), folder, "decoder", entry_of(folder), "fp32")
    assert len(calls) == count, "it was built again"


def test_a_graph_that_is_not_the_manifests_is_refused(folder):
    (folder / "decoder.onnx").write_bytes(b"another")
    with pytest.raises(SystemExit, match="not the file of the manifest"):
        script.write_plan(library([]), folder, "decoder", entry_of(folder), "fp32")


def test_without_the_library_it_says_what_to_install(folder):
    if script.find_library() is not None:
        pytest.skip("TensorRT is installed, so nothing is missing")
    with pytest.raises(SystemExit, match="pip install tensorrt"):
        script.main([str(folder)])
