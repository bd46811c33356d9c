"""mini is taught own words: the head learns, the rest stays, and a file takes it all along."""

import json
from pathlib import Path

import numpy as np
import pytest

from commands import run_here
from own_drawings import write_own

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")
pytest.importorskip("onnx", reason="exports need onnx: pip install 'wordmask[export]'")

from mini_parity import assert_encoder_alike  # noqa: E402
from wordmask.core.masks import Masks  # noqa: E402
from wordmask.errors import FormatError, WeightsError  # noqa: E402
from wordmask.lab.data.folder import read_folder  # noqa: E402
from wordmask.lab.data.sample import VOID  # noqa: E402
from wordmask.lab.training.loop import Training  # noqa: E402
from wordmask.lab.training.objective_own import (  # noqa: E402
    OwnObjective,
    OwnTrainOptions,
    own_tables,
)
from wordmask.lab.training.own_batches import OwnReader  # noqa: E402
from wordmask.lab.training.own_split import (  # noqa: E402
    OwnDataOptions,
    OwnSplit,
    open_split,
)
from wordmask.lab.training.samples import SampleOptions  # noqa: E402

SMALL = SampleOptions(side=64, long_side=128, scales=(0.8, 1.0), points=64, regions=2, cuts=0)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_own(tmp_path_factory.mktemp("own") / "mine", range(14))


@pytest.fixture(scope="module")
def split(data):
    return open_split(data, OwnDataOptions(), lambda line: None)


@pytest.fixture
def begin(data, split, tmp_path):
    def make(name: str = "run", **options):
        values = {"data": data, "out": tmp_path / name, "batch": 4, "threads": 1, "half": False}
        values |= {"warm": 0.0, "hold": 1.0, "minutes": 60.0, "sample": SMALL}
        return Training(lambda o: OwnObjective(o, split), OwnTrainOptions(**(values | options)))

    return make


def test_the_parts_share_no_picture(split):
    names = [{one.name for one in part.samples} for part in (split.learn, split.fit, split.test)]
    assert sum(map(len, names)) == len(set.union(*names)) == 14
    assert [len(part) for part in names] == [10, 1, 3]


@pytest.mark.parametrize(("labelled", "uncovered"), [("all", 2), ("some", VOID)])
def test_what_no_region_covers_is_as_the_user_says(data, labelled, uncovered):
    lines = []
    split = open_split(data, OwnDataOptions(labelled=labelled), lines.append)
    assert split.words == ("quill pad", "zorb")
    labels = split.labels(split.learn, split.learn.truth(split.learn.samples[0]))
    assert labels[0, 0] == uncovered
    assert set(np.unique(labels)) >= {uncovered, 1}
    assert lines[0].endswith("14 pictures, 2 words")


def test_a_folder_with_annotations_is_read_too(packs_folder):
    """Its samples hold the annotations themselves, which no table can have for keys."""
    data = read_folder(packs_folder / "coco")
    reader = OwnReader(OwnSplit(data, data, data, ("cat", "person"), {}, True))
    labels = reader.read(data, data.samples[0])
    assert reader.read(data, data.samples[0]) is labels
    assert sorted(labels.regions.rows.tolist()) == [0, 1]
    assert set(np.unique(labels.maps[0])) == {0, 1, 2}


def test_a_row_is_its_word_and_none_is_any_rival():
    positive, against = own_tables(2, 5)
    assert positive.int().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 0, 1, 1, 1, 1],
    ]
    assert against.all()


@pytest.mark.slow
def test_only_head_and_words_move_and_a_killed_run_goes_on_exactly(begin, tmp_path):
    whole = begin("whole", max_steps=4)
    before = {name: one.clone() for name, one in whole.objective.network.state_dict().items()}
    checkpoint = whole.run()
    after = whole.objective.network.state_dict()
    moved = {name for name, one in after.items() if not torch.equal(one, before[name])}
    assert moved
    assert all(name.startswith(("to_words", "to_none")) for name in moved)
    begin("parts", max_steps=2).run()
    resumed = begin("parts", max_steps=4)
    resumed.run()
    for name, one in whole.average.state["network"].items():
        torch.testing.assert_close(resumed.average.state["network"][name], one)
    whole.objective.export(checkpoint, tmp_path / "files")
    assert_encoder_alike(tmp_path / "files/encoder.onnx", whole.objective.network)


def test_a_checkpoint_of_other_words_is_refused(begin):
    objective = begin().objective
    with pytest.raises(WeightsError, match="other words"):
        objective.load_state(objective.state() | {"words": ["cat"]})


def test_pictures_named_as_a_whole_teach_no_words(tmp_path):
    from PIL import Image as Pictures

    (tmp_path / "heron").mkdir()
    Pictures.new("RGB", (8, 8)).save(tmp_path / "heron/a.png")
    with pytest.raises(FormatError, match="as a whole"):
        open_split(tmp_path, OwnDataOptions(), print)


def test_groups_are_not_scored(split):
    sample = split.learn.samples[0]
    truth = split.learn.truth(sample)
    from dataclasses import replace

    from wordmask.core.result import Result

    whole = Masks.from_dense(np.ones((1, 96, 128), bool))
    crowded = replace(truth, crowd=Result.of(whole, split.words, label_ids=[0]))
    labels = split.labels(split.learn, crowded)
    assert labels[0, 0] == VOID
    assert (labels >= 0).sum() == truth.result.masks.areas.sum()


@pytest.mark.slow
def test_end_to_end_words_that_nobody_knew_are_found(tmp_path, capsys):
    """From a COCO file to a folder that the engine runs on, through the command line."""
    data, out = write_own(tmp_path / "mine", range(9)), tmp_path / "run"
    flags = ["--minutes", "30", "--max-steps", "12", "--batch", "3", "--rate", "0.005"]
    flags += ["--threads", "1", "--no-half", "--held-out", "0.12"]
    flags += ["--warm", "0", "--hold", "1"]  # else the rate depends on how fast the machine is
    assert run_here("train", "mini", "--data", data, "--out", out, *flags) == 0
    told = capsys.readouterr().out
    assert "9 pictures, 2 words" in told
    mean = next(line for line in told.splitlines() if line.startswith("miou"))
    before, after = (float(number) for number in mean.split()[1:])
    assert after > before + 0.2
    settings = json.loads((out / "files/mini.json").read_text())
    assert settings["presence"] in (0.0, 0.7)  # whichever names the set-aside picture better
    assert settings["calibration"] != [1.0, 0.0, 0.0]
    picture, flags = data.parent / "images/p01.png", ["--checkpoint", out / "files", "--json"]
    assert run_here("segment", picture, "zorb", *flags, "--output-dir", tmp_path / "found") == 0
    found = json.loads(capsys.readouterr().out)
    assert not any(one.get("unknown") for one in found.get("absent", []))


def test_a_broken_set_is_named_before_the_first_step(tmp_path, capsys):
    path = write_own(tmp_path / "mine", range(12))
    (tmp_path / "mine/images/p03.png").write_bytes(b"broken")
    assert run_here("train", "mini", "--data", path, "--out", tmp_path / "run") == 2
    told = capsys.readouterr()
    assert "p03.png" in told.out
    assert "--skip-broken" in told.err
    assert not (tmp_path / "run/log.jsonl").exists()
