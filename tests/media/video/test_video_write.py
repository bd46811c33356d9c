"""Videos out: whole or not at all."""

import subprocess
import sys

import numpy as np
import pytest

from clips import clip, write_clip
from wordmask.errors import FormatError, ImageError, OptionError, OutputError
from wordmask.media.video.read import frames, info
from wordmask.media.video.write import ENCODERS, VideoSink

av = pytest.importorskip("av", reason="videos need the extra `video`")


def test_odd_sides_get_one_more_row_and_column(tmp_path):
    path = write_clip(tmp_path / "odd.mp4", size=(41, 63))
    assert info(path).size == (42, 64)
    frame = list(frames(path))[-1].image.pixels
    assert np.abs(frame[41].astype(int) - frame[40]).max() < 20


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_failure_while_writing_leaves_no_file(error, tmp_path):
    def fail() -> None:
        with VideoSink(tmp_path / "a.mp4", 25) as sink:
            sink.write(next(clip()))
            raise error

    with pytest.raises(error):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_video_without_frames_is_no_video(tmp_path):
    with (
        pytest.raises(OutputError, match="no frame was written"),
        VideoSink(tmp_path / "a.mp4", 25),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_frames_of_another_size_are_refused(tmp_path):
    def two_sizes() -> None:
        with VideoSink(tmp_path / "a.mp4", 25) as sink:
            sink.write(np.zeros((40, 64, 3), np.uint8))
            sink.write(np.zeros((64, 40, 3), np.uint8))

    with pytest.raises(ImageError, match=r"frame 1 is \(64, 40\), the first was \(40, 64\)"):
        two_sizes()
    assert list(tmp_path.iterdir()) == []


def test_sinks_that_cannot_be(tmp_path, monkeypatch):
    with pytest.raises(FormatError, match=r"'\.mp5'.*Did you mean '\.mp4'"):
        VideoSink("a.mp5", 25)
    for fps in (0, -1, 5000):
        with pytest.raises(OptionError, match="frames per second"):
            VideoSink("a.mp4", fps)
    monkeypatch.setitem(ENCODERS, ".webm", ("no such encoder",))
    with pytest.raises(FormatError, match=r"cannot write \.webm"):
        write_clip(tmp_path / "a.webm")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_clip(tmp_path / "file" / "a.mp4")


def test_a_picture_that_the_encoder_refuses_is_an_output_error(tmp_path):
    with pytest.raises((OutputError, ImageError)):
        write_clip(tmp_path / "a.webm", size=(2, 70_000), count=1)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_video(tmp_path):
    """This process may write 3,000 bytes a file; the frames are noise, which needs more."""
    pytest.importorskip("resource", reason="limits of a process are Unix's")
    code = f"""
import resource
import numpy as np
from wordmask.errors import OutputError
from wordmask.media.video.write import VideoSink
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))
noise = np.random.default_rng(0)
try:
    with VideoSink({str(tmp_path / "a.mp4")!r}, 25) as sink:
        for _ in range(30):
            sink.write(noise.integers(0, 255, (64, 64, 3), np.uint8))
except OutputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "a.mp4" in done.stdout
    assert list(tmp_path.iterdir()) == []
