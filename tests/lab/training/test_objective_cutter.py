"""The cutter trained alone: the encoder stays, its answers do too."""

import json

import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")
pytest.importorskip("onnxscript", reason="exports need onnxscript: pip install 'wordmask[export]'")

from mini_parity import assert_cutter_alike, assert_prepare_alike  # noqa: E402
from wordmask.errors import WeightsError  # noqa: E402
from wordmask.files import digest  # noqa: E402
from wordmask.lab.export.mini_weights import SHIPPED, load_shipped  # noqa: E402
from wordmask.lab.training.loop import Training  # noqa: E402
from wordmask.lab.training.objective_cutter import (  # noqa: E402
    LEARNING,
    CutterObjective,
    CutterTrainOptions,
)
from wordmask.lab.training.samples import SampleOptions  # noqa: E402

STAYS = ("backbone", "neck", "word_neck", "to_words", "to_none", "to_depth", "decoder.judge")
SMALL = SampleOptions(side=64, long_side=128, scales=(0.6, 1.0), points=8, regions=2, cuts=1)


@pytest.fixture
def begin(packs_folder, tmp_path):
    def make(**options):
        values = {"data": packs_folder, "out": tmp_path / "run", "batch": 2, "threads": 1}
        values |= {"warm": 0.0, "hold": 1.0, "minutes": 60.0, "sample": SMALL}
        return Training(CutterObjective, CutterTrainOptions(**(values | options)))

    return make


def flat(module) -> torch.Tensor:
    return torch.cat([one.detach().flatten() for one in module.parameters()])


@pytest.mark.slow
def test_only_what_cuts_moves_and_its_export_says_so(begin, tmp_path):
    training = begin(max_steps=2)
    network = training.objective.network
    stays = {name: flat(network.get_submodule(name)) for name in STAYS}
    moves = {name: flat(network.get_submodule(name)) for name in LEARNING}
    checkpoint = training.run()
    assert all(torch.equal(flat(network.get_submodule(name)), old) for name, old in stays.items())
    assert not any(
        torch.equal(flat(network.get_submodule(name)), old) for name, old in moves.items()
    )
    files = tmp_path / "files"
    training.objective.export(checkpoint, files)
    for name in ("encoder.onnx", "classes.onnx", "text.onnx", "words.npz"):
        assert digest(files / name) == digest(SHIPPED / name)
    assert digest(files / "cutter.onnx") != digest(SHIPPED / "cutter.onnx")
    settings = json.loads((files / "mini.json").read_text())
    assert settings["files"]["cutter.onnx"] == digest(files / "cutter.onnx")
    exported = load_shipped(files).network
    torch.testing.assert_close(flat(exported.decoder), flat(network.decoder), atol=2e-3, rtol=2e-3)
    assert_prepare_alike(files / "prepare.onnx", network.eval())
    assert_cutter_alike(files / "cutter.onnx", network)
    maps = torch.randn(1, 160, 8, 8), torch.randn(1, 24, 16, 16), torch.rand(1, 40, 8, 8)
    with torch.no_grad():
        pairs = zip(exported.cut_maps(*maps), network.cut_maps(*maps), strict=True)
    for found, wanted in pairs:
        torch.testing.assert_close(found, wanted, atol=2e-2, rtol=2e-2)


def test_a_fresh_cutter_starts_from_random_weights(begin):
    shipped = flat(load_shipped().network.decoder)
    assert not torch.allclose(flat(begin(fresh=True).objective.network.decoder), shipped)


def test_a_checkpoint_of_another_encoder_is_refused(begin):
    state = begin().objective.state() | {"files": "elsewhere"}
    with pytest.raises(WeightsError, match="elsewhere"):
        begin().objective.load_state(state)
