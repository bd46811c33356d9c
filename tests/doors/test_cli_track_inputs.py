"""`wordmask track` on all that gives frames: pipes, phones, cameras, addresses, broken files."""

import cv2
import numpy as np
import pytest

from clips import UnpluggedCamera, write_phone
from commands import names, run_apart, run_here
from drawing import disc
from moving_discs import RED, SIZE, frame, write_discs
from wordmask.media import formats
from wordmask.media.video.read import frames, info
from wordmask.media.video.write import VideoSink

av = pytest.importorskip("av", reason="videos need the extra `video`")


@pytest.fixture
def video(tmp_path):
    return write_discs(tmp_path / "discs.mp4")


def test_a_phones_video_keeps_its_times_colours_and_right_way_up(tmp_path):
    source, times = write_phone(tmp_path / "phone.mp4")
    out = tmp_path / "out"
    cut = ("--format", "cutout", "--format", "overlay", "--background", "blue")
    assert run_here("track", source, "red", "--model", "fake", "-o", out, *cut) == 0
    for file in ("phone.tracks.mp4", "phone.cutout.mp4"):
        made = list(frames(out / file))
        assert [frame.time_s for frame in made] == pytest.approx(times, abs=0.0001)
        assert made[0].image.size == (64, 40)
        assert info(out / file).colours == info(source).colours
    before, after = (
        list(frames(one))[5].image.pixels for one in (source, out / "phone.cutout.mp4")
    )
    y, x = np.argwhere(before[..., 0] > 150).mean(0).astype(int)
    assert np.abs(after[y, x].astype(int) - before[y, x]).max() < 40
    assert after[2, 2, 2] > 200
    assert after[2, 2, 0] < 60


def test_a_video_from_a_pipe(video, tmp_path):
    ran = run_apart(
        "track", "-", "red disc", "--model", "fake", "-o", tmp_path / "o", "--format", "sheet",
        stdin=video.read_bytes(),
    )  # fmt: skip
    assert ran.returncode == 0
    assert b"1 red disc   frames 0-19" in ran.stdout
    assert names(tmp_path / "o") == ["stdin.sheet.png", "stdin.tracks.jsonl"]
    assert formats.load_named(tmp_path / "o/stdin.tracks.jsonl")[3].name == "stdin#3"


def test_a_camera_that_is_unplugged_leaves_what_it_showed(tmp_path, monkeypatch, capsys):
    camera = UnpluggedCamera([frame(k).pixels for k in range(9)], 0.05)
    monkeypatch.setattr(cv2, "VideoCapture", lambda index: camera)
    out, kinds = tmp_path / "o", ("--format", "overlay", "--format", "timeline")
    assert run_here("track", "camera:0", "red disc", "--model", "fake", "-o", out, *kinds) == 2
    told = capsys.readouterr()
    assert "1 red disc   frames 0-" in told.out
    assert "camera 0 gives no more frames after 9; is it unplugged?" in told.err
    assert names(out) == ["camera-0.timeline.png", "camera-0.tracks.jsonl", "camera-0.tracks.mp4"]
    made = list(frames(out / "camera-0.tracks.mp4"))
    assert len(made) == len(formats.load(out / "camera-0.tracks.jsonl")) > 1


def test_a_video_that_breaks_off_leaves_what_came_before(tmp_path, caplog):
    video = tmp_path / "cut.mkv"
    noise = np.random.default_rng(0)
    with VideoSink(video, 12) as sink:
        for k in range(36):
            pixels = noise.integers(0, 90, (*SIZE, 3), dtype=np.uint8)
            pixels[disc(SIZE, (30 + k, 30), 12)] = RED
            sink.write(pixels)
    data = video.read_bytes()
    at = len(data) // 2
    video.write_bytes(data[:at] + bytes(len(data) - at))
    kinds = [word for name in ("overlay", "sheet", "mots") for word in ("--format", name)]
    out, kinds = tmp_path / "o", [*kinds, "--look-every", "0"]
    assert run_here("track", video, "red disc", "--model", "fake", "-o", out, *kinds) == 0
    lines = formats.load(out / "cut.tracks.jsonl")
    assert 1 < len(lines) < 36
    assert "lasts 3.0 s, but its frames end after" in caplog.text
    assert len(list(frames(out / "cut.tracks.mp4"))) == len(lines)
    assert names(out) == ["cut.sheet.png", "cut.tracks.jsonl", "cut.tracks.mots.txt",
                          "cut.tracks.mp4"]  # fmt: skip


def test_a_video_without_a_frame(tmp_path, capsys):
    empty = tmp_path / "empty.mp4"
    with av.open(str(empty), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height = 64, 40
        container.start_encoding()
    assert run_here("track", empty, "red", "--model", "fake", "-o", tmp_path / "o") == 2
    assert "empty.mp4 holds no" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_an_address_is_opened_only_where_that_is_asked_for(tmp_path, capsys):
    told = ("track", "rtsp://me:secret@127.0.0.1:9/live", "red", "--model", "fake", "-o", tmp_path)
    assert run_here(*told) == 2
    errors = capsys.readouterr().err
    assert "--web" in errors
    assert "secret" not in errors


def test_a_camera_that_is_not_there(tmp_path, capsys):
    assert run_here("track", "camera:77", "red", "--model", "fake", "-o", tmp_path) == 2
    assert "there is no camera 77" in capsys.readouterr().err
    assert names(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"no video at all"])
def test_a_file_that_is_no_video(tmp_path, content, capsys):
    (tmp_path / "a.mp4").write_bytes(content)
    assert run_here("track", tmp_path / "a.mp4", "red", "--model", "fake") == 2
    assert "a.mp4 is no video by its content" in capsys.readouterr().err
