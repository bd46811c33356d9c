"""A few steps of `mini` on drawn packs: kill and resume, words kept out, where a run may start."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")

from wordmask.errors import WeightsError  # noqa: E402
from wordmask.lab.export.mini import TrainedMini  # noqa: E402
from wordmask.lab.export.mini_weights import SHIPPED  # noqa: E402


def weights(training) -> torch.Tensor:
    state = training.average.state["network"]
    return torch.cat([value.flatten().float() for value in state.values()])


@pytest.mark.slow
def test_a_killed_run_goes_on_exactly(begin_mini):
    whole = begin_mini("whole", max_steps=4)
    whole.run()
    begin_mini("parts", max_steps=2).run()
    resumed = begin_mini("parts", max_steps=4)
    assert resumed.step == 2
    resumed.run()
    torch.testing.assert_close(weights(resumed), weights(whole), atol=1e-6, rtol=1e-5)


@pytest.mark.slow
def test_the_log_names_every_loss(begin_mini, monkeypatch):
    monkeypatch.setattr("wordmask.lab.training.loop.LOG_STEPS", 3)
    training = begin_mini(max_steps=3)
    training.run()
    (line,) = training.log.read_text().splitlines()
    row = json.loads(line)
    assert row["step"] == 3
    assert {"points", "regions", "masks", "quality", "iou", "norm", "scale"} <= set(row)
    assert all(np.isfinite(value) for value in row.values())


def test_words_kept_from_training_are_in_no_row(begin_mini):
    objective = begin_mini(without_words=("cat",)).objective
    column = objective.words.index("cat")
    assert not objective.word_losses.positive[:, column].any()
    assert not objective.word_losses.against[:, column].any()


def test_everything_that_learns_is_in_one_group(begin_mini):
    objective = begin_mini().objective
    grouped = [id(one) for group in objective.groups() for one in group.parameters]
    learning = [
        id(one)
        for module in objective.modules.values()
        for one in module.parameters()
        if one.requires_grad
    ]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == set(learning)


def test_frozen_layers_are_not_trained(begin_mini):
    training = begin_mini(max_steps=1, frozen=8)
    layers = training.objective.network.backbone.layers
    before = [[one.clone() for one in layer.parameters()] for layer in layers]
    training.run()
    moved = [
        any(not torch.equal(one, old) for one, old in zip(layer.parameters(), olds, strict=True))
        for layer, olds in zip(layers, before, strict=True)
    ]
    assert moved == [k >= 8 for k in range(len(layers))]


def test_a_run_keeps_the_whitening_that_it_starts_from(begin_mini, tmp_path):
    start = torch.load(tmp_path / "start.pt")["objective"]
    whitening = begin_mini().objective.language.whitening
    np.testing.assert_array_equal(whitening.mean, start["mean"])
    np.testing.assert_array_equal(whitening.turn, start["turn"])


def test_a_run_does_not_go_on_with_other_words(begin_mini, packs_folder, tmp_path):
    begin_mini(max_steps=0).run()
    state = torch.load(tmp_path / "run/last.pt")
    state["objective"]["words"][0] = "unicorn"
    torch.save(state, tmp_path / "run/last.pt")
    with pytest.raises(WeightsError, match="trained with other words"):
        begin_mini()


def test_the_averaged_networks_are_what_is_exported(begin_mini):
    training = begin_mini(max_steps=1)
    trained = TrainedMini.read(training.run())
    found = torch.cat([one.flatten().float() for one in trained.network.state_dict().values()])
    assert torch.equal(found, weights(training))
    assert trained.words == training.objective.words
    np.testing.assert_array_equal(
        trained.whitening.turn, training.objective.language.whitening.turn
    )


@pytest.mark.slow
@pytest.mark.parametrize("start", [Path("shipped"), SHIPPED], ids=["by name", "by folder"])
def test_training_starts_from_the_shipped_weights(begin_mini, start):
    """The network computes what the shipped one does, and its BatchNorms know the pictures."""
    pytest.importorskip("onnx", reason="the files are ONNX: pip install 'wordmask[export]'")
    from wordmask.lab.export.mini_weights import load_shipped

    training = begin_mini(start_from=start, max_steps=1)
    network, shipped = training.objective.network.eval(), load_shipped().network
    picture = torch.randint(0, 255, (1, 3, 64, 96)).float()
    with torch.no_grad():
        for found, wanted in zip(network(picture), shipped(picture), strict=True):
            torch.testing.assert_close(found, wanted, atol=2e-4, rtol=1e-3)
    norm = network.neck.lateral[0][1]
    assert (norm.running_mean != 0).any()
    training.run()
    assert training.step == 1
