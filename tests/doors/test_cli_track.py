"""`wordmask track` as people run it, on drawn videos and the engine that knows colours."""

import json
import os
import signal
import subprocess
import time

import cv2
import numpy as np
import pytest

from clips import packets, write_loud
from commands import RUN, load, names, run_apart, run_here, save
from drawing import disc
from moving_discs import SIZE, frame, write_discs
from wordmask.media import formats
from wordmask.media.video.read import frames, info
from wordmask.media.video.write import VideoSink


@pytest.fixture
def video(tmp_path):
    return write_discs(tmp_path / "discs.mp4")


@pytest.fixture
def folder(tmp_path):
    for k in range(6):
        save(tmp_path / "shots" / f"shot{k}.png", frame(k).pixels)
    return tmp_path / "shots"


def test_words(video, tmp_path, capsys):
    out = tmp_path / "out"
    assert run_here("track", video, "red disc", "blue disc,cat", "--model", "fake", "-o", out) == 0
    told = capsys.readouterr().out
    assert "1 red disc   frames 0-19" in told
    assert "2 blue disc   frames 0-7, 12-19" in told
    assert "not here: cat" in told
    assert names(out) == ["discs.tracks.jsonl", "discs.tracks.mp4"]
    results = formats.load(out / "discs.tracks.jsonl")
    assert len(results) == 20
    assert {word.phrase for word in results[9].absent} == {"cat", "blue disc"}
    seen = info(out / "discs.tracks.mp4")
    assert (seen.size, seen.fps) == (SIZE, 12)
    assert len(list(frames(out / "discs.tracks.mp4"))) == 20


def test_the_overlay_shows_the_object(video, tmp_path):
    run_here("track", video, "red disc", "--model", "fake", "-o", tmp_path / "out")
    shown = list(frames(tmp_path / "out/discs.tracks.mp4"))[10].image.pixels.astype(int)
    plain = frame(10, blue=False).pixels.astype(int)
    changed = np.abs(shown - plain).max(2)
    assert changed[disc(SIZE, (70, 30), 10)].mean() > 30
    assert changed[80:].mean() < 10


def test_the_overlay_sounds_like_the_video(tmp_path):
    source, out = write_loud(tmp_path / "loud.mp4"), tmp_path / "out"
    assert run_here("track", source, "blue disc", "--model", "fake", "-o", out) == 0
    made = out / "loud.tracks.mp4"
    assert [data for _, data in packets(made)] == [data for _, data in packets(source)]
    assert info(made).fps == info(source).fps == 10
    assert [one.time_s for one in frames(made)] == [one.time_s for one in frames(source)]


def test_a_folder_as_davis(folder, tmp_path):
    first = np.zeros(SIZE, np.uint8)
    first[disc(SIZE, (30, 30), 12)] = 4
    cv2.imwrite(str(tmp_path / "first.png"), first)
    out = tmp_path / "out"
    code = run_here(
        "track", folder, "--mask", f"0:{tmp_path}/first.png", "--format", "davis", "-o", out,
        "--model", "fake",
    )  # fmt: skip
    assert code == 0
    assert names(out) == [*[f"shot{k}.png" for k in range(6)], "shots.tracks.jsonl"]
    ids = cv2.imread(str(out / "shot5.png"), cv2.IMREAD_UNCHANGED)
    truth = disc(SIZE, (50, 30), 12)
    assert load(out / "shot5.png").any()
    assert ids.shape[:2] == SIZE
    assert (ids.reshape(*SIZE, -1).any(2) == truth).mean() > 0.99


def test_pictures_of_ids_replace_no_frame_and_no_strange_picture(folder, tmp_path, capsys):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    davis = ["red disc", "--model", "fake", "--format", "davis", "-o"]
    for overwrite in ([], ["--overwrite"]):
        assert run_here("track", str(folder), *davis, str(folder), *overwrite) == 2
        assert "write to another folder" in capsys.readouterr().err
    out = tmp_path / "out"
    out.mkdir()
    (out / "shot3.png").write_bytes(b"mine")
    assert run_here("track", str(folder), *davis, str(out)) == 2
    assert "shot3.png is there already" in capsys.readouterr().err
    assert (out / "shot3.png").read_bytes() == b"mine"
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_two_frames_of_one_name_have_no_picture_each(folder, tmp_path, capsys):
    save(folder / "shot3.jpg", frame(3).pixels)
    davis = ["red disc", "--model", "fake", "--format", "davis", "-o", str(tmp_path / "out")]
    assert run_here("track", str(folder), *davis) == 2
    assert "two frames are called shot3" in capsys.readouterr().err


def test_clicks_and_boxes_on_any_frame(video, tmp_path, capsys):
    code = run_here(
        "track", video, "--click", "0@9:30,30", "--click", "0:100,100,0",
        "--box", "3:140,70,176,108", "--model", "fake",
        "-o", tmp_path / "out", "--format", "jsonl",
    )  # fmt: skip
    assert code == 0
    told = capsys.readouterr().out
    assert "1 object   frames 3-7, 12-19" in told
    assert "9 object   frames 0-19" in told


def test_backward_from_a_late_frame_goes_on_after_a_kill(video, tmp_path, capsys):
    shown = ("--click", "15:90,30", "--box", "14:102,78,126,102", "--backward", "--model", "fake")
    assert run_here("track", video, *shown, "-o", tmp_path / "whole") == 0
    told = capsys.readouterr().out
    assert "1 object   frames 0-19" in told
    assert "2 object   frames 0-7, 12-19" in told
    lines = (tmp_path / "whole/discs.tracks.jsonl").read_bytes().splitlines(keepends=True)
    assert run_here("track", video, *shown, "-o", tmp_path / "cut") == 0
    for stop in (5, 17):
        (tmp_path / "cut/discs.tracks.jsonl").write_bytes(b"".join(lines[:stop]))
        assert run_here("track", video, *shown, "-o", tmp_path / "cut") == 0
        again = (tmp_path / "cut/discs.tracks.jsonl").read_bytes().splitlines(keepends=True)
        assert [json.loads(one) for one in again] == [json.loads(one) for one in lines]


def test_whole_videos_are_written_at_the_end(video, tmp_path):
    out = tmp_path / "out"
    names_of = ("--format", "ytvis", "--format", "mots", "--format", "timeline")
    assert run_here("track", video, "red disc", "--model", "fake", "-o", out, *names_of) == 0
    assert names(out) == [
        "discs.timeline.png", "discs.tracks.jsonl", "discs.tracks.mots.txt",
        "discs.tracks.ytvis.json",
    ]  # fmt: skip
    lines = formats.load(out / "discs.tracks.jsonl")
    for file in ("discs.tracks.mots.txt", "discs.tracks.ytvis.json"):
        again = formats.load(out / file)
        assert len(again) == 20
        assert (again[7].masks.dense() == lines[7].masks.dense()).all()
        assert again[7].track_ids.tolist() == [1]


def test_a_sheet_shows_each_object_from_first_to_last(video, tmp_path):
    out = tmp_path / "out"
    words = ("red disc", "blue disc")
    assert run_here("track", video, *words, "--model", "fake", "-o", out, "--format", "sheet") == 0
    assert names(out) == ["discs.sheet.png", "discs.tracks.jsonl"]
    sheet = load(out / "discs.sheet.png").astype(int)
    middle = sheet.shape[0] // 2
    redness = (sheet[..., 0] - sheet[..., 2] > 100).sum(1)
    assert redness[:middle].sum() > 20 * redness[middle:].sum()
    assert run_here("track", video, "cat", "--model", "fake", "-o", tmp_path / "none",
                    "--format", "sheet") == 0  # fmt: skip
    assert names(tmp_path / "none") == ["discs.tracks.jsonl"]


def test_cut_outs_with_transparency(folder, tmp_path):
    out = tmp_path / "out"
    kinds = [word for name in ("mov", "webm", "png") for word in ("--format", f"alpha-{name}")]
    assert run_here("track", folder, "red disc", "--model", "fake", "-o", out, *kinds) == 0
    assert names(out) == ["shots.alpha", "shots.alpha.mov", "shots.alpha.webm",
                          "shots.tracks.jsonl"]  # fmt: skip
    assert names(out / "shots.alpha") == [f"shot{k}.png" for k in range(6)]
    rgba = load(out / "shots.alpha/shot5.png")
    assert rgba.shape == (*SIZE, 4)
    assert rgba[disc(SIZE, (50, 30), 9)][:, 3].min() > 250
    assert rgba[~disc(SIZE, (50, 30), 16)].max() == 0
    assert len(list(frames(out / "shots.alpha.mov"))) == 6


def test_tracks_for_annotation_tools(video, tmp_path):
    out, kinds = tmp_path / "out", ("--format", "cvat", "--format", "lsvideo")
    assert (
        run_here("track", video, "red disc", "blue disc", "--model", "fake", "-o", out, *kinds) == 0
    )
    lines = formats.load(out / "discs.tracks.jsonl")
    polygons = formats.load(out / "discs.tracks.cvat.xml")
    boxes = formats.load(out / "discs.tracks.lsvideo.json")
    assert len(polygons) == len(boxes) == 20
    for line, polygon, box in zip(lines, polygons, boxes, strict=True):
        ids = np.argsort(line.track_ids)
        assert (
            line.masks[ids].dense() == polygon.masks[np.argsort(polygon.track_ids)].dense()
        ).all()
        assert (line.masks[ids].boxes == box.masks[np.argsort(box.track_ids)].boxes).all()


def test_json_on_stdout_is_a_line_a_frame(folder, tmp_path):
    ran = run_apart("track", folder, "red disc", "--model", "fake", "--json", "-o", tmp_path / "o")
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [line["frame"] for line in lines] == list(range(6))
    assert lines[0]["regions"][0]["track"] == 1
    assert "6 frames" in ran.stderr


def test_a_killed_run_goes_on_to_the_same_results(video, tmp_path):
    words = ("red disc", "blue disc", "--model", "fake")
    run_here("track", video, *words, "-o", tmp_path / "whole")
    whole = (tmp_path / "whole/discs.tracks.jsonl").read_bytes()
    run_here("track", video, *words, "-o", tmp_path / "cut")
    path = tmp_path / "cut/discs.tracks.jsonl"
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:7]) + lines[7][:50])
    (tmp_path / "cut/discs.tracks.mp4").unlink()
    assert run_here("track", video, *words, "-o", tmp_path / "cut") == 0
    again = [json.loads(line) for line in path.read_bytes().splitlines()]
    expected = [json.loads(line) for line in lines]
    assert [[r["track"] for r in a["regions"]] for a in again] == [
        [r["track"] for r in e["regions"]] for e in expected
    ]
    assert again == expected
    assert len(list(frames(tmp_path / "cut/discs.tracks.mp4"))) == 20


def test_a_killed_run_does_not_bring_back_what_was_given_up(tmp_path):
    video = tmp_path / "gone.mp4"
    with VideoSink(video, 12) as sink:
        for k in range(16):
            sink.write(frame(k % 4, blue=k < 2 or k > 9))
    words = ("blue disc", "--model", "fake", "--forget-after", "4", "--look-every", "0")
    run_here("track", video, *words, "-o", tmp_path / "whole")
    lines = (tmp_path / "whole/gone.tracks.jsonl").read_bytes().splitlines(keepends=True)
    run_here("track", video, *words, "-o", tmp_path / "cut")
    (tmp_path / "cut/gone.tracks.jsonl").write_bytes(b"".join(lines[:9]))
    assert run_here("track", video, *words, "-o", tmp_path / "cut") == 0
    again = (tmp_path / "cut/gone.tracks.jsonl").read_bytes().splitlines(keepends=True)
    assert again == lines
    assert b'"regions":[]' in lines[15].replace(b" ", b"")


def test_files_of_another_run_stay_unless_they_may_go(video, tmp_path, capsys):
    out = ("-o", tmp_path / "out", "--model", "fake")
    run_here("track", video, "red disc", *out)
    before = (tmp_path / "out/discs.tracks.jsonl").read_bytes()
    assert run_here("track", video, "blue disc", *out) == 2
    assert "is there already, and another run made it" in capsys.readouterr().err
    assert (tmp_path / "out/discs.tracks.jsonl").read_bytes() == before
    assert run_here("track", video, "blue disc", *out, "--overwrite") == 0


def start_long_run(tmp_path):
    """A run over 240 frames, of which five are written."""
    for k in range(240):
        save(tmp_path / "long" / f"{k:04d}.png", frame(k % 30).pixels)
    arguments = ["track", tmp_path / "long", "red disc", "--model", "fake", "-o", tmp_path / "out"]
    process = subprocess.Popen(
        [*RUN, *map(str, arguments)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    lines = tmp_path / "out/long.tracks.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if lines.exists() and lines.read_bytes().count(b"\n") >= 5:
            break
        time.sleep(0.05)
    return process, arguments


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_leaves_a_video_that_plays(tmp_path):
    process, _ = start_long_run(tmp_path)
    process.send_signal(signal.SIGINT)
    told, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "stopped" in errors
    assert "1 red disc" in told
    played = len(list(frames(tmp_path / "out/long.tracks.mp4")))
    assert 4 <= played <= len(formats.load(tmp_path / "out/long.tracks.jsonl")) < 240


def test_a_killed_run_leaves_nothing_half_written(tmp_path):
    process, arguments = start_long_run(tmp_path)
    process.kill()
    process.communicate(timeout=120)
    hidden = list((tmp_path / "out").glob(".*.part*"))
    assert len(hidden) == 1
    assert run_here(*arguments) == 0
    assert list((tmp_path / "out").glob(".*")) == []
    assert len(list(frames(tmp_path / "out/long.tracks.mp4"))) == 240


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to follow: give words, or show an object"),
        (["--click", "30,30"], "--click takes FRAME:..."),
        (["--click", "0:30,30,0"], "says what is not meant before anything is"),
        (["--click", "0:30"], "--click takes 2 or 3 numbers"),
        (["--click", "0:900,30"], "outside the picture"),
        (["--box", "99:1,1,9,9"], "shown in frame 99, but there are only frames 0 to 19"),
        (["red", "--format", "davis"], "pictures of ids need a folder of their own"),
        (["red", "--format", "gif"], "format must be"),
        (["red", "-o", "a.gif"], "which end in .mp4, .mov, .mkv, .webm, .png, .jsonl"),
        (
            ["red", "-o", "a.mp4", "-f", "timeline"],
            "hold overlay or cutout; got timeline",
        ),
        (["red", "-o", "a.mp4", "-f", "jsonl"], "a.mp4 may hold overlay or cutout; got jsonl"),
        (["red", "-o", "a.mp4", "-f", "overlay,cutout"], "one file, for 2 formats"),
        (["red", "-o", "discs.mp4"], "discs.mp4 is the video that is read"),
    ],
)
def test_wrong_use_is_a_sentence(video, arguments, message, monkeypatch, capsys):
    monkeypatch.chdir(video.parent)
    assert run_here("track", video, *arguments, "--model", "fake") == 2
    assert message in capsys.readouterr().err
    assert names(video.parent) == ["discs.mp4"]


def test_one_file_is_what_its_suffix_says(folder, tmp_path, capsys):
    how, out = ("track", folder, "red disc", "--model", "fake", "-o"), tmp_path / "out"
    (tmp_path / "out").mkdir()
    (out / "seen.mp4").write_bytes(b"an earlier one")
    assert run_here(*how, out / "seen.mp4") == 0
    assert str(out / "seen.mp4") in capsys.readouterr().out
    assert len(list(frames(out / "seen.mp4"))) == 6
    assert run_here(*how, out / "who.png", "-f", "timeline") == 0
    assert run_here(*how, out / "red.jsonl") == 0
    assert len(formats.load(out / "red.jsonl")) == 6
    assert names(out) == [
        "red.jsonl", "seen.mp4", "seen.tracks.jsonl", "who.png", "who.tracks.jsonl"
    ]  # fmt: skip
    (out / "folder.mp4").mkdir()
    assert run_here(*how, out / "folder.mp4", "-f", "jsonl") == 0
    assert names(out / "folder.mp4") == ["shots.tracks.jsonl"]


def test_a_frame_that_is_not_there_is_told_before_work(video, tmp_path, capsys):
    shown = ("--click", "0:30,30", "--click", "20:30,30", "--model", "fake")
    assert run_here("track", video, *shown, "-o", tmp_path / "out") == 2
    assert "only frames 0 to 19" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
