import json
from dataclasses import replace

import pytest

from wordmask.errors import OptionError
from wordmask.lab.bench.benches.semantic import SemanticOptions
from wordmask.lab.bench.compare import compare
from wordmask.lab.bench.options import ThresholdOptions
from wordmask.lab.bench.run import BenchRun, run_bench

PLAIN = SemanticOptions(how="unified", rounds=20, show=0)
BLURRED = replace(PLAIN, slide_inference=True, slide_crop=32, slide_stride=32)
OTHER = ThresholdOptions(how="unified", rounds=20, show=0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, drawn_folder, fake):
    from wordmask.lab.data import open_data

    root = tmp_path_factory.mktemp("runs")
    data = open_data(drawn_folder)
    run_bench(BenchRun("semantic", data, fake, root / "a", PLAIN))
    run_bench(BenchRun("semantic", data, fake, root / "b", BLURRED))
    run_bench(BenchRun("semantic", data.first(3), fake, root / "few", PLAIN))
    run_bench(BenchRun("retrieval", data, fake, root / "other", OTHER))
    return root


def test_a_run_and_itself(runs):
    found = compare(runs / "a", runs / "a", rounds=50)
    assert not any(row.significant for row in found.differences.values())
    assert found.changed == ()
    assert "nothing else differs" in found.text()


def test_a_worse_run_is_found_out(runs):
    found = compare(runs / "a", runs / "b", rounds=200)
    miou = found.differences["miou"]
    saved = [
        json.loads((runs / name / "results.json").read_text())["metrics"]["miou"] for name in "ab"
    ]
    assert [miou.first, miou.second] == saved
    assert miou.significant is (miou.high < 0 or miou.low > 0)
    assert "slide_inference: False -> True" in found.changed
    assert found.text().splitlines()[0] == "semantic on drawn, 6 pictures in both runs"


def test_only_common_pictures_count(runs):
    assert compare(runs / "a", runs / "few", rounds=20).pictures == 3


def test_two_benches_do_not_compare(runs):
    with pytest.raises(OptionError, match="their task differ"):
        compare(runs / "a", runs / "other")
