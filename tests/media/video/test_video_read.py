"""Videos: frames with their times, upright, within limits; playlists open nothing."""

import os
import struct
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from clips import clip, write_clip
from wordmask.errors import ImageError, MissingExtraError
from wordmask.media.reading.limits import VideoLimits
from wordmask.media.video.read import frames, info, sniff
from wordmask.media.video.write import ENCODERS

av = pytest.importorskip("av", reason="videos need the extra `video`")


@pytest.fixture(scope="module")
def mp4(tmp_path_factory) -> Path:
    return write_clip(tmp_path_factory.mktemp("video") / "a.mp4")


@pytest.mark.parametrize("suffix", ENCODERS)
def test_frames_come_back_in_order_with_their_times(suffix, tmp_path):
    path = write_clip(tmp_path / f"a{suffix}")
    read = list(frames(path))
    assert [frame.index for frame in read] == list(range(6))
    assert [frame.time_s for frame in read] == pytest.approx(
        [0, 0.1, 0.2, 0.3, 0.4, 0.5], abs=0.002
    )
    for frame, pixels in zip(read, clip(), strict=True):
        assert np.abs(frame.image.pixels[4:16].astype(int) - pixels[4:16]).mean() < 6
        assert frame.image.name == f"{path}#{frame.index}"
    assert info(path).size == (40, 64)
    assert info(path).fps == pytest.approx(10)
    assert info(path).seconds == pytest.approx(0.6, abs=0.11)


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".avi", "mpeg4"), (".ts", "mpeg2video"), (".mpg", "mpeg1video"), (".flv", "flv")],
)
def test_other_containers_are_read_too(suffix, kind, tmp_path):
    path = tmp_path / f"a{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(kind, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 40, "yuv420p"
        for pixels in clip():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    assert [frame.image.size for frame in frames(path)] == [(40, 64)] * 6


# The matrix in an MP4's track header: where (x, y) is shown.
@pytest.mark.parametrize(
    ("matrix", "size", "red_at"),
    [
        pytest.param((1, 0, 0, 1), (40, 64), (5, 32), id="upright"),
        pytest.param((0, 1, -1, 0), (64, 40), (32, 35), id="a quarter clockwise"),
        pytest.param((-1, 0, 0, -1), (40, 64), (35, 32), id="upside down"),
        pytest.param((0, -1, 1, 0), (64, 40), (32, 5), id="a quarter counter-clockwise"),
    ],
)
def test_a_video_filmed_sideways_reads_upright(matrix, size, red_at, mp4, tmp_path):
    data = bytearray(mp4.read_bytes())
    a, b, c, d = (65536 * number for number in matrix)
    struct.pack_into(">9i", data, data.index(b"tkhd") + 44, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path = tmp_path / "turned.mp4"
    path.write_bytes(data)
    last = list(frames(path))[-1].image
    assert last.size == size == info(path).size
    assert last.pixels[red_at][0] > 150


def test_frames_are_decoded_as_they_are_asked_for_and_the_file_is_closed(mp4):
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    some = frames(mp4)
    assert [frame.index for frame in islice(some, 2)] == [0, 1]
    some.close()
    if before:
        assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (VideoLimits(max_bytes=100), "set max_bytes="),
        (VideoLimits(max_seconds=0.2), "longer than 0.2 s"),
        (VideoLimits(max_pixels=40 * 64 - 1), r"frames of 64 x 40 .*set max_pixels="),
    ],
)
def test_limits_of_videos_are_checked_before_decoding(limits, said, mp4):
    with pytest.raises(ImageError, match=said):
        next(frames(mp4, limits))


def test_a_header_that_lies_about_the_length_is_found_out(mp4, tmp_path):
    data = bytearray(mp4.read_bytes())
    for box, at in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        struct.pack_into(">I", data, data.index(box) + at, 1)
    path = tmp_path / "short.mp4"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=r"longer than 0\.3 s"):
        list(frames(path, VideoLimits(max_seconds=0.3)))


PLAYLISTS = {
    "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///SECRET\n"
    b"#EXTINF:9,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n",
    "concat": b"ffconcat version 1.0\nfile '/SECRET'\nfile 'http://127.0.0.1:9/x.mp4'\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">'
    b"<BaseURL>file:///SECRET</BaseURL></MPD>",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
    "asx": b"<asx><entry><ref href='file:///SECRET'/></entry></asx>",
}


@pytest.mark.parametrize("name", PLAYLISTS)
@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".avi"])
def test_playlists_are_refused_and_nothing_else_is_opened(name, suffix, mp4, tmp_path):
    opened: list[str] = []
    path = tmp_path / f"list{suffix}"
    path.write_bytes(PLAYLISTS[name].replace(b"/SECRET", str(mp4).encode()))
    with watching(opened), pytest.raises(ImageError, match="no video by its content"):
        next(frames(path))
    assert [one for one in opened if not one.endswith(path.name)] == []


class watching:  # noqa: N801  reads as a word in `with watching(...)`
    """Collects the paths and addresses that Python, but not FFmpeg, opens meanwhile."""

    # An audit hook cannot be removed, so there is one for all.
    live: list[list[str]] = []  # noqa: RUF012  shared on purpose

    def __init__(self, into: list[str]) -> None:
        self.into = into
        if not self.live:
            sys.addaudithook(self._hear)
            self.live.append([])

    def __enter__(self) -> None:
        self.live.append(self.into)

    def __exit__(self, *_: object) -> None:
        self.live.remove(self.into)

    @classmethod
    def _hear(cls, event: str, details: tuple[object, ...]) -> None:
        if (
            event in ("open", "socket.connect")
            and len(cls.live) > 1
            and ".py" not in str(details[0])
        ):
            cls.live[-1].append(str(details[0]))


def test_a_picture_sequence_pattern_is_no_video(tmp_path):
    for number in range(3):
        (tmp_path / f"frame{number}.png").write_bytes(b"x")
    with pytest.raises(ImageError, match="no video file, or not there"):
        next(frames(tmp_path / "frame%d.png"))


def test_an_mp4_whose_data_is_in_another_file_reads_nothing_of_it(mp4, tmp_path):
    """A data reference (dref, alis or url) that points outside: FFmpeg must not follow it."""
    data = bytearray(mp4.read_bytes())
    at = data.index(b"url \0\0\0\1")
    struct.pack_into(">I", data, at + 4, 0)  # flag 1, "the data is in this file", taken away
    path = tmp_path / "outside.mp4"
    path.write_bytes(data)
    try:
        count = len(list(frames(path)))
    except ImageError:
        count = 0
    assert count in (0, 6)  # refused, or read from its own data


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_cut_mp4_is_an_image_error(share, mp4, tmp_path):
    data = mp4.read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError, match=r"cut\.mp4"):
        list(frames(path))


def plays(path: Path) -> bool:
    """Whether it plays to its end; if not, the error must name it."""
    try:
        list(frames(path))
    except ImageError as error:
        if str(path) not in str(error):
            raise
        return False
    return True


def test_a_video_with_flipped_bits_reads_or_is_named(mp4, tmp_path, capfd):
    whole, chance = mp4.read_bytes(), np.random.default_rng(0)
    path = tmp_path / "odd.mp4"
    refused = 0
    for _ in range(60):
        data = np.frombuffer(whole, np.uint8).copy()
        data[chance.integers(0, len(data), 8)] ^= np.uint8(1 << chance.integers(0, 8))
        path.write_bytes(data.tobytes())
        refused += not plays(path)
    assert refused > 0
    assert capfd.readouterr() == ("", "")


def sound_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))


def test_what_holds_no_video_says_so(tmp_path):
    sound_only(tmp_path / "sound.mp4")
    for name, data, said in [
        ("sound.mp4", None, "holds no video, only audio"),
        ("text.mp4", b"hello", "no video by its content"),
        ("empty.mp4", b"", "no video by its content"),
    ]:
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(ImageError, match=said):
            info(tmp_path / name)


@pytest.mark.parametrize(
    ("path", "said"),
    [("lost.mp4", "not there"), ("a\0.mp4", "cannot be read|not there"), (".", "no video")],
)
def test_paths_that_are_no_videos(path, said):
    with pytest.raises(ImageError, match=said):
        info(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(mp4, tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(mp4.read_bytes())
    path.chmod(0)
    with pytest.raises(ImageError, match="cannot be read"):
        info(path)


def test_without_pyav_the_extra_is_named(mp4, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"wordmask\[video\]"):
        next(frames(mp4))


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\0\0\0\x1cftypisom", "mov"),
        (b"\x1aE\xdf\xa3", "matroska"),
        (b"RIFF\0\0\0\0AVI ", "avi"),
        (b"OggS", "ogg"),
        (b"\0\0\1\xba", "mpeg"),
        (b"FLV\1", "flv"),
        ((b"G" + bytes(187)) * 3, "mpegts"),
        (b"RIFF\0\0\0\0WEBP", ""),
        (b"GIF89a", ""),
        (b"#EXTM3U", ""),
        (b"", ""),
    ],
)
def test_containers_are_told_by_their_content(start, kind):
    assert sniff(start) == kind
