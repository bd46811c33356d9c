"""`wordmask scene` as a person runs it."""

import json

import numpy as np
import pytest

from commands import run_here
from wordmask.media.video.write import VideoSink

pytest.importorskip("av", reason="videos need the extra `video`")


def write_drive(path, count=4):
    with VideoSink(path, 10) as sink:
        for k in range(count):
            pixels = np.full((90, 160, 3), 255, np.uint8)
            pixels[45:] = 120
            pixels[30:60, 60 + k : 100 + k] = (220, 20, 20)
            sink.write(pixels)
    return path


@pytest.fixture
def drive(tmp_path):
    return write_drive(tmp_path / "drive.mp4")


def test_lines_and_overlay(drive, tmp_path, capsys):
    lines, video = tmp_path / "out.jsonl", tmp_path / "out.mp4"
    far = ("--camera-height", "1.5", "--focal-px", "200", "--markings")
    assert run_here("scene", drive, "-m", "fake", "-o", lines, "--overlay", video, *far) == 0
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [row["frame"] for row in rows] == [0, 1, 2, 3]
    assert rows[0]["size"] == [90, 160]
    assert set(rows[0]) >= {"objects", "free", "counts", "crossings", "warnings", "markings"}
    assert len(rows[0]["free"]["rows"]) == len(rows[0]["free"]["metres"]) == 32
    assert video.stat().st_size > 0
    told = capsys.readouterr().out
    assert "4 frames" in told
    assert run_here("scene", drive, "-m", "fake", "-o", lines) == 2  # it is there already
    assert "--overwrite" in capsys.readouterr().err


def test_one_frame_is_a_drive(tmp_path, capsys):
    drive = write_drive(tmp_path / "one.mp4", 1)
    assert run_here("scene", drive, "-m", "fake", "-o", tmp_path / "one.jsonl") == 0
    (row,) = map(json.loads, (tmp_path / "one.jsonl").read_text().splitlines())
    assert all(thing["contact_s"] is None for thing in row["objects"])
    assert "1 frames" in capsys.readouterr().out


def test_a_folder_of_drives_and_one_that_is_none(drive, tmp_path, capsys):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    code = run_here("scene", tmp_path, "--drives", "-m", "fake", "-o", tmp_path / "out")
    told = capsys.readouterr()
    assert code == 5
    assert "drive.mp4   4 frames" in told.out
    assert "bad.mp4" in told.err
    assert (tmp_path / "out/drive.scene.jsonl").is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--line", "1,2"], "four numbers"),
        (["--camera-height", "1.5"], "--focal-px"),
        (["--ray"], "a folder of drives"),
        (["-o", "a.mp4"], "ends in .jsonl; got a.mp4; give --overlay a.mp4"),
        (["-o", "."], "ends in .jsonl; got .; give --output scene.jsonl"),
    ],
)
def test_wrong_use_is_told_in_a_line(drive, monkeypatch, capsys, arguments, told):
    monkeypatch.chdir(drive.parent)
    assert run_here("scene", drive, "-m", "fake", *arguments) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["-o", "a.jsonl"], 2, "no folder that is there; give --output FOLDER"),
        (["-o", "plain"], 4, "plain is a file, so it cannot be the folder; give --output"),
        (["-o", "out", "--overlay", "a.mp4"], 2, "an overlay is drawn of one drive"),
    ],
)
def test_drives_need_a_folder(drive, monkeypatch, capsys, arguments, code, told):
    monkeypatch.chdir(drive.parent)
    (drive.parent / "plain").write_text("mine")
    assert run_here("scene", ".", "--drives", "-m", "fake", *arguments) == code
    assert told in capsys.readouterr().err
    assert {path.name for path in drive.parent.iterdir()} == {drive.name, "plain"}


def test_an_empty_folder_of_drives(tmp_path, capsys):
    assert run_here("scene", tmp_path, "--drives", "-m", "fake") == 2
    assert "holds no videos" in capsys.readouterr().err
