"""The sound of a video in copies of it."""

import pytest

from clips import clip, packets, write_clip, write_loud
from wordmask.jobs.footage import open_footage
from wordmask.media.video.read import frames, info
from wordmask.media.video.write import VideoSink

av = pytest.importorskip("av", reason="videos need the extra `video`")


def copy(source, target, most=10**9):
    with VideoSink(target, info(source).fps, source) as sink:
        for frame in frames(source):
            if frame.index < most:
                sink.write(frame.image, frame.time_s)
    return target


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_packets_are_those_of_the_source(suffix, tmp_path):
    source = write_loud(tmp_path / "a.mp4")
    copied = packets(copy(source, tmp_path / f"b{suffix}"))
    wanted = packets(source)
    assert [data for _, data in copied] == [data for _, data in wanted]
    offset = copied[0][0] - wanted[0][0]
    assert 0 <= offset < 0.05
    assert [time - offset for time, _ in copied] == pytest.approx([t for t, _ in wanted], abs=2e-3)


def test_sound_ends_where_the_frames_end(tmp_path):
    source = write_loud(tmp_path / "a.mp4")
    times = [time for time, _ in packets(copy(source, tmp_path / "b.mp4", most=10))]
    assert 0.9 < max(times) < 1.0


def test_a_source_that_begins_late_stays_in_step(tmp_path):
    source = write_loud(tmp_path / "a.ts", codec="mp2", late_s=5.0)
    first = next(frames(source)).time_s
    assert first > 4
    before = min(time for time, _ in packets(source)) - first
    made = copy(source, tmp_path / "b.mp4")
    assert next(frames(made)).time_s == pytest.approx(0, abs=0.01)
    assert min(time for time, _ in packets(made)) == pytest.approx(before, abs=0.03)


def test_sound_that_the_container_cannot_hold_is_left_out(tmp_path, caplog):
    source = write_loud(tmp_path / "a.mp4")
    made = copy(source, tmp_path / "b.webm")
    assert "cannot hold" in caplog.text
    with av.open(str(made)) as container:
        assert not container.streams.audio
    assert len(list(frames(made))) == 30


def test_frames_keep_uneven_times(tmp_path):
    times = [0, 0.05, 0.2, 0.23, 0.5]
    with VideoSink(tmp_path / "a.mp4", 10) as sink:
        for time_s, pixels in zip(times, clip(5), strict=True):
            sink.write(pixels, time_s)
    assert [frame.time_s for frame in frames(tmp_path / "a.mp4")] == pytest.approx(times, abs=0.01)


def test_another_rate_means_neither_sound_nor_times(tmp_path):
    source = str(write_clip(tmp_path / "a.mp4"))
    assert open_footage(source).timing is not None
    assert open_footage(source, fps=5).timing is None
