import pytest

from clips import write_clip
from commands import draw_disc
from wordmask.errors import InputError
from wordmask.jobs.footage import open_footage


def test_a_video_says_its_rate_and_about_how_many_frames(tmp_path):
    footage = open_footage(str(write_clip(tmp_path / "a.mp4", fps=10, count=6)))
    frames = list(footage.frames())
    assert (footage.fps, footage.count, len(frames)) == (10, 6, 6)
    assert footage.stem(3) == "00003"


def test_a_folder_is_read_in_natural_order(tmp_path):
    for number in (10, 2, 1):
        draw_disc(tmp_path / "frames" / f"f{number}.png")
    footage = open_footage(str(tmp_path / "frames"), fps=5)
    assert footage.stems == ("f1", "f2", "f10")
    assert [frame.time_s for frame in footage.frames()] == [0, 0.2, 0.4]


@pytest.mark.parametrize(
    ("name", "message"),
    [("none.mp4", "there is no video"), ("one.png", "one picture"), ("empty", "holds no pictures")],
)
def test_what_has_no_frames_is_refused(tmp_path, name, message):
    (tmp_path / "empty").mkdir()
    draw_disc(tmp_path / "one.png")
    with pytest.raises(InputError, match=message):
        open_footage(str(tmp_path / name))
