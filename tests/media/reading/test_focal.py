"""The focal length that a camera notes in its pictures."""

import pytest
from PIL import Image as Pil

from wordmask.media.reading.facts import focal_35mm


def photograph(path, focal, turn=1):
    exif = Pil.Exif()
    exif[0x0112] = turn
    exif.get_ifd(0x8769)[0xA405] = focal
    Pil.new("RGB", (8, 6)).save(path, exif=exif)
    return path


@pytest.mark.parametrize("turn", [1, 6, 8])
def test_a_focal_length_is_read_however_the_camera_was_held(tmp_path, turn):
    assert focal_35mm(photograph(tmp_path / "a.jpg", 27, turn)) == 27


@pytest.mark.parametrize("focal", [0, 1, 60000])
def test_what_no_lens_has_is_not_known(tmp_path, focal):
    assert focal_35mm(photograph(tmp_path / "a.jpg", focal)) is None


def test_without_exif_or_without_a_picture_nothing_is_known(tmp_path):
    Pil.new("RGB", (8, 6)).save(tmp_path / "plain.png")
    (tmp_path / "text.jpg").write_text("no picture")
    for name in ("plain.png", "text.jpg", "gone.jpg"):
        assert focal_35mm(tmp_path / name) is None
