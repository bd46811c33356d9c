"""An engine that a teacher cuts for: a teacher that is missing, or that is itself, is said."""

from types import SimpleNamespace

import pytest

pytest.importorskip("torch", reason="this engine needs torch: pip install 'wordmask[train]'")

from wordmask import engines
from wordmask.core.maps import TeacherCall
from wordmask.engines.ovsam.engine import _teacher_call
from wordmask.errors import WeightsError


class OwnTeacher:
    """Was trained with itself."""

    name, call = "own@1", TeacherCall("own", "own@1", 64)

    def take_teacher(self, teacher):
        raise AssertionError("there is none")


def test_a_folder_without_its_teachers_files_is_said(tmp_path):
    settings = {"teacher": {"spec": "teacher", "name": "mini@1"}, "plan": SimpleNamespace(side=64)}
    with pytest.raises(WeightsError, match="teacher is missing; copy the whole folder"):
        _teacher_call(tmp_path, settings)
    (tmp_path / "teacher").mkdir()
    call = _teacher_call(tmp_path, settings)
    assert call == TeacherCall(str(tmp_path / "teacher"), "mini@1", 64)


def test_an_engine_is_not_its_own_teacher(monkeypatch):
    monkeypatch.setattr(engines, "plugins", lambda: {"own": "somewhere:load"})
    monkeypatch.setattr(engines, "_factory", lambda where: lambda name, options: OwnTeacher())
    with pytest.raises(WeightsError, match="the teacher own names itself"):
        engines.load("own")
