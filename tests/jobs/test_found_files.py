"""Sheets, COCO, copies, links and sidecars of what was found; people's files stay as they are."""

import json
import os
from pathlib import Path

import pytest

pytest.importorskip("lancedb", reason="the extra `search` is not installed")

import wordmask
from albums import draw_album, draw_shapes, find, index
from commands import names, run_here
from wordmask.errors import OptionError, OutputError, WordmaskError
from wordmask.jobs.found_files import FoundOutputs, write_found
from wordmask.media.reading.xmp import parse_keywords


@pytest.fixture
def album(tmp_path):
    draw_album(tmp_path / "album")
    index(tmp_path / "album", tmp_path / "db")
    return tmp_path / "album"


def write(album: Path, *words: str, **outputs):
    answer = find(album.parent / "db", *words)
    return list(write_found(answer, FoundOutputs(**outputs)))


def test_a_page_and_a_picture(album, tmp_path):
    assert write(album, "red", "cat", sheet=tmp_path / "a.html") == [tmp_path / "a.html"]
    assert "cat: not here" in (tmp_path / "a.html").read_text()
    assert write(album, "red", sheet=tmp_path / "a.jpg") == [tmp_path / "a.jpg"]
    assert wordmask.read(tmp_path / "a.jpg").size[1] > 200


def test_coco_of_the_regions(album, tmp_path):
    write(album, "red", "blue", coco=tmp_path / "found.coco.json")
    value = json.loads((tmp_path / "found.coco.json").read_text())
    assert len(value["images"]) == 3
    assert len(value["annotations"]) == 4
    assert {row["name"] for row in value["categories"]} == {"red", "blue"}


def test_results_go_to_other_libraries(album):
    results = find(album.parent / "db", "red").results()
    assert sorted(path.name for path in results) == ["both.png", "red.png"]
    (found,) = results[album / "red.png"].to("fiftyone")["detections"]
    assert found["label"] == "red"


def test_copies_and_links_replace_nothing(album, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/red.png").write_text("mine")
    for _ in range(2):
        write(album, "red", copy_to=tmp_path / "out")
    assert (tmp_path / "out/red.png").read_text() == "mine"
    assert names(tmp_path / "out") == ["both.png", "red-2.png", "red.png"]
    write(album, "red", link_to=tmp_path / "links")
    assert os.path.realpath(tmp_path / "links/red.png") == os.path.realpath(album / "red.png")


def test_words_go_into_sidecars(album):
    write(album, "red", "blue", xmp=True)
    assert parse_keywords((album / "both.xmp").read_bytes()) == ("blue", "red")
    before = (album / "both.xmp").read_bytes()
    assert write(album, "red", xmp=True) == []
    assert (album / "both.xmp").read_bytes() == before


def test_a_sheet_never_replaces_a_picture(album):
    with pytest.raises(OptionError, match="one of the pictures"):
        write(album, "red", sheet=album / "red.png")


def test_a_picture_that_is_gone_or_has_changed_is_passed_over(album, tmp_path):
    (album / "red.png").unlink()
    *errors, page = write(album, "red", sheet=tmp_path / "a.html")
    assert [isinstance(error, WordmaskError) for error in errors] == [True]
    assert page.exists()
    draw_shapes(album / "both.png", ("red", "disc", 40)).write_bytes(b"no picture")
    with pytest.raises(WordmaskError, match="nothing was found"):
        write(album, "red", sheet=tmp_path / "a.jpg")


def test_on_the_command_line(album, tmp_path, capsys):
    db, page = album.parent / "db", tmp_path / "found.html"
    assert run_here("find", db, "red", "-m", "fake", "--sheet", page, "--xmp") == 0
    assert f"-> {page}" in capsys.readouterr().err
    (album / "red.png").unlink()
    assert run_here("find", db, "red", "-m", "fake", "--sheet", page) == 5
    assert "red.png is not there" in capsys.readouterr().err


def test_a_file_where_a_folder_is_to_be_is_told(album, tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OutputError, match="cannot be a folder"):
        write(album, "red", copy_to=tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"
