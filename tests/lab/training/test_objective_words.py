"""The words trained alone: what cuts, and all that others read, stays as it is."""

import json
from functools import partial

import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")
pytest.importorskip("onnxscript", reason="exports need onnxscript: pip install 'wordmask[export]'")

from mini_parity import assert_encoder_alike  # noqa: E402
from wordmask.errors import WeightsError  # noqa: E402
from wordmask.files import digest  # noqa: E402
from wordmask.lab.export.mini_weights import SHIPPED, load_shipped  # noqa: E402
from wordmask.lab.training.loop import Training  # noqa: E402
from wordmask.lab.training.objective_words import (  # noqa: E402
    LEARNING,
    WordsObjective,
    WordsTrainOptions,
)
from wordmask.lab.training.samples import SampleOptions  # noqa: E402

SMALL = SampleOptions(side=64, long_side=128, scales=(0.6, 1.0), points=32, regions=3, cuts=0)
ADAPTED = ("log_scale", "down.weight", "up.weight")


@pytest.fixture
def begin(packs_folder, tmp_path, embed_lines):
    def make(**options):
        values = {"data": packs_folder, "out": tmp_path / "run", "batch": 2, "threads": 1}
        values |= {"warm": 0.0, "hold": 1.0, "minutes": 60.0, "sample": SMALL}
        objective = partial(WordsObjective, embed_lines=embed_lines)
        return Training(objective, WordsTrainOptions(**(values | options)))

    return make


def states(objective) -> dict[str, torch.Tensor]:
    return {
        name: value.clone()
        for module in objective.modules.values()
        for name, value in module.state_dict().items()
    }


@pytest.mark.slow
def test_only_words_move_and_the_export_says_so(begin, tmp_path):
    training = begin(max_steps=2)
    objective = training.objective
    before = states(objective)
    checkpoint = training.run()
    after = states(objective)
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert all(name.startswith(LEARNING) or name in ADAPTED for name in moved)
    assert any(name.startswith("word_neck.layers") for name in moved)
    files = tmp_path / "files"
    objective.export(checkpoint, files)
    for name in ("prepare.onnx", "cutter.onnx", "depth.onnx", "classes.onnx", "text.onnx"):
        assert digest(files / name) == digest(SHIPPED / name)
    settings = json.loads((files / "mini.json").read_text())
    assert settings["files"]["encoder.onnx"] == digest(files / "encoder.onnx")
    assert settings["scale"] == pytest.approx(float(objective.network.scale().detach()))
    assert_encoder_alike(files / "encoder.onnx", objective.network.eval())
    exported = load_shipped(files).network
    picture = torch.randint(0, 255, (1, 3, 64, 96)).float()
    with torch.no_grad():
        found, wanted = exported(picture), objective.network(picture)
    for one, other in zip(found, wanted, strict=True):  # weights are kept in fp16
        assert (one - other).abs().max() < 0.01 * other.abs().max()


@pytest.mark.slow
def test_a_stopped_run_goes_on_exactly(begin, tmp_path):
    whole = begin(max_steps=3, out=tmp_path / "whole")
    whole.run()
    begin(max_steps=1, out=tmp_path / "parts").run()
    resumed = begin(max_steps=3, out=tmp_path / "parts")
    assert resumed.step == 1
    resumed.run()
    torch.testing.assert_close(states(resumed.objective), states(whole.objective))


def test_a_checkpoint_for_other_files_or_words_is_refused(begin):
    objective = begin().objective
    with pytest.raises(WeightsError, match="elsewhere"):
        objective.load_state(objective.state() | {"files": "elsewhere"})
    with pytest.raises(WeightsError, match="other words"):
        objective.load_state(objective.state() | {"words": ["unicorn"]})
