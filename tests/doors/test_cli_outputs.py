"""What commands make of the name behind -o: a file that they can write, a folder, or an error."""

import json

import pytest

from commands import draw_disc, load, names, run_here, run_inside
from wordmask.core.result import Result
from wordmask.media import formats


@pytest.fixture
def photo(tmp_path):
    return draw_disc(tmp_path / "photo.png")


def test_the_whole_name_of_one_file_tells_its_format(photo, tmp_path, capsys):
    how = ("segment", photo, "red", "-m", "fake", "-o")
    assert run_here(*how, tmp_path / "seen.coco.json") == 0
    assert "annotations" in json.loads((tmp_path / "seen.coco.json").read_text())
    assert run_here(*how, tmp_path / "all.json", "-f", "coco,labelme") == 2
    assert "one file, for 2 formats (coco, labelme); give a folder" in capsys.readouterr().err
    assert not (tmp_path / "all.json").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("draw SAVED -o a.jpg", "which end in .png, and no folder that is there"),
        ("draw SAVED SAVED -o a.png", "a.png is one file, for 2 pictures; give a folder"),
        ("effect blur PHOTO --prompt red -o a.mp4", "which end in .png"),
        ("edit remove PHOTO --prompt red -o a.png", "a.png is no file that is written here"),
        (
            "convert SAVED a.json -t masks",
            "no name of a masks file; write to a.masks.png",
        ),
        ("convert SAVED a.png -t coco", "a.png is no name of a coco file; write to a.coco.json"),
        ("find index --sheet a.pdf", "--sheet must end in .html or"),
        ("find index --coco a.csv", "--coco must end in .json"),
        ("page --one-file a.png", "--one-file must end in .html or .htm"),
        ("segment PHOTO red --format=", "--format must name one; got ''"),
    ],
)
def test_a_name_of_another_kind_makes_no_file_and_no_folder(
    photo, tmp_path, monkeypatch, arguments, told
):
    monkeypatch.chdir(tmp_path)
    saved = tmp_path / "photo.wordmask.json"
    formats.save(Result.nothing((60, 80)), saved)
    given = {"SAVED": str(saved), "PHOTO": str(photo)}
    model = ("-m", "fake") if "PHOTO" in arguments else ()
    before = names(tmp_path)
    done = run_inside(*(given.get(word, word) for word in arguments.split()), *model)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    assert names(tmp_path) == before


def test_a_look_and_a_drawing_go_into_the_file_that_is_named(photo, tmp_path):
    target = ("--prompt", "red", "-m", "fake", "-o", tmp_path / "soft.png")
    assert run_here("effect", "blur", photo, *target) == 0
    run_here("segment", photo, "red", "-m", "fake", "-o", tmp_path / "seen.json")
    assert run_here("draw", tmp_path / "seen.json", "-o", tmp_path / "drawn.png") == 0
    for name in ("soft.png", "drawn.png"):
        assert load(tmp_path / name).shape == load(photo).shape
