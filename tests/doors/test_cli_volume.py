"""`wordmask volume` as people run it, on drawn scans and the engine that knows colours."""

import json

import nibabel
import numpy as np
import pydicom
import pytest

import wordmask
from commands import names, run_here
from scans import ball, paint, write_scan, write_series

SHAPE = (30, 34, 20)
ONE, TWO = ball(SHAPE, (9, 12, 10), 7), ball(SHAPE, (21, 22, 10), 6)
STORED = paint([(ONE, 110), (TWO, 190)], SHAPE)


@pytest.fixture
def scan(tmp_path):
    return write_scan(tmp_path / "in/scan.nii.gz", STORED)


def labels(path):
    return np.asanyarray(nibabel.load(path).dataobj)


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_everything_that_can_be_written(scan, tmp_path, capsys):
    out = tmp_path / "out"
    clicks = ("--click", "9,12,10", "--click", "9,12,12", "--click", "2@21,22,10")
    files = ("seg.nii.gz", "cut.ply", "sheet.png", "view.png", "told.json")
    flags = ("-o", "--surface", "--sheet", "--view", "--report")
    wanted = [part for flag, name in zip(flags, files, strict=True) for part in (flag, out / name)]
    code = run_here("volume", scan, *clicks, "--named", "2=tumour", "-m", "fake", *wanted)
    printed = capsys.readouterr()
    assert code == 0
    assert names(out) == sorted(files)
    assert dice(labels(out / "seg.nii.gz") == 1, ONE) > 0.95
    assert dice(labels(out / "seg.nii.gz") == 2, TWO) > 0.95
    assert "30 x 34 x 20 voxels of 2 x 2 x 3 mm" in printed.out
    assert "2 tumour" in printed.out
    assert "Not a medical device" in printed.err
    told = json.loads((out / "told.json").read_text())
    assert "Not a medical device" in told["note"]
    assert told["objects"][1]["name"] == "tumour"
    assert told["objects"][0]["ml"] == pytest.approx(ONE.sum() * 0.012, rel=0.05)
    assert told["objects"][0]["prompts"] == ["click 9,12,10", "click 9,12,12"]
    head = (out / "cut.ply").read_bytes()[:200]
    assert b"Not a medical device" in head


def test_a_click_beside_it_is_advised_where_the_engine_alone_decides(scan, capsys):
    alone = ("volume", scan, "--click", "9,12,10", "-m", "fake", "--refine", "none")
    assert run_here(*alone) == 0
    assert "the engine alone decided on 1" in capsys.readouterr().out
    assert run_here(*alone, "--click", "1,1,10,0") == 0
    assert "the engine alone" not in capsys.readouterr().out


def test_json_and_words(scan, capsys):
    code = run_here("volume", scan, "white disc", "--slice", "axial:10", "-m", "fake", "--json")
    (told,) = json.loads(capsys.readouterr().out)["objects"]
    assert (code, told["name"]) == (0, "white disc")
    assert told["voxels"] == pytest.approx(TWO.sum(), rel=0.15)


def test_dicom_in_and_out(tmp_path):
    series = write_series(tmp_path / "ct", STORED)
    out = tmp_path / "out"
    code = run_here("volume", series, "--click", "9,12,10", "--window", "200/-900", "-m", "fake",
                    "-o", out / "seg.dcm", "--surface", out / "cut.stl")  # fmt: skip
    assert code == 0
    seg = pydicom.dcmread(out / "seg.dcm")
    assert seg.NumberOfFrames == 20
    assert seg.pixel_array.sum() == pytest.approx(ONE.sum(), rel=0.05)
    assert (out / "cut.stl").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "nothing is shown"),
        (("--click", "1,2"), "--click takes i,j,k"),
        (("--click", "a,b,c"), "--click takes"),
        (("--click", "99,0,0"), "outside scan.nii.gz"),
        (("--box", "0,0,0,1,0,1"), "empty"),
        (("--click", "9,12,10", "--named", "7=liver"), "nothing of it is shown"),
        (("--click", "9,12,10", "--named", "liver"), "NUMBER=NAME"),
        (("disc", "--slice", "80"), "PLANE:INDEX"),
        (("green bar",), "not in axial slice 10"),
        (("--click", "9,12,10", "--window", "brian"), "'brain'"),
        (("--click", "9,12,10", "-o", "seg.png"), ".nii.gz"),
        (("--click", "9,12,10", "-o", "seg.dcm"), "--output seg.nii.gz"),
        (("--click", "9,12,10", "--surface", "a.obj"), ".ply or .stl"),
        (("--click", "9,12,10", "--report", "told.csv"), "--report must end in .json; got"),
        (("--click", "9,12,10", "--sheet", "a.png", "--view", "a.png"), "two outputs"),
        (("--click", "9,12,10", "--max-voxels", "100"), "--max-voxels"),
        (("--click", "9,12,10", "--how", "values"), "one beside"),
    ],
)
def test_wrong_use_is_told_and_nothing_is_written(scan, tmp_path, monkeypatch, capsys, arguments,
                                                  told):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run_here("volume", scan, "-m", "fake", *arguments) == 2
    assert told in capsys.readouterr().err
    assert names(tmp_path) == ["in"]
    assert names(tmp_path / "in") == ["scan.nii.gz"]


def test_the_scan_is_never_replaced(scan, tmp_path, capsys):
    before = scan.read_bytes()
    assert run_here("volume", scan, "--click", "9,12,10", "-m", "fake", "-o", scan) == 2
    assert "read from" in capsys.readouterr().err
    assert scan.read_bytes() == before
    series = write_series(tmp_path / "ct", STORED)
    count = len(names(series))
    code = run_here("volume", series, "--click", "9,12,10", "-m", "fake", "-o", series / "s.dcm")
    assert (code, len(names(series))) == (2, count)


def test_a_failure_at_the_last_file_leaves_none(scan, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wordmask.jobs.volumes.write_json", fail)
    out = tmp_path / "out"
    with pytest.raises(OSError, match="No space"):
        run_here("volume", scan, "--click", "9,12,10", "-m", "fake", "-o", out / "s.nii.gz",
                 "--report", out / "r.json")  # fmt: skip
    assert not out.exists() or not list(out.iterdir())


def test_help_says_what_it_is_not(capsys):
    assert run_here("volume", "--help") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Not a medical device" in told
    assert "--click" in told


def test_from_python(scan, tmp_path):
    volume = wordmask.read_volume(scan)
    found = wordmask.volume(volume, [wordmask.VolumePrompt((9, 12, 10))], model="fake")
    session = wordmask.volume_session(scan, model="fake")
    assert (session.click((9, 12, 10)).labels == found.labels).all()
    paths = wordmask.save_volume(found, tmp_path / "a.nii", sheet=tmp_path / "a.png")
    assert [path.name for path in paths] == ["a.nii", "a.png"]
    assert (labels(tmp_path / "a.nii") == found.labels).all()
