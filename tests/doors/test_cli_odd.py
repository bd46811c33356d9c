"""Corrupt and odd pictures through the real command: each is drawn or named, nothing crashes."""

import json

import odd_pictures
from commands import run_apart


def test_five_hundred_odd_pictures_are_each_done_or_named(tmp_path):
    folder, out = tmp_path / "odd", tmp_path / "out"
    folder.mkdir()
    odd_pictures.make(folder, count=500, seed=1)
    how = ("-m", "fake", "--how", "unified", "-f", "json", "-o", out)
    done = run_apart("segment", folder, "red", *how)
    assert done.returncode == 5, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    count = int(done.stderr.splitlines()[-1].split(" pictures:")[0])
    results = [path for path in out.rglob("*.json") if not path.name.startswith(".")]
    assert len(results) + len(errors) == count
    assert count >= 450  # in a folder only names with a picture's suffix count
    assert len(errors) > 100
    assert len(results) > 50
    for path in results:
        assert json.loads(path.read_text())["wordmask"] == 1
