"""Results of videos as files: a line a frame, pictures of ids."""

import cv2
import numpy as np
import pytest
from PIL import Image as Pil

from drawing import draw, draw_masks
from wordmask.core.result import Result
from wordmask.errors import FormatError
from wordmask.media import formats
from wordmask.media.formats.davis import read_objects, write_davis
from wordmask.media.formats.frame_lines import FrameLine, append_line, cut_after, read_lines


@pytest.fixture
def result():
    masks = draw_masks("##../##..", ".##./....")
    return Result.of(masks, ("dog",), scores=[0.5, 0.9], label_ids=[0, 0], track_ids=[7, 3])


def test_lines_come_back_and_any_reader_of_jsonl_reads_them(tmp_path, result):
    path = tmp_path / "a.tracks.jsonl"
    for frame in range(3):
        append_line(path, FrameLine(frame, frame / 25, result, f"a.mp4#{frame}", "run"))
    lines = list(read_lines(path))
    assert [(line.frame, line.time_s, line.name, line.run) for line in lines] == [
        (k, k / 25, f"a.mp4#{k}", "run") for k in range(3)
    ]
    assert lines[2].result.track_ids.tolist() == result.track_ids.tolist()
    assert (formats.load(path)[1].masks.dense() == result.masks.dense()).all()


@pytest.mark.parametrize(
    "damage", [b'{"wordmask": 1, "fra', b"\0" * 40, b"\0" * 40 + b"\n", b"{}\n"]
)
def test_a_line_that_a_kill_cut_short_is_not_there(tmp_path, result, damage):
    path = tmp_path / "a.tracks.jsonl"
    for frame in range(2):
        append_line(path, FrameLine(frame, 0, result))
    whole = path.read_bytes()
    path.write_bytes(whole + damage)
    assert len(list(read_lines(path))) == 2
    cut_after(path, 2)
    assert path.read_bytes() == whole


def test_davis_pictures_hold_ids(tmp_path, result):
    path = write_davis(result, tmp_path / "00000.png")
    with Pil.open(path) as picture:
        assert picture.mode == "P"
        assert np.asarray(picture).tolist() == [[7, 3, 3, 0], [7, 7, 0, 0]]
    objects = read_objects(path)
    assert sorted(objects) == [3, 7]
    assert (objects[3] == draw(".##.", "....")).all()


def test_black_and_white_is_one_object(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), 255 * draw("##.", "...").astype(np.uint8))
    assert list(read_objects(tmp_path / "a.png")) == [1]


def test_what_cannot_be_written_or_read_is_told(tmp_path, result):
    with pytest.raises(FormatError, match="needs their ids"):
        write_davis(result.replace(track_ids=None), tmp_path / "a.png")
    with pytest.raises(FormatError, match="ids of objects are 1 to 255 here, got 256"):
        write_davis(result.replace(track_ids=[256, 1]), tmp_path / "a.png")
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((4, 4), np.uint8))
    with pytest.raises(FormatError, match="shows no object"):
        read_objects(tmp_path / "b.png")
