import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from wordmask.core.models import Models
from wordmask.core.protocols import Depth, FeatureMap, Memory
from wordmask.errors import CapabilityError, FormatError, OptionError
from wordmask.lab.bench import benches
from wordmask.lab.bench.benches.clicks import ClicksTable
from wordmask.lab.bench.benches.search import SearchTable, pack
from wordmask.lab.bench.plan import BenchOptions
from wordmask.lab.bench.run import Run, bench
from wordmask.lab.data import open_data

QUICK = BenchOptions(how="unified", rounds=20, show=1)
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


def numbers(results: dict) -> dict:
    return {
        key: results[key] for key in ("metrics", "intervals", "per_class", "per_picture", "curves")
    }


@pytest.mark.parametrize("task", PERFECT)
def test_an_engine_that_sees_all_scores_exactly_one(task, drawn, fake, tmp_path):
    results = bench(Run(task, drawn, fake, tmp_path, QUICK))
    assert {name: results["metrics"][name] for name in PERFECT[task]} == dict.fromkeys(
        PERFECT[task], 1
    )


def test_every_task_has_a_test():
    assert set(benches.NAMES) == {*PERFECT, "video", "depth"}


def test_what_a_run_leaves_behind(drawn, fake, tmp_path):
    bench(Run("semantic", drawn, fake, tmp_path, QUICK))
    saved = json.loads((tmp_path / "results.json").read_text())
    assert saved["schema"] == 1
    assert saved["metrics"]["miou"] == 1
    assert saved["intervals"]["miou"] == [1, 1]
    assert saved["per_class"]["red disc"]["iou"] == 1
    assert [row["name"] for row in saved["per_picture"]] == [f"p{k:02d}" for k in range(6)]
    assert set(saved["times"]) == {"read", "predict", "score", "total"}
    assert saved["run"]["peak_memory_mb"] > 10
    assert saved["model"]["made_by"] == ["fake"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "index.html", "records.jsonl", "results.json", "summary.txt", "visualizations",
    }  # fmt: skip
    assert [row["group"] for row in saved["pictures"]] == ["worst", "best"]
    assert all((tmp_path / row["file"]).is_file() for row in saved["pictures"])


def test_an_engine_that_shuffles_words_scores_by_chance(drawn, tmp_path):
    """Its features are noise, so each of the four answers comes as often as the others."""

    class Noise:
        name = "noise"

        def features(self, images):
            rows = np.random.default_rng(0).normal(size=(48, 64, 8)).astype(np.float32)
            vectors = rows / np.linalg.norm(rows, axis=2, keepdims=True)
            return [FeatureMap(vectors, image.size) for image in images]

        def embed_texts(self, phrases):
            return np.eye(8, dtype=np.float32)[: len(phrases)]

    results = bench(Run("semantic", drawn, lambda: Models("noise", (Noise(),)), tmp_path, QUICK))
    assert results["metrics"]["mean_accuracy"] == pytest.approx(0.25, abs=0.03)


def test_twice_the_same_to_the_last_digit_whatever_the_workers(drawn, fake, tmp_path):
    first = bench(Run("retrieval", drawn, fake, tmp_path / "a", QUICK))
    again = bench(Run("retrieval", drawn, fake, tmp_path / "b", replace(QUICK, workers=3)))
    assert numbers(first) == numbers(again)


class StoppedError(Exception):
    """The moment of the kill."""


def test_a_stopped_run_goes_on_and_ends_the_same(drawn, fake, tmp_path):
    def stop(progress):
        if progress.done == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        bench(Run("semantic", drawn, fake, tmp_path / "cut", QUICK, stop))
    assert not (tmp_path / "cut/results.json").exists()
    resumed = bench(Run("semantic", drawn, fake, tmp_path / "cut", QUICK))
    whole = bench(Run("semantic", drawn, fake, tmp_path / "whole", QUICK))
    assert (resumed["run"]["measured_now"], whole["run"]["measured_now"]) == (3, 6)
    assert numbers(resumed) == numbers(whole)


def test_kill_9_loses_and_doubles_nothing(drawn_folder, fake, tmp_path):
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom wordmask import engines\n"
        "from wordmask.lab.bench.run import Run, bench\nfrom wordmask.lab.data import open_data\n"
        "from wordmask.lab.bench.plan import BenchOptions\n"
        "options = BenchOptions(how='unified', rounds=20, show=1)\n"
        "run = Run('semantic', open_data(sys.argv[1]), lambda: engines.load('fake'), Path(sys.argv[2]), options,\n"
        "          lambda progress: time.sleep(0.3))\n"
        "bench(run)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(drawn_folder), str(tmp_path / "cut")]
    )
    ledger = tmp_path / "cut/records.jsonl"
    give_up = time.monotonic() + 60
    while not (ledger.is_file() and ledger.read_bytes().count(b"\n") >= 3):
        assert time.monotonic() < give_up, "the run never wrote its first records"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    with ledger.open("ab") as file:
        file.write(b'{"index":5,"name":"p0')  # and a line was being written
    resumed = bench(Run("semantic", open_data(drawn_folder), fake, tmp_path / "cut", QUICK))
    whole = bench(Run("semantic", open_data(drawn_folder), fake, tmp_path / "whole", QUICK))
    assert 0 < resumed["run"]["measured_now"] < 6
    assert numbers(resumed) == numbers(whole)


def test_another_run_does_not_go_on_with_these_records(drawn, fake, tmp_path):
    bench(Run("semantic", drawn, fake, tmp_path, QUICK))
    with pytest.raises(OptionError, match="belongs to another run"):
        bench(Run("semantic", drawn, fake, tmp_path, replace(QUICK, use_pamr=True)))


def test_only_some_pictures_and_all_drawn(drawn, fake, tmp_path):
    results = bench(
        Run("semantic", drawn, fake, tmp_path, replace(QUICK, num_samples=2, save_vis=True))
    )
    assert results["data"]["pictures"] == 2
    assert [row["group"] for row in results["pictures"]].count("all") == 2


def test_only_some_words(drawn, fake, tmp_path):
    results = bench(
        Run("retrieval", drawn, fake, tmp_path, replace(QUICK, words=("red disc,blue square",)))
    )
    assert sorted(results["per_class"]) == ["blue square", "red disc"]
    assert results["metrics"]["miou_auto"] == 1


@pytest.mark.parametrize("task", ["semantic", "instance"])
def test_guided_cuts_what_the_dense_answer_shows(task, drawn, fake, tmp_path):
    results = bench(Run(task, drawn, fake, tmp_path, BenchOptions(use_sam=True, rounds=2, show=0)))
    assert results["how"] == "guided"
    assert results["metrics"][results["headline"]] > 0.95


def test_pamr_window_and_scale_are_heard(drawn, fake, tmp_path):
    plain = bench(Run("semantic", drawn, fake, tmp_path / "a", QUICK))
    options = replace(
        QUICK, use_pamr=True, slide_inference=True, slide_crop=64, slide_stride=32, logit_scale=30.0
    )
    other = bench(Run("semantic", drawn, fake, tmp_path / "b", options))
    assert other["metrics"] != plain["metrics"]
    assert other["metrics"]["miou"] > 0.7


def test_pamr_is_refused_where_it_would_change_nothing(drawn, fake, tmp_path):
    with pytest.raises(OptionError, match="which the task retrieval does not measure"):
        bench(Run("retrieval", drawn, fake, tmp_path, replace(QUICK, use_pamr=True)))


def test_pixels_below_the_asked_confidence_are_background(drawn, fake, tmp_path):
    every = bench(Run("semantic", drawn, fake, tmp_path / "a", replace(QUICK, min_confidence=0.0)))
    none = bench(Run("semantic", drawn, fake, tmp_path / "b", replace(QUICK, min_confidence="1")))
    assert every["metrics"]["miou"] == 1
    assert {name: row["iou"] > 0 for name, row in none["per_class"].items()} == {
        "background": True, "red disc": False, "green square": False, "blue square": False,
    }  # fmt: skip


def test_the_words_of_a_search_have_an_interval_of_their_own():
    """Two pictures: in one the word finds the region, in the other it prefers the wrong one."""
    values = [
        {"label": [0, 1], "vectors": pack(np.eye(2)), "words": {"0": [0.9, 0.1], "1": [0.1, 0.9]}},
        {"label": [0, 1], "vectors": pack(np.eye(2)), "words": {"0": [0.2, 0.8], "1": [0.8, 0.2]}},
    ]
    table = SearchTable({"classes": ["cat", "dog"]}, values)
    assert [table.measure(np.array(weights))["word_map"] for weights in ([2, 0], [0, 2])] == [
        1,
        0.5,
    ]


def test_an_object_reached_by_the_very_last_click_was_reached():
    values = [{"objects": [{"label": -1, "iou": [0.5, 0.9]}, {"label": -1, "iou": [0.5, 0.5]}]}]
    figures = ClicksTable({"classes": []}, values).measure(np.ones(1))
    assert (figures["noc85"], figures["noc85_not_reached"]) == (2, 0.5)


def test_a_preset_says_what_it_pins_and_where_it_was_left(drawn, fake, tmp_path):
    options = BenchOptions(
        preset="voc21/sclip", use_pamr=True, num_samples=2, rounds=2, show=0, min_confidence=0.3
    )
    protocol = bench(Run("semantic", drawn, fake, tmp_path, options))["protocol"]
    assert protocol["pinned"]["logit_scale"] == 65
    assert "sky" in protocol["pinned"]["background_words"]
    told = "\n".join(protocol["deviations"])
    for part in (
        "drawn instead of voc21",
        "PAMR is on",
        "threshold: 0.3 instead of 0.1",
        "first 2 pictures",
        "own list",
        "templates",
    ):
        assert part in told


def test_video_says_what_is_missing(tmp_path, fake):
    with pytest.raises(FormatError, match="has no videos"):
        bench(Run("video", open_data(video_set(tmp_path / "data", "")), fake, tmp_path, QUICK))
    data = open_data(video_set(tmp_path / "frames", "run/"))
    with pytest.raises(CapabilityError, match=r"fake has no Tracker.*start\(\) and step\(\)"):
        bench(Run("video", data, fake, tmp_path, QUICK))


def video_set(root, folder):
    """Three frames of two squares that move to the right."""
    from PIL import Image as Pictures

    (root / "images" / folder).mkdir(parents=True)
    (root / "labels" / folder).mkdir(parents=True)
    (root / "dataset.json").write_text(
        json.dumps({"classes": ["background", "object"], "background": 0})
    )
    for number in range(4):
        labels = np.zeros((40, 60), np.uint8)
        labels[5:15, 5 + number : 15 + number] = 1
        labels[22:34, 9 + number : 21 + number] = 2 if folder else 1
        Pictures.fromarray(np.repeat(labels[..., None] * 90, 3, 2)).save(
            root / f"images/{folder}{number:05d}.png"
        )
        Pictures.fromarray(labels).save(root / f"labels/{folder}{number:05d}.png")
    return root


class Oracle:
    """A tracker that knows the truth, or, frozen, stays with the first frame."""

    name = "oracle"

    def __init__(self, data, frozen=False):
        self.truths = [data.truth(sample).result for sample in data.samples]
        self.frozen = frozen

    def start(self, image, result):
        return Memory(None, 0, result)

    def step(self, memory, image):
        found = memory.result if self.frozen else self.truths[memory.frame + 1]
        return Memory(None, memory.frame + 1, found), found


@pytest.mark.parametrize(("frozen", "perfect"), [(False, True), (True, False)])
def test_video(tmp_path, frozen, perfect):
    data = open_data(video_set(tmp_path / "data", "run/"))
    oracle = Models("oracle", (Oracle(data, frozen),))
    metrics = bench(Run("video", data, lambda: oracle, tmp_path / "out", QUICK))["metrics"]
    names = ("j", "f", "jf", "stability", "idf1", "hota")
    assert ([metrics[name] for name in names] == [1] * 6) is perfect
    if frozen:
        # frames 1 and 2 are scored: a 10-pixel square moved by 1 and 2 keeps 9/11 and 8/12, a 12-pixel one 11/13, 10/14
        assert metrics["j"] == pytest.approx(np.mean([9 / 11, 8 / 12, 11 / 13, 10 / 14]))
        assert metrics["idf1"] == 1


def test_depth_is_fitted_and_scored(tmp_path):
    from PIL import Image as Pictures

    root = video_set(tmp_path / "data", "")
    (root / "depth").mkdir()
    metres = np.linspace(1, 9, 40 * 60).reshape(40, 60)
    for number in range(4):
        Pictures.fromarray((metres * 25.5).round().astype(np.uint8)).save(
            root / f"depth/{number:05d}.png"
        )

    class Knowing:
        name = "knowing"

        def depth(self, images):
            return [Depth((3 / metres + 1).astype(np.float32)) for _ in images]

    models = Models("knowing", (Knowing(),))
    results = bench(Run("depth", open_data(root), lambda: models, tmp_path / "out", QUICK))
    assert results["metrics"]["delta1"] == 1
    assert results["metrics"]["abs_rel"] < 0.01  # what 8 bits lose


def test_depth_and_names_must_be_there(drawn, fake, tmp_path):
    with pytest.raises(FormatError, match="no depth maps"):
        bench(Run("depth", drawn, fake, tmp_path / "a", QUICK))
    with pytest.raises(CapabilityError, match="no Dense"):
        bench(Run("recognise", drawn, lambda: Models("nothing", ()), tmp_path / "b", QUICK))
    with pytest.raises(OptionError, match="Did you mean 'semantic'"):
        bench(Run("semantics", drawn, fake, tmp_path / "c", QUICK))


@pytest.mark.parametrize(
    "wrong",
    [
        {"how": "magic"},
        {"workers": 0},
        {"slide_stride": 500},
        {"use_sam": True, "how": "dense"},
        {"rounds": 1},
        {"num_samples": 0},
        {"preset": "voc21/sclp"},
        {"num_samples": -1},
        {"logit_scale": 0},
        {"min_confidence": "some"},
        {"min_confidence": 2},
    ],
)
def test_options_are_checked(wrong):
    with pytest.raises(OptionError):
        BenchOptions(**wrong)


def test_an_error_names_the_picture(drawn, fake, tmp_path, drawn_folder):
    broken = replace(drawn, samples=(replace(drawn.samples[0], labels=drawn_folder / "gone.png"),))
    with pytest.raises(ValueError, match=r"gone\.png") as caught:
        bench(Run("semantic", broken, fake, tmp_path, QUICK))
    assert "while measuring p00" in caught.value.__notes__[0]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_pictures(drawn, fake, tmp_path):
    """What is kept of 120 pictures is their counts; scripts/bench_lab.py does the same with 1,449."""
    many = replace(
        drawn, samples=tuple(replace(drawn.samples[k % 6], name=f"p{k:03d}") for k in range(120))
    )
    tracemalloc.start()
    try:
        peaks = []
        for name, data in (("few", replace(many, samples=many.samples[:12])), ("many", many)):
            tracemalloc.reset_peak()
            bench(Run("semantic", data, fake, tmp_path / name, QUICK))
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 108 * 20_000  # bytes for each further picture
