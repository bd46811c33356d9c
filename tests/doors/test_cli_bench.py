import json

import numpy as np
import pytest
from PIL import Image as Pictures

from wordmask.doors.cli import main
from wordmask.doors.cli.bench_suite import ALL


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two pictures of a red square on white."""
    root = tmp_path_factory.mktemp("data")
    for kind in ("images", "labels"):
        (root / kind).mkdir()
    (root / "dataset.json").write_text(
        json.dumps({"classes": ["background", "red square"], "background": 0})
    )
    for number in range(2):
        labels = np.zeros((60, 80), np.uint8)
        labels[10:40, 10 + number : 40 + number] = 1
        Pictures.fromarray(np.where(labels[..., None], (220, 30, 30), 255).astype(np.uint8)).save(
            root / f"images/{number}.png"
        )
        Pictures.fromarray(labels).save(root / f"labels/{number}.png")
    return root


def run(*words) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in ("bench", *words)])
    return left.value.code


def measure(folder, out, *more) -> int:
    words = [
        "semantic",
        "--data",
        folder,
        "--model",
        "fake",
        "--how",
        "unified",
        "--output-dir",
        out,
        "--rounds",
        10,
    ]
    return run(*words, *more)


def test_a_task_is_measured_and_told(folder, tmp_path, capsys):
    assert measure(folder, tmp_path / "a", "--slide-inference", "--num-samples", 1) == 0
    told = capsys.readouterr()
    assert "miou" in told.out
    assert str(tmp_path / "a/index.html") in told.out
    assert "1/1" in told.err
    saved = json.loads((tmp_path / "a/results.json").read_text())
    assert (saved["options"]["slide_crop"], saved["options"]["slide_inference"]) == (224, True)


def test_two_runs_are_compared(folder, tmp_path, capsys):
    assert (
        measure(folder, tmp_path / "a")
        == measure(folder, tmp_path / "b", "--logit-scale", "30")
        == 0
    )
    assert run("compare", tmp_path / "a", tmp_path / "b", "--rounds", 20) == 0
    assert "logit_scale: None -> 30.0" in capsys.readouterr().out


def test_without_a_task_the_help_is_shown_and_no_empty_error(capsys):
    assert run() == 2
    told = capsys.readouterr()
    assert "semantic" in told.out
    assert "error" not in told.err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(
            ("semantic", "--data", "voc21"), 2, "It comes from", id="a public set that is not there"
        ),
        pytest.param(("semantic",), 2, "--data is missing", id="no data"),
        pytest.param(("compare", "gone", "gone"), 2, "cannot be read", id="no such run"),
        pytest.param(
            ("clicks", "--data", "x", "--use-pamr"),
            2,
            "there is no option --use-pamr",
            id="an option of another bench",
        ),
        pytest.param(
            ("semantic", "--data", "x", "--how", "magic"),
            2,
            "--how must be one of auto, dense",
            id="no such way",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_line(words, code, told, capsys):
    assert run(*words) == code
    assert told in capsys.readouterr().err


def test_the_help_of_a_bench_shows_its_own_options_only(capsys):
    assert run("clicks", "--help-all") == 0
    shown = capsys.readouterr().out
    assert "--objects" in shown
    assert "Measuring" in shown
    for other in ("--use-pamr", "--how", "--preset", "--slide-crop", "--min-confidence"):
        assert other not in shown


def test_suites_are_listed_with_a_line_each(capsys):
    assert run("suite") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("quality ")
    assert {line.split()[0] for line in lines} == set(ALL)


def test_a_suite_is_measured_and_told(tmp_path, capsys):
    words = ["fills", "--painters", "telea", "--pictures", "tiles", "--no-speed"]
    assert run("suite", *words, "--output-dir", tmp_path) == 0
    assert "sharpness" in capsys.readouterr().out
    saved = json.loads((tmp_path / "fills/results.json").read_text())
    assert saved["suite"] == "fills"
    assert saved["metrics"]["tiles.telea.psnr"] > 5


def test_a_suite_that_loads_no_engine_takes_no_engine_options(capsys):
    assert run("suite", "masks", "--device", "cpu") == 2
    assert "--device" in capsys.readouterr().err
