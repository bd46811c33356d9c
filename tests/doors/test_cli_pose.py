"""`wordmask pose` as a person runs it."""

import json

import numpy as np
import pytest
from PIL import Image as Pil

from commands import load, names, run_here
from wordmask.media import formats

EXIF_ORIENTATION, TURNED_RIGHT = 0x0112, 6


def drawn_person():
    """(240, 200, 3): a figure with shirt and trousers in front of a grey wall."""
    y, x = np.mgrid[:240, :200]
    pixels = np.full((240, 200, 3), 150, np.uint8)
    shapes = [
        ((84, 90, 116, 140), (190, 40, 40)), ((68, 92, 132, 104), (190, 40, 40)),
        ((68, 100, 76, 142), (220, 170, 140)), ((124, 100, 132, 142), (220, 170, 140)),
        ((86, 140, 99, 206), (40, 50, 110)), ((101, 140, 114, 206), (40, 50, 110)),
    ]  # fmt: skip
    for (x0, y0, x1, y1), colour in shapes:
        pixels[y0:y1, x0:x1] = colour
    pixels[np.hypot(x - 100, y - 74) < 15] = (225, 175, 145)
    return pixels


BOX = "62,56,138,210"


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "wall.png"
    Pil.fromarray(drawn_person()).save(path)
    return path


def joints_of(path):
    (found,) = formats.load_named(path)
    return found.poses.joints


def test_a_box_gives_joints_a_skeleton_parts_and_keypoints(photo, capsys):
    code = run_here("pose", photo, "--box", BOX, "-fjson,skeleton", "-fparts", "-fcoco")
    out = capsys.readouterr().out
    assert code == 0
    assert "1 person: person" in out
    joints = joints_of(photo.with_name("wall.pose.json"))
    assert joints.shape == (1, 17, 3)
    assert 88 < joints[0, 0, 0] < 112
    (parts,) = formats.load(photo.with_name("wall.parts.json"))
    assert {"head", "torso"} <= set(parts.names)
    with Pil.open(photo.with_name("wall.pose.png")) as picture:
        assert picture.size == (200, 240)
    sure = joints[..., 2] >= 0.3  # COCO keeps no place of others
    keypoints = joints_of(photo.with_name("wall.pose.coco.json"))
    assert np.allclose(keypoints[sure], joints[sure], atol=0.006)
    assert (keypoints[~sure] == 0).all()


def test_a_phones_picture_that_lies_on_its_side_is_turned_first(photo, tmp_path, capsys):
    exif = Pil.Exif()
    exif[EXIF_ORIENTATION] = TURNED_RIGHT
    lying = tmp_path / "phone.png"
    Pil.fromarray(np.rot90(drawn_person()).copy()).save(lying, exif=exif)
    assert run_here("pose", photo, lying, "--box", BOX, "-f", "json") == 0
    upright = joints_of(tmp_path / "wall.pose.json")
    assert np.abs(joints_of(tmp_path / "phone.pose.json") - upright).max() < 0.01


def test_a_picture_without_a_person_says_nobody(tmp_path, capsys):
    empty = tmp_path / "empty.png"
    Pil.fromarray(np.full((120, 160, 3), 90, np.uint8)).save(empty)
    assert run_here("pose", empty, "-f", "json") == 0
    assert "nobody found" in capsys.readouterr().out
    assert len(formats.load(tmp_path / "empty.pose.json")[0]) == 0


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ("nan,0,5,5", "finite"),
        ("500,500,600,600", "outside the picture of 200 x 240"),
        ("9,9,2,2", "is empty"),
        ("1,2,3", "--box takes 4 numbers"),
    ],
)
def test_a_box_that_cannot_be_is_one_line_and_code_2(photo, capsys, box, said):
    assert run_here("pose", photo, "--box", box) == 2
    assert said in capsys.readouterr().err


def test_draw_and_convert_keep_the_joints_of_what_pose_wrote(photo, tmp_path, capsys):
    assert run_here("pose", photo, "--box", BOX, "-fjson") == 0
    saved, keypoints = tmp_path / "wall.pose.json", tmp_path / "people.coco.json"
    assert run_here("convert", saved, keypoints) == 0
    assert joints_of(keypoints)[0, 0, 2] == pytest.approx(joints_of(saved)[0, 0, 2])
    assert run_here("draw", keypoints, "--images", tmp_path) == 0
    (drawn,) = tmp_path.glob("*.overlay.png")
    x, y = joints_of(saved)[0, 5, :2].astype(int)
    with Pil.open(drawn) as picture:
        assert picture.getpixel((int(x), int(y))) != (190, 40, 40)


def test_one_file_is_what_its_suffix_says(photo, tmp_path, capsys):
    for name, more in (("pose.png", ()), ("parts.png", ("-f", "parts")), ("pose.json", ())):
        assert run_here("pose", photo, "--box", BOX, "-o", tmp_path / name, *more) == 0
    assert names(tmp_path) == ["parts.png", "pose.json", "pose.png", "wall.png"]
    assert joints_of(tmp_path / "pose.json").shape == (1, 17, 3)
    drawn, parts = load(tmp_path / "pose.png"), load(tmp_path / "parts.png")
    assert drawn.shape == parts.shape == (240, 200, 3)
    assert (drawn != parts).any()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "wall.png"), "wall.png is read here"),
        (("-o", "a.png", "-f", "coco"), "a.png may hold skeleton or parts; got coco"),
        (("-o", "a.png", "-f", "parts,coco"), "a.png is one file, for 2 formats (parts, coco)"),
        (("-f", "foo"), "one of json, skeleton, parts, coco"),
        (("-f", "json,foo"), "got 'foo'"),
    ],
)
def test_a_file_that_cannot_be_is_refused(photo, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(photo.parent)
    before = photo.read_bytes()
    assert run_here("pose", photo, *arguments) == 2
    assert said in capsys.readouterr().err
    assert photo.read_bytes() == before
    assert names(photo.parent) == ["wall.png"]


def test_json_on_stdout_is_the_people_and_writes_no_file(photo, capsys):
    assert run_here("pose", photo, "--box", BOX, "--json") == 0
    value = json.loads(capsys.readouterr().out)
    assert len(value["regions"][0]["joints"]) == 17
    assert [path.name for path in photo.parent.iterdir()] == ["wall.png"]


def test_an_engine_that_cannot_cut_is_refused_with_what_to_join(photo, capsys):
    assert run_here("pose", photo, "-m", "movenet") == 3
    assert "movenet has no Segmenter" in capsys.readouterr().err
