"""The suite of runtimes, on a toy network that was exported for other tests, in one process."""

import json
import pickle
import shutil
import sys

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'wordmask[hf]'")
pytest.importorskip(
    "transformers", reason="transformers is not installed: pip install 'wordmask[hf]'"
)
pytest.importorskip("onnxscript", reason="onnx is not installed: pip install 'wordmask[export]'")

from exports import sam2_video
from wordmask.errors import MissingExtraError
from wordmask.lab.bench.run_suite import run_suite
from wordmask.lab.bench.runtimes import MINI, RuntimeJob, time_mini
from wordmask.lab.bench.suites import export, find_suite
from wordmask.lab.export.mini_weights import SHIPPED

PARTS = {"sam2.1-tiny": ("encode", "prompt", "remember", "follow"), "mini": tuple(MINI)}
SMALL = {"small": True, "rounds": 1, "frames": 1}


def here(work, *given):
    """In place of a fresh process, which takes seconds to begin; what goes there can go there."""
    return work(*pickle.loads(pickle.dumps(given)))


@pytest.fixture
def runtimes(monkeypatch):
    monkeypatch.setattr(export, "run_alone", here)
    monkeypatch.setattr("torch.set_num_threads", lambda count: None)  # of other tests
    return ["torch", "onnxruntime", "openvino"]


@pytest.fixture
def exported(monkeypatch, tmp_path_factory):
    """The network and its files are those of other tests: an export takes seconds."""
    from transformers import Sam2VideoModel

    folder = sam2_video(tmp_path_factory)
    network = Sam2VideoModel.from_pretrained(folder / "hub")
    monkeypatch.setattr(export, "random_tracker", lambda small: network)

    def copy(plan, out, say):
        assert {graph.name for graph in plan.made.graphs} >= {"encoder", "memory_attention"}
        shutil.copytree(folder / "onnx", out)

    monkeypatch.setattr("wordmask.lab.export.folder.write_folder", copy)


@pytest.mark.usefixtures("exported")
def test_each_part_is_timed_on_each_runtime(runtimes, kit, tmp_path):
    """And the runtimes answer alike: what is timed is the same work."""
    pytest.importorskip("openvino")
    suite = find_suite("export")
    run_suite(suite, kit(suite.options(**SMALL)))
    saved = json.loads((tmp_path / "out/results.json").read_text())
    table = saved["tables"]["parts"]
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    wanted = [
        (network, part, runtime)
        for network, parts in PARTS.items()
        for part in parts
        for runtime in runtimes
    ]
    assert [(row["network"], row["part"], row["runtime"]) for row in rows] == wanted
    assert all(row["clock_s"] > 0 for row in rows)
    own = [row["processor_of_torch"] for row in rows if row["runtime"] == "torch"]
    assert own == [1] * len(own)
    compared = {(row["network"], row["part"]) for row in rows if row["difference"] is not None}
    answered = {("sam2.1-tiny", "prompt"), ("sam2.1-tiny", "follow")}
    assert compared == answered | {("mini", part) for part in MINI}
    assert all(float(row["difference"] or 0) < 1e-4 for row in rows)
    assert saved["metrics"]["mini.openvino.peak_mb"] > 1


def test_a_runtime_that_is_not_there_is_said(runtimes, kit, monkeypatch):
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    suite = find_suite("export")
    found = suite.run(kit(suite.options(**SMALL, networks=("mini",))))
    assert found.verdicts == (export.NO_OPENVINO,)
    assert {name.split(".")[0] for name in found.metrics} == {"mini"}
    assert not any("openvino" in name for name in found.metrics)


def test_the_small_network_finds_its_object():
    """Else nothing would be drawn where it follows."""
    network = export.random_tracker(small=True)
    assert network.config.image_size == 128
    assert network.mask_decoder.pred_obj_score_head.proj_out.bias.item() > 0


def test_without_onnx_the_extra_is_named(kit, monkeypatch):
    monkeypatch.setattr(export, "random_tracker", lambda small: None)
    monkeypatch.setitem(sys.modules, "wordmask.lab.export.folder", None)
    suite = find_suite("export")
    with pytest.raises(MissingExtraError, match=r"wordmask\[export\]"):
        suite.run(kit(suite.options(**SMALL)))


def test_a_process_of_its_own():
    """As people run it."""
    job = RuntimeJob("onnxruntime", str(SHIPPED), 1, 1, (96, 128))
    times = export.run_alone(time_mini, job)
    assert set(times.clock) == set(times.processor) == set(times.answers) == set(MINI)
    assert times.peak_mb > 1
