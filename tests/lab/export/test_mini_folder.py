"""mini as an exported folder: the shipped files, held against torch on their weights."""

import json

import pytest

pytest.importorskip("torch", reason="exports need torch: pip install 'wordmask[export]'")
pytest.importorskip("onnxscript", reason="exports need onnxscript: pip install 'wordmask[export]'")

from commands import run_here
from wordmask import engines
from wordmask.core.protocols import Segmenter
from wordmask.engines.weights import home


def test_mini_is_exported_and_runs_from_its_folder(tmp_path, capsys):
    assert run_here("export", "mini", tmp_path / "mini") == 0
    assert "use it with: --model" in capsys.readouterr().out
    manifest = json.loads((tmp_path / "mini/manifest.json").read_text())
    assert (manifest["kind"], manifest["licence"]) == ("mini", "Apache-2.0")
    assert set(manifest["graphs"]) == {file.stem for file in home.shipped_files("mini")}
    for name in ("encoder", "depth", "prepare", "cutter"):
        parity = manifest["graphs"][name]["parity"]
        assert len(parity["checks"]) == 3
        assert parity["largest"] < 1e-4
    found = engines.load(str(tmp_path / "mini")).get(Segmenter)
    assert found.name == engines.load("mini").get(Segmenter).name
