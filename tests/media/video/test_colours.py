"""Colours, transparency and uneven times of frames survive being written."""

import numpy as np
import pytest

from clips import write_phone
from wordmask.errors import ImageError
from wordmask.media.video.colours import BT709, Colours
from wordmask.media.video.read import frames, info
from wordmask.media.video.write import ENCODERS, AlphaSink, VideoSink

av = pytest.importorskip("av", reason="videos need the extra `video`")

KINDS = {
    "HD": BT709,
    "HD, full range": Colours(1, 2, 1, 1),
    "SD": Colours(6, 1, 6, 6),
    "phone HDR": Colours(9, 1, 9, 18),
    "untagged": Colours(),
}


@pytest.mark.parametrize("suffix", ENCODERS)
@pytest.mark.parametrize("name", KINDS)
def test_a_video_says_how_its_colours_are_meant(tmp_path, suffix, name):
    path, colours = tmp_path / f"a{suffix}", KINDS[name]
    with VideoSink(path, 10, colours=colours) as sink:
        for _ in range(3):
            sink.write(np.full((40, 64, 3), (200, 40, 90), np.uint8))
    read = info(path).colours
    assert read[:2] == colours[:2] or (name == "untagged" and read.range in (0, 1))
    assert read.primaries == colours.primaries
    pixel = next(frames(path)).image.pixels[20, 32]
    assert np.abs(pixel.astype(int) - (200, 40, 90)).max() < 6


def draw_half_clear():
    """Red; the left half cannot be seen, a column in the middle is half clear."""
    rgba = np.zeros((40, 64, 4), np.uint8)
    rgba[:, 32:] = (220, 30, 30, 255)
    rgba[:, 28:32] = (220, 30, 30, 128)
    return rgba


@pytest.mark.parametrize("suffix", [".mov", ".webm"])
def test_transparency_comes_back(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    with AlphaSink(path, 10) as sink:
        for _ in range(3):
            sink.write(draw_half_clear())
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder = stream.codec_context
        if suffix == ".webm":
            decoder = av.CodecContext.create("libvpx-vp9", "r")
        decoded = [one for packet in container.demux(stream) for one in decoder.decode(packet)]
        rgba = decoded[0].to_ndarray(format="rgba").astype(int)
    assert len(decoded) == 3
    assert np.abs(rgba[..., 3] - draw_half_clear()[..., 3])[:, [4, 20, 40, 60]].max() < 6
    assert np.abs(rgba[20, 50] - (220, 30, 30, 255)).max() < 8


def test_frames_without_transparency_are_no_cut_outs(tmp_path):
    with (
        pytest.raises(ImageError, match=r"\(H, W, 4\) uint8"),
        AlphaSink(tmp_path / "a.mov", 10) as sink,
    ):
        sink.write(np.zeros((4, 4, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_uneven_times_are_kept(tmp_path, suffix):
    times = [0.0, 0.031, 0.072, 0.1, 0.25, 0.2605, 0.9]
    with VideoSink(tmp_path / f"a{suffix}", 30) as sink:
        for time_s in times:
            sink.write(np.zeros((40, 64, 3), np.uint8), time_s)
    read = [frame.time_s for frame in frames(tmp_path / f"a{suffix}")]
    assert read == pytest.approx(times, abs=0.0006)


def test_a_phones_video_is_upright_with_its_times(tmp_path):
    path, times = write_phone(tmp_path / "phone.mp4")
    read = list(frames(path))
    assert info(path).size == read[0].image.size == (64, 40)
    assert info(path).frames == len(times)
    assert [frame.time_s for frame in read] == pytest.approx(times, abs=0.0001)
    assert info(path).colours[:3] == (1, 2, 1)
