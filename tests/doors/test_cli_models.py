"""`wordmask models`: what stands where in the list."""

import json

import pytest

from wordmask.doors.cli import main
from wordmask.doors.cli.models import GROUPS, group_engines
from wordmask.engines.cards import CARDS, EngineCard


def print_models(capsys, monkeypatch, *words) -> str:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as left:
        main(["models", *words])
    assert left.value.code == 0
    return capsys.readouterr().out


def test_mini_comes_first_in_every_group_that_it_belongs_to():
    groups = group_engines(list(CARDS.values()))
    assert next(iter(groups)) == "Words to masks"
    held = {title for title, members in groups.items() if members[0].name == "mini"}
    able = {one.title for one in GROUPS if one.protocols <= set(CARDS["mini"].protocols)}
    assert held == able
    assert {"Words to masks", "Clicks and boxes to masks"} <= held


def test_every_engine_stands_in_a_group_and_unknown_kinds_in_the_last():
    plugin = EngineCard("mine", "module:load", "plug-in", (), "see the package")
    groups = group_engines([*CARDS.values(), plugin])
    assert {row.name for members in groups.values() for row in members} == {*CARDS, "mine"}
    assert [row.name for row in groups["Others"]] == ["mine"]
    assert list(groups)[-1] == "Others"


def test_the_list_reads_at_a_hundred_columns(capsys, monkeypatch):
    page = print_models(capsys, monkeypatch)
    assert max(map(len, page.splitlines())) <= 100
    for group in GROUPS:
        assert f"\n{group.title}\n" in f"\n{page}"
    large = [line for line in page.splitlines() if line.startswith("sam2.1-large ")]
    assert len(large) == 2  # it cuts, and follows objects
    assert all(" 898 MB " in line for line in large)
    (mini, *_) = [line for line in page.splitlines() if line.startswith("mini ")]
    assert "MB" in mini
    assert " yes " in mini
    assert "FLUX.1 [dev] Non-Commercial" in page  # what stands in brackets is no style
    assert page.count("sam2.1-large") == 3  # its rows, and the example of joining


def test_json_says_all(capsys, monkeypatch):
    rows = {row["name"]: row for row in json.loads(print_models(capsys, monkeypatch, "--json"))}
    assert set(rows) >= set(CARDS)
    assert set(rows["mini"]) == {
        "name", "source", "protocols", "licence", "revision", "sha256", "nbytes", "size_mb",
        "input_side", "extra", "gated", "cached",
    }  # fmt: skip
    assert (rows["mini"]["source"], rows["mini"]["cached"]) == ("shipped", True)
