"""Every suite runs on something small, and leaves results that say where they come from."""

import json

import pytest

from wordmask.errors import InputError, OptionError
from wordmask.lab.bench.run_suite import run_suite
from wordmask.lab.bench.suites import SUITES, find_suite, speed

SETS = {"sets": ("drawn",), "pictures": 2, "model": "fake"}
SMALL = {
    "quality": SETS,
    "regions": {"sets": ("drawn",), "pictures": 2, "model": "fake"},
    "reliability": SETS,
    "ways": {**SETS, "pictures": 1, "ways": ("unified", "grounded"), "rounds": 1, "many": 11},
    "speed": {"model": "fake", "rounds": 1},
    "fills": {"painters": ("telea",), "pictures": ("tiles",), "speed": False},
    "effects": {"frames": 1},
    "masks": {"count": 20, "repeat": 1},
    "index": {"rows": 2000, "dims": 32, "queries": 5, "exact_rows": 1000},
    "kills": {"kills": 1, "pictures": 2},
    "rasters": {"side": 256, "tile_side": 128, "maps": 1},
    "lift": {"trials": 2, "pictures": 2, "model": "fake", "set": "drawn"},
    "volume": {"model": "fake", "side": 0},
    "lab": {"pictures": 60, "width": 200},  # long enough to be killed half way
}
SLOW = {"tables", "everything", "sam", "gpu", "following", "export", "ovsam"}  # tests of their own


def test_every_suite_has_a_test():
    assert set(SUITES) == {*SMALL, *SLOW}


@pytest.mark.parametrize("name", SMALL)
def test_a_suite_leaves_its_results(name, kit, data_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "thousand_words", lambda: speed.TEN)  # the fake is slow of words
    suite = find_suite(name)
    given = dict(SMALL[name])
    if "sets" in given or "set" in given:
        given["data"] = data_folder
    if name == "masks":
        pytest.importorskip("pycocotools")
    if name == "lift":
        pytest.importorskip("skimage")
    if name in ("index", "kills"):
        pytest.importorskip("lancedb")
    results = run_suite(suite, kit(suite.options(**given)))
    saved = json.loads((tmp_path / "out/results.json").read_text())
    assert saved == results
    assert (saved["schema"], saved["suite"]) == (1, name)
    assert {"commit", "machine", "seeds", "peak_memory_mb", "seconds"} <= set(saved["run"])
    assert saved["metrics"]
    if suite.loads and name not in ("lab", "fills"):
        assert saved["model"]["made_by"] == ["fake"]
    assert all((tmp_path / "out" / file).is_file() for file in saved["pictures"])
    assert (tmp_path / "out/summary.txt").read_text().startswith(f"suite {name}\n")


def test_a_name_that_is_near():
    with pytest.raises(OptionError, match="Did you mean 'quality'"):
        find_suite("qualty")


def test_data_that_are_not_there(kit, tmp_path):
    suite = find_suite("quality")
    with pytest.raises(InputError, match="there are no data sets at") as caught:
        suite.run(kit(suite.options(data=tmp_path / "gone", model="fake")))
    assert caught.value.mend.option == "data"


def test_commas_part_the_sets():
    assert find_suite("quality").options(sets=("coco,nyu",)).sets == ("coco", "nyu")
