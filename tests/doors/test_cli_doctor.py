"""`wordmask doctor`: what it finds out about an installation."""

import json
import tomllib
from pathlib import Path

import pytest

from wordmask.doors.cli import doctor, main

ROOT = Path(__file__).parents[2]


def run_doctor(capsys, *words) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        main(["doctor", *words])
    return left.value.code, capsys.readouterr().out


def test_every_line_says_whether_it_works_and_what_mends_it(capsys):
    code, page = run_doctor(capsys)
    assert code == 0
    assert all(line.startswith(("ok  ", "--  ")) for line in page.splitlines())
    for line in page.splitlines():
        if line.startswith("--  extra"):
            assert "; pip install 'wordmask[" in line


def test_a_core_that_cannot_work_is_exit_code_three(capsys, monkeypatch):
    broken = doctor.Check("numpy", False, "missing", "pip install numpy", core=True)
    monkeypatch.setattr(doctor, "_core", lambda: [broken])
    code, page = run_doctor(capsys)
    assert code == 3
    assert "--  numpy" in page


def test_the_install_size_counts_what_is_needed_and_no_extra(capsys):
    rows = {row["what"]: row for row in json.loads(run_doctor(capsys, "--json")[1])}
    assert rows["install size"]["state"].endswith("packages, no extra")
    needed = doctor._with_dependencies("typer")
    assert {"typer", "rich"} <= needed
    assert "torch" not in doctor._with_dependencies("wordmask")
    assert doctor._size_of("numpy") > 10_000_000


def test_every_package_of_the_core_can_be_checked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [line.split(">=")[0] for line in project["dependencies"]]
    assert "annotated-types" in names
    assert {name: doctor._version_of(name) for name in names if not doctor._version_of(name)} == {}


def test_a_package_that_is_not_there_has_no_version():
    assert doctor._version_of("no-such-package-of-ours") is None
