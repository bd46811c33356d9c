"""`wordmask index` and `find` as a person runs them."""

import json
import shutil

import pytest

pytest.importorskip("lancedb", reason="the extra `search` is not installed")

from albums import draw_album, draw_shapes
from commands import run_here

WORDS = ("--vocabulary", "red", "--vocabulary", "blue", "--points-per-side", "8")


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    home = tmp_path_factory.mktemp("cli")
    draw_album(home / "album")
    assert run_here("index", home / "album", "--db", home / "db", "-m", "fake", *WORDS) == 0
    return home / "db"


def test_what_was_indexed_is_told(tmp_path, capsys):
    draw_shapes(tmp_path / "album/red.png", ("red", "disc", 40))
    (tmp_path / "album/bad.png").write_bytes(b"no picture")
    made = run_here("index", tmp_path / "album", "--db", tmp_path / "db", "-m", "fake", *WORDS)
    told = capsys.readouterr()
    assert made == 5
    assert "red.png   new: " in told.out
    assert "1 pictures, " in told.out
    assert "2 pictures: 1 done, 1 failed: " in told.err


def test_a_second_run_has_nothing_to_do(db, capsys):
    album = db.parent / "album"
    assert run_here("index", album, "--db", db, "-m", "fake", *WORDS) == 0
    assert "(3 unchanged)" in capsys.readouterr().out


def test_a_table_of_what_is_found(db, capsys):
    assert run_here("find", db, "red", "cat", "-m", "fake") == 0
    told = capsys.readouterr().out
    assert "red   2 regions" in told
    assert "both.png" in told
    assert "not here: cat (below" in told


def test_json_lines_end_with_what_is_not_here(db, capsys):
    assert run_here("find", db, "red", "cat", "--json", "-m", "fake") == 0
    *rows, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert [row["label"] for row in rows] == ["red", "red"]
    assert set(rows[0]) >= {"picture", "score", "box", "area", "mask"}
    assert [word["phrase"] for word in last["not_here"]] == ["cat"]


def test_a_click_shows_an_example(db, capsys):
    picture = db.parent / "album/red.png"
    assert run_here("find", db, "--like", picture, "--click", "90,48", "-m", "fake") == 0
    assert "like red.png   2 regions" in capsys.readouterr().out


def test_relation_condition_and_unwanted(db, capsys):
    asked = ["red next to blue", "--where", "width = 128", "--not", "cat"]
    assert run_here("find", db, *asked, "-m", "fake") == 0
    assert "both.png" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["red", "--where", "size > 3"], "no column 'size'"),
        (["red", "--click", "3,4"], "give --like PICTURE"),
        (["red", "--like", "x.png"], "not for both"),
        ([], "name at least one thing"),
        (["red", "-m", "mini"], "was made by fake"),
    ],
)
def test_wrong_use_is_told_in_a_line(db, capsys, arguments, told):
    flags = [] if "-m" in arguments else ["-m", "fake"]
    assert run_here("find", db, *arguments, *flags) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_the_index_is_looked_after(db, capsys):
    tasks = ("--check", "--stats", "--optimize", "--repair")
    assert run_here("index", "--db", db, *tasks) == 0
    told = capsys.readouterr().out
    assert "sound" in told
    assert "3 pictures in 1 folders" in told
    assert run_here("index", "--db", db) == 2
    assert "give --stats" in capsys.readouterr().err


def test_a_broken_index_has_an_exit_code_of_its_own(db, tmp_path, capsys):
    db = shutil.copytree(db, tmp_path / "db")
    newest = min((db / "regions.lance/_versions").glob("*.manifest"))
    newest.write_bytes(b"")
    assert run_here("index", "--db", db, "--check") == 1
    assert "regions cannot be read" in capsys.readouterr().out
    assert run_here("find", db, "red", "-m", "fake") == 2
    assert "is no index, or a broken one" in capsys.readouterr().err
    assert run_here("index", "--db", db, "--repair") == 0


def test_without_the_extra_the_error_names_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "lancedb", None)
    assert run_here("index", tmp_path, "--db", tmp_path / "db", "-m", "fake") == 3
    assert "pip install 'wordmask[search]'" in capsys.readouterr().err
