"""`wordmask effect` and `wordmask edit remove` on videos, with the engine that knows colours."""

import os
import signal
import subprocess
import time

import numpy as np
import pytest

from clips import UnpluggedCamera, packets, write_loud
from commands import RUN, names, run_here, save
from drawing import disc
from wordmask.core.image import Image
from wordmask.doors.cli import main
from wordmask.media.video.read import frames, info
from wordmask.media.video.write import VideoSink
from wordmask.tasks.effects.table import EFFECTS
from wordmask.tasks.tracking.live import LiveTracker

SIZE = (120, 200)
RED = (230, 10, 10)


def ground(k):
    """A grey wall of many shades, along which the camera pans a pixel a frame."""
    rng = np.random.default_rng(3)
    wall = rng.integers(60, 200, (SIZE[0] // 6, 60), dtype=np.uint8)
    wall = np.kron(wall, np.ones((6, 6), np.uint8))[:, k : k + SIZE[1]]
    return np.repeat(wall[..., None], 3, 2)


def frame(k, there=True):
    """A red disc that crosses the wall."""
    pixels = ground(k)
    if there:
        pixels[disc(SIZE, (30 + 6 * k, 60), 14)] = RED
    return Image(np.ascontiguousarray(pixels))


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "wall.mp4"
    with VideoSink(path, 12) as sink:
        for k in range(16):
            sink.write(frame(k, there=k < 14))
    return path


def pixels_of(path):
    return [one.image.pixels.astype(int) for one in frames(path)]


def redness(pixels):
    return (pixels[..., 0] - pixels[..., 1:].max(2)).max()


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_takes_videos(video, tmp_path, name):
    laid = ("--colour", "blue") if name == "recolour" else ()
    if name == "overlay":
        save(tmp_path / "hat.png", np.full((20, 20, 3), 255, np.uint8))
        laid = ("--picture", tmp_path / "hat.png")
    out = tmp_path / "o"
    assert run_here("effect", name, video, "--prompt", "red", *laid, "-m", "fake", "-o", out) == 0
    assert names(out) == [f"wall.{name}.mp4"]
    made, before = pixels_of(out / f"wall.{name}.mp4"), pixels_of(video)
    assert len(made) == 16
    assert info(out / f"wall.{name}.mp4").fps == 12
    assert np.abs(made[5] - before[5]).max() > 40
    if name != "sticker":
        assert np.abs(made[15] - before[15]).mean() < 4


def test_removal_shows_what_other_frames_show(video, tmp_path, capsys):
    clean = tmp_path / "clean.mp4"
    how = ("--prompt", "red", "-m", "fake", "-o", clean)
    assert run_here("edit", "remove", video, *how) == 0
    told = capsys.readouterr().out
    assert "remove: 16 frames" in told
    assert "1 red   frames 0-13" in told
    assert str(clean) in told
    for k, pixels in enumerate(pixels_of(clean)):
        assert redness(pixels) < 60
        hole = disc(SIZE, (30 + 6 * k, 60), 12)
        assert np.abs(pixels - ground(k))[hole].mean() < 12


def test_sound_is_kept(tmp_path):
    source = write_loud(tmp_path / "loud.mp4", count=15)
    out = tmp_path / "blurred.mkv"
    assert run_here("effect", "blur", source, "--prompt", "blue", "-m", "fake", "-o", out) == 0
    assert [data for _, data in packets(out)] == [data for _, data in packets(source)]


def test_a_click_means_the_thing_in_every_frame(video, tmp_path):
    out = tmp_path / "o.mp4"
    how = ("--click", "30,60", "-m", "fake", "-o", out)
    assert run_here("effect", "recolour", video, "--colour", "blue", *how) == 0
    red, _, blue = pixels_of(out)[10][60, 90]
    assert blue > red + 60


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        (("edit", "remove", "VIDEO", "--prompt", "cat"), 2, "is meant (cat: best"),
        (("edit", "replace", "VIDEO", "--prompt", "red", "--edit-prompt", "a"), None, "flickers"),
        (("edit", "remove", "VIDEO", "PICTURE", "--prompt", "red"), 2, "give one kind"),
        (("edit", "remove", "VIDEO", "--result", "PICTURE"), 2, "named, clicked or boxed"),
        (("edit", "remove", "VIDEO"), 2, "nothing to follow"),
    ],
)
def test_what_cannot_be_is_told_and_leaves_no_file(video, tmp_path, capsys, command, code, says):
    out = tmp_path / "o"
    (tmp_path / "a.png").write_bytes(b"")
    given = {"VIDEO": video, "PICTURE": tmp_path / "a.png"}
    got = run_here(*(given.get(word, word) for word in command), "-m", "fake", "-o", out)
    assert got == code if code is not None else got != 0
    assert says in capsys.readouterr().err
    assert not out.exists() or names(out) == []


def test_files_stay(video, tmp_path, capsys):
    how = ("effect", "glow", video, "--prompt", "red", "-m", "fake", "-o")
    before = video.read_bytes()
    assert run_here(*how, video) == 2
    assert "is read" in capsys.readouterr().err
    assert video.read_bytes() == before
    (tmp_path / "o").mkdir()
    (tmp_path / "o/wall.glow.mp4").write_bytes(b"mine")
    assert run_here(*how, tmp_path / "o") == 2
    assert (tmp_path / "o/wall.glow.mp4").read_bytes() == b"mine"
    assert run_here(*how, tmp_path / "o", "--overwrite") == 0
    assert len(pixels_of(tmp_path / "o/wall.glow.mp4")) == 16


def test_a_folder_is_a_video_where_that_is_said(tmp_path):
    for k in range(6):
        save(tmp_path / "shots" / f"{k}.png", frame(k).pixels)
    how = ("effect", "glow", tmp_path / "shots", "--prompt", "red", "-m", "fake", "-o")
    assert run_here(*how, tmp_path / "video", "--as-video") == 0
    assert names(tmp_path / "video") == ["shots.glow.mp4"]
    assert len(pixels_of(tmp_path / "video/shots.glow.mp4")) == 6
    assert run_here(*how, tmp_path / "pictures") == 0
    assert "0.glow.png" in names(tmp_path / "pictures")


def test_effects_on_the_camera(tmp_path, monkeypatch, capsys):
    camera = UnpluggedCamera([frame(k).pixels for k in range(8)], 0.1)
    monkeypatch.setattr("cv2.VideoCapture", lambda index: camera)
    out = tmp_path / "o"
    assert run_here("effect", "glow", "camera:0", "--prompt", "red", "-m", "fake", "-o", out) == 2
    assert "is it unplugged" in capsys.readouterr().err
    assert names(out) == ["camera-0.glow.mp4"]
    made = list(frames(out / "camera-0.glow.mp4"))
    assert made[1].time_s > 0.05


class KilledError(Exception):
    """Stands for a kill: nothing is tidied up."""


def test_a_killed_edit_does_not_look_again_for_what_it_had_found(video, tmp_path, monkeypatch):
    out, looked = tmp_path / "o", []
    how = ("effect", "glow", video, "--prompt", "red", "-m", "fake", "-o")
    step = LiveTracker.step

    def counting(self, *arguments):
        looked.append(self.frames)
        if len(looked) == 9:
            raise KilledError
        return step(self, *arguments)

    drawn, write = [], VideoSink.write  # what the encoder makes of it may differ from run to run

    def noting(sink, picture, *at):
        drawn.append(sink._pixels_of(picture))
        write(sink, picture, *at)

    monkeypatch.setattr(VideoSink, "write", noting)
    assert run_here(*how, tmp_path / "whole") == 0
    whole = drawn.copy()
    monkeypatch.setattr(LiveTracker, "step", counting)
    with pytest.raises(KilledError):
        main([str(word) for word in (*how, out)])
    assert [path.name for path in out.glob(".*")] == [".wall.glow.mp4.frames"]
    assert run_here(*how, out) == 0
    assert looked[9:] == list(range(8, 16))
    assert [path.name for path in out.iterdir()] == ["wall.glow.mp4"]
    assert len(pixels_of(out / "wall.glow.mp4")) == len(whole) == 16
    assert np.array_equal(drawn[-16:], whole)


@pytest.mark.skipif(os.name == "nt", reason="interrupts are sent otherwise there")
def test_an_interrupt_leaves_a_video_that_plays(tmp_path):
    video, out = tmp_path / "long.mp4", tmp_path / "o"
    rng = np.random.default_rng(0)
    with VideoSink(video, 12) as sink:
        for k in range(300):
            pixels = np.zeros((*SIZE, 3), np.uint8)
            pixels[..., 1] = rng.integers(160, 255, SIZE)  # all green, and fills the file quickly
            pixels[disc(SIZE, (30 + k % 100, 60), 14)] = RED
            sink.write(pixels)
    command = [*RUN, "effect", "glow", video, "--prompt", "red", "-m", "fake", "-o", out]
    running = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE)
    with running:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and running.poll() is None:
            if any(part.stat().st_size > 20_000 for part in out.glob(".*.mp4")):
                break
            time.sleep(0.05)
        written = names(out)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert written == []
    assert 0 < len(pixels_of(out / "long.glow.mp4")) < 300


@pytest.mark.parametrize("command", [("effect", "blur"), ("edit", "remove")])
def test_two_videos_do_not_go_into_one_file(video, tmp_path, capsys, command):
    other = tmp_path / "other.mp4"
    other.write_bytes(video.read_bytes())
    typed = tmp_path / "clean.mp4"
    target = ["--prompt", "red disc", "--model", "fake", "-o", str(typed)]
    assert run_here(*command, str(video), str(other), *target) == 2
    assert "2 videos would be written to it" in capsys.readouterr().err
    assert not typed.exists()


def test_a_video_is_no_gif(video, tmp_path, capsys):
    how = ("effect", "blur", video, "--prompt", "red", "-m", "fake", "-o", tmp_path / "a.gif")
    assert run_here(*how) == 2
    assert "which end in .mp4, .mov, .mkv, .webm" in capsys.readouterr().err
    assert not (tmp_path / "a.gif").exists()
