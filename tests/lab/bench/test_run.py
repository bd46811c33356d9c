import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from wordmask.core.models import Models
from wordmask.errors import CapabilityError, FormatError, OptionError
from wordmask.lab.bench.benches import BENCHES
from wordmask.lab.bench.options import BenchOptions
from wordmask.lab.bench.run import BenchRun, run_bench
from wordmask.lab.data import open_data

PERFECT = {
    "semantic": ("miou", "boundary_iou", "pixel_accuracy"),
    "instance": ("ap", "ap75", "ar100"),
    "panoptic": ("pq", "sq", "rq"),
    "retrieval": ("miou_auto", "miou_best", "precision", "recall"),
    "clicks": ("miou_1_click", "noc85", "noc90"),
    "recognise": ("accuracy", "top5", "box_miou"),
    "search": ("recall@1", "map", "word_map"),
    "calibration": ("accuracy", "pixel_accuracy"),
}


BENCH_TESTS = Path(__file__).parent / "benches"


def numbers(results: dict) -> dict:
    names = ("metrics", "intervals", "per_class", "per_picture", "curves")
    return {name: results[name] for name in names}


@pytest.mark.parametrize("name", PERFECT)
def test_an_engine_that_sees_all_scores_exactly_one(name, measure):
    metrics = measure(name)["metrics"]
    assert [metrics[figure] for figure in PERFECT[name]] == [1] * len(PERFECT[name])


def test_every_bench_has_a_test():
    tests = {path.stem.removeprefix("test_") for path in BENCH_TESTS.glob("test_*.py")}
    assert {name for name in BENCHES if name.replace("-", "_") not in tests} <= set(PERFECT)


def test_what_a_run_leaves_behind(measure, tmp_path):
    measure("semantic")
    out = tmp_path / "out"
    saved = json.loads((out / "results.json").read_text())
    assert saved["schema"] == 1
    assert saved["metrics"]["miou"] == 1
    assert saved["intervals"]["miou"] == [1, 1]
    assert saved["per_class"]["red disc"]["iou"] == 1
    assert [row["name"] for row in saved["per_picture"]] == [f"p{k:02d}" for k in range(6)]
    assert set(saved["times"]) == {"read", "predict", "score", "total"}
    assert saved["run"]["peak_memory_mb"] > 10
    assert saved["model"]["made_by"] == ["fake"]
    assert {path.name for path in out.iterdir()} == {
        "index.html", "records.jsonl", "results.json", "summary.txt", "visualizations",
    }  # fmt: skip
    assert [row["group"] for row in saved["pictures"]] == ["worst", "best"]
    assert all((out / row["file"]).is_file() for row in saved["pictures"])


def test_twice_the_same_to_the_last_digit_whatever_the_workers(measure):
    assert numbers(measure("retrieval", "a")) == numbers(measure("retrieval", "b", workers=3))


class StoppedError(Exception):
    """The moment of the kill."""


def test_a_stopped_run_goes_on_and_ends_the_same(measure, tmp_path):
    def stop(progress):
        if progress.done == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        measure("semantic", "cut", progress=stop)
    assert not (tmp_path / "cut/results.json").exists()
    resumed = measure("semantic", "cut")
    whole = measure("semantic", "whole")
    assert (resumed["run"]["measured_now"], whole["run"]["measured_now"]) == (3, 6)
    assert numbers(resumed) == numbers(whole)


def test_kill_9_loses_and_doubles_nothing(drawn_folder, measure, tmp_path):
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom wordmask import engines\n"
        "from wordmask.lab.bench.run import BenchRun, run_bench\n"
        "from wordmask.lab.bench.benches.semantic import SemanticOptions\n"
        "from wordmask.lab.data import open_data\n"
        "options = SemanticOptions(how='unified', rounds=20, show=1)\n"
        "run_bench(BenchRun('semantic', open_data(sys.argv[1]), lambda: engines.load('fake'),\n"
        "    Path(sys.argv[2]), options, lambda progress: time.sleep(0.3)))\n"
    )
    command = [sys.executable, "-c", script, str(drawn_folder), str(tmp_path / "cut")]
    process = subprocess.Popen(command)
    ledger = tmp_path / "cut/records.jsonl"
    give_up = time.monotonic() + 60
    while not (ledger.is_file() and ledger.read_bytes().count(b"\n") >= 3):
        assert time.monotonic() < give_up, "the run never wrote its first records"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    with ledger.open("ab") as file:
        file.write(b'{"index":5,"name":"p0')  # and a line was being written
    resumed = measure("semantic", "cut", data=open_data(drawn_folder))
    whole = measure("semantic", "whole")
    assert 0 < resumed["run"]["measured_now"] < 6
    assert numbers(resumed) == numbers(whole)


def test_another_run_does_not_go_on_with_these_records(measure):
    measure("semantic")
    with pytest.raises(OptionError, match="belongs to another run"):
        measure("semantic", how="dense", use_pamr=True)


def test_only_some_pictures_and_all_drawn(measure):
    results = measure("semantic", num_samples=2, save_vis=True)
    assert results["data"]["pictures"] == 2
    assert [row["group"] for row in results["pictures"]].count("all") == 2


def test_only_some_words(measure):
    results = measure("retrieval", words=("red disc,blue square",))
    assert sorted(results["per_class"]) == ["blue square", "red disc"]
    assert results["metrics"]["miou_auto"] == 1


def test_what_the_data_or_the_engines_lack_is_said_first(measure):
    with pytest.raises(FormatError, match="no depth maps"):
        measure("depth")
    with pytest.raises(CapabilityError, match="no Dense"):
        measure("recognise", load=lambda: Models("nothing", ()))
    with pytest.raises(OptionError, match="Did you mean 'semantic'"):
        measure("semantics")


def test_regions_without_names_can_only_be_clicked(measure, drawn):
    nameless = replace(drawn, classes=())
    with pytest.raises(FormatError, match="regions without names, which the bench instance needs"):
        measure("instance", data=nameless)


def test_options_of_another_bench_are_refused(drawn, fake, tmp_path):
    with pytest.raises(OptionError, match="clicks takes ClicksOptions, got BenchOptions"):
        run_bench(BenchRun("clicks", drawn, fake, tmp_path, BenchOptions()))


def test_an_error_names_the_picture(measure, drawn, drawn_folder):
    broken = replace(drawn, samples=(replace(drawn.samples[0], labels=drawn_folder / "gone.png"),))
    with pytest.raises(ValueError, match=r"gone\.png") as caught:
        measure("semantic", data=broken)
    assert "while measuring p00" in caught.value.__notes__[0]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_pictures(measure, drawn):
    """What is kept of 120 pictures is their counts; the suite `lab` does the same with 1,449."""
    names = [f"p{k:03d}" for k in range(120)]
    samples = [replace(drawn.samples[k % 6], name=name) for k, name in enumerate(names)]
    peaks = []
    tracemalloc.start()
    try:
        for count in (12, 120):
            tracemalloc.reset_peak()
            measure("semantic", str(count), data=replace(drawn, samples=tuple(samples[:count])))
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 108 * 20_000  # bytes for each further picture
