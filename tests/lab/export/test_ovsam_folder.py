"""An exported Open-Vocabulary SAM brings its teacher's cutter, or finds it by its name."""

import json
from types import SimpleNamespace

import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")

from wordmask import engines
from wordmask.core.maps import MapSegmenter, TeacherCall
from wordmask.engines.ovsam.engine import OvsamEngine, OvsamParts
from wordmask.errors import WeightsError
from wordmask.lab.export.ovsam import MINI_CUTS, write_teacher


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "ovsam.json").write_text('{"exponent": 0.5}')
    return tmp_path


def test_minis_cutter_lies_in_the_folder_and_is_minis(folder):
    mini = engines.load("mini").get(MapSegmenter)
    write_teacher(folder, "mini", mini.name)
    settings = json.loads((folder / "ovsam.json").read_text())
    assert settings == {"exponent": 0.5, "teacher": {"spec": "teacher", "name": mini.name}}
    assert engines.load(str(folder / "teacher")).get(MapSegmenter).name == mini.name
    files = {one.name: one.stat().st_size for one in (folder / "teacher").iterdir()}
    assert files.keys() == set(MINI_CUTS)
    assert sum(files.values()) < 5e6


def test_any_other_teacher_is_found_where_it_was(folder, tmp_path, monkeypatch):
    (tmp_path / "sam").mkdir()
    monkeypatch.chdir(tmp_path)
    for spec, wanted in (("sam-h", "sam-h"), ("sam", str(tmp_path / "sam"))):
        write_teacher(folder, spec, "weights")
        assert json.loads((folder / "ovsam.json").read_text())["teacher"]["spec"] == wanted


def test_a_teacher_of_other_weights_is_refused():
    network = SimpleNamespace(plan=None)
    parts = OvsamParts(network, None, None, 0.5, (), TeacherCall("mini", "mini@old", 64))
    engine = OvsamEngine("mine", parts, None)
    with pytest.raises(WeightsError, match="trained with mini@old, and mini is now mini@sha256"):
        engine.take_teacher(engines.load("mini").get(MapSegmenter))
