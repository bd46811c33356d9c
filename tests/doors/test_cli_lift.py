"""`wordmask lift` and `wordmask.lift` on drawn pictures, with the engine fake."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

import wordmask
from commands import draw_lawn, load, run_apart, run_here
from wordmask.errors import PromptError

FAKE = ("-m", "fake")


@pytest.fixture
def photo(tmp_path):
    return draw_lawn(tmp_path / "photo.png")


def with_exif(path: Path, focal_35mm: int, turn: int = 1) -> Path:
    """The picture as a JPEG of a camera, which may have been held upright."""
    picture = Pil.open(path).convert("RGB")
    exif = Pil.Exif()
    exif[0x0112] = turn
    exif.get_ifd(0x8769)[0xA405] = focal_35mm
    target = path.with_name(f"camera{turn}.jpg")
    picture.save(target, exif=exif, quality=95)
    return target


def test_one_file_is_what_its_suffix_says(photo, tmp_path, capsys):
    for suffix, start in (
        ("ply", b"ply\nformat binary"), ("glb", b"glTF"), ("html", b"<!doctype html>"),
        ("png", b"\x89PNG"), ("json", b"{"),
    ):  # fmt: skip
        out = tmp_path / f"disc.{suffix}"
        assert run_here("lift", photo, "red", "-o", out, *FAKE) == 0
        assert out.read_bytes().startswith(start), suffix
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] != ".") == [
        "disc.glb", "disc.html", "disc.json", "disc.ply", "disc.png", "photo.png",
    ]  # fmt: skip
    told = capsys.readouterr().out
    assert "up to scale" in told
    assert "ASSUMED" in told
    assert "red: " in told


def test_a_folder_gets_every_format_and_each_says_the_scale(photo, tmp_path, capsys):
    assert run_here("lift", photo, "red", "blue", "cat", "-o", tmp_path / "o", *FAKE) == 0
    files = [path for path in (tmp_path / "o").iterdir() if path.name[0] != "."]
    kinds = sorted(re.sub(r"\d-", "", path.name.removeprefix("photo.lifted")) for path in files)
    assert kinds == [
        ".blue.glb", ".blue.ply", ".html", ".json", ".png", ".red.glb", ".red.ply",
    ]  # fmt: skip
    for path in files:
        if path.suffix != ".png":  # there it is drawn
            assert b"up to scale" in path.read_bytes(), path.name
    record = json.loads((tmp_path / "o/photo.lifted.json").read_text())
    assert record["scale"]["metric"] is False
    assert record["absent"] == ["cat"]
    assert record["camera"]["source"] == "assumed"
    assert {region["name"] for region in record["regions"]} == {"red", "blue"}
    assert all(len(region["box"]["corners"]) == 8 for region in record["regions"])
    assert "not here: cat" in capsys.readouterr().out


def test_known_sizes_and_depths_give_metres(photo, tmp_path, capsys):
    out = tmp_path / "a.json"
    assert run_here("lift", photo, "red", "--known", "blue=2m", "-o", out, *FAKE) == 0
    assert json.loads(out.read_text())["unit"] == "metre"
    assert run_here("lift", photo, "red", "--depth-at", "45,60,3", "-o", out, *FAKE) == 0
    record = json.loads(out.read_text())
    assert record["regions"][0]["distance"] == pytest.approx(3, rel=0.05)
    assert "in metres, by one known depth or size" in capsys.readouterr().out


def test_the_focal_length_of_a_camera_follows_the_turned_picture(photo, tmp_path):
    for turn, size in ((1, [120, 160]), (6, [160, 120])):
        picture, out = with_exif(photo, 27, turn), tmp_path / "a.json"
        assert run_here("lift", picture, "red", "-o", out, *FAKE) == 0
        record = json.loads(out.read_text())
        assert record["size"] == size
        assert record["camera"]["source"] == "exif"
        assert record["camera"]["focal_px"] == [120, 120]  # 27 / 36 of the longer side


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--focal-px", "0"), "--focal-px must be 1 to"),
        (("--focal-px", "-500"), "--focal-px must be 1 to"),
        (("--view-deg", "200"), "--view-deg must be 1 to 175"),
        (("--focal-px", "500", "--view-deg", "50"), "leave one of them out"),
        (("--known", "blue"), "WORD=METRES"),
        (("--known", "blue=0"), "WORD=METRES"),
        (("--known", "cat=2"), "'cat' of a known size was not found"),
        (("--depth-at", "1,2"), "--depth-at takes 3 numbers"),
        (("--depth-at", "999,5,2"), "outside the picture"),
        (("--depth-at", "9,5,-2"), "above 0 m"),
        (("--format", "plx"), "Did you mean 'ply'"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(photo, tmp_path, capsys, more, message):
    assert run_here("lift", photo, "red", "-o", tmp_path / "o", *FAKE, *more) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.rglob("photo.lifted*"))


def test_what_is_not_there_is_nothing_to_lift(photo, tmp_path, capsys):
    assert run_here("lift", photo, "cat", "-o", tmp_path / "cat.ply", *FAKE) == 2
    assert "nothing to lift" in capsys.readouterr().err
    assert not (tmp_path / "cat.ply").exists()
    assert run_here("lift", photo, *FAKE) == 2  # nothing says what is meant
    assert "nothing says what is meant" in capsys.readouterr().err


def test_an_input_is_never_replaced_and_one_file_is_for_one_picture(photo, tmp_path, capsys):
    before = photo.read_bytes()
    assert run_here("lift", photo, "red", "-o", photo, *FAKE) == 2
    assert photo.read_bytes() == before
    other = draw_lawn(tmp_path / "other.png")
    assert run_here("lift", photo, other, "red", "-o", tmp_path / "a.ply", *FAKE) == 2
    assert "2 pictures; give a folder" in capsys.readouterr().err


def test_a_file_of_another_kind_makes_no_folder(photo, tmp_path, capsys):
    assert run_here("lift", photo, "red", "-o", tmp_path / "red.stl", *FAKE) == 2
    assert "end in .json, .png, .html, .ply, .glb, .gif" in capsys.readouterr().err
    assert not (tmp_path / "red.stl").exists()
    assert run_here("lift", photo, "red", "-o", tmp_path / "a.ply", "-f", "glb", *FAKE) == 2
    assert "a.ply may hold ply; got glb; give --format ply" in capsys.readouterr().err
    assert run_here("lift", photo, "red", "-o", tmp_path / "a.ply", "-f", "ply,glb", *FAKE) == 2
    assert "one file, for 2 formats (ply, glb); give a folder" in capsys.readouterr().err
    assert not (tmp_path / "a.ply").exists()
    assert run_here("lift", photo, "red", "-o", tmp_path / "a.ply", "-f", "ply", *FAKE) == 0
    assert run_here("lift", photo, "red", "-o", tmp_path / "v1.2", "-f", "ply", *FAKE) == 0
    assert (tmp_path / "v1.2").is_dir()


def test_a_word_may_be_called_like_a_folder(photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("red").mkdir()
    assert run_here("lift", photo, "red", "-o", "red.ply", *FAKE) == 0


def test_a_folder_goes_on_where_it_was_stopped(tmp_path, capsys):
    pictures = [draw_lawn(tmp_path / f"in/{k}.png") for k in range(3)]
    plain = tmp_path / "in/plain.png"
    Pil.fromarray(np.full((20, 20, 3), 128, np.uint8)).save(plain)
    how = ("red", "-o", tmp_path / "o", "--format", "json", *FAKE)
    assert run_here("lift", tmp_path / "in", *how) == 5
    assert "3 done, 1 failed" in capsys.readouterr().err
    os.utime(pictures[0])
    assert run_here("lift", tmp_path / "in", *how) == 5
    assert "3 made before" in capsys.readouterr().err


def test_a_click_and_records_on_standard_output(photo, tmp_path):
    done = run_apart(
        "lift", photo, "--click", "45,60", "--json", "-o", tmp_path / "o", "-m", "fake"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["regions"][0]["points"] > 100
    assert "up to scale" in done.stderr


def test_the_python_door(photo):
    lifted = wordmask.lift(photo, "red", model="fake")
    assert not lifted.metric
    assert lifted.regions[0].name == "red"
    measured = wordmask.Measured(sizes=(("blue", 2.0),))
    assert wordmask.lift(photo, "red", measured=measured, model="fake").metric
    result = wordmask.segment(photo, "blue", model="fake")
    options = wordmask.LiftOptions(view_deg=60)
    assert (
        wordmask.lift(load(photo), result, model="fake", options=options).regions[0].name == "blue"
    )
    with pytest.raises(PromptError, match="nothing to lift"):
        wordmask.lift(photo, "cat", model="fake")
