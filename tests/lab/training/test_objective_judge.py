"""The judge trained alone: masks stay as they are, what is said of them learns."""

import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")
onnx = pytest.importorskip("onnx", reason="exports need onnx: pip install 'wordmask[export]'")

from wordmask.core.image import Image  # noqa: E402
from wordmask.core.protocols import PromptBatch, Segmenter  # noqa: E402
from wordmask.engines import load  # noqa: E402
from wordmask.engines.options import EngineOptions  # noqa: E402
from wordmask.errors import FormatError, InputError, WeightsError  # noqa: E402
from wordmask.files import digest  # noqa: E402
from wordmask.lab.export.mini_weights import SHIPPED, load_shipped  # noqa: E402
from wordmask.lab.training.loop import Step, Training  # noqa: E402
from wordmask.lab.training.objective_judge import (  # noqa: E402
    JudgedCuts,
    JudgeObjective,
    JudgeTrainOptions,
)
from wordmask.lab.training.samples import SampleOptions  # noqa: E402
from wordmask.model.mini.judge import FACTS, MaskJudge  # noqa: E402

SMALL = SampleOptions(side=64, long_side=128, scales=(0.6, 1.0), points=8, regions=2, cuts=2)


@pytest.fixture
def begin(packs_folder, tmp_path):
    def make(**options):
        values = {"data": packs_folder, "out": tmp_path / "run", "batch": 64, "threads": 1}
        values |= {"warm": 0.0, "hold": 1.0, "minutes": 60.0, "sample": SMALL, "draws": 2}
        return Training(JudgeObjective, JudgeTrainOptions(**(values | options)))

    return make


def test_a_judge_learns_which_candidate_is_best(begin):
    training = begin(max_steps=1)
    objective = training.objective
    objective.judge = MaskJudge()
    dice = torch.Generator().manual_seed(3)
    facts = torch.randn(400, 3, FACTS, generator=dice)
    cuts = JudgedCuts(facts, (facts[..., 5] - facts[..., 7]).sigmoid())
    optimizer = torch.optim.AdamW(objective.judge.parameters(), 5e-3)
    for _ in range(150):
        loss, logged = objective.losses(cuts, Step(0, 0.0, False))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert logged["chosen"] > float(cuts.iou.max(1).values.mean()) - 0.02


@pytest.mark.slow
def test_masks_stay_and_an_engine_ranks_by_the_judge(begin, tmp_path):
    training = begin(max_steps=3, rate=0.05)
    checkpoint = training.run()
    files = tmp_path / "files"
    training.objective.export(checkpoint, files)
    for name in ("encoder.onnx", "prepare.onnx", "classes.onnx"):
        assert digest(files / name) == digest(SHIPPED / name)
    settings = json.loads((files / "mini.json").read_text())
    assert settings["files"]["cutter.onnx"] == digest(files / "cutter.onnx")
    found = load_shipped(files).network.decoder.judge.state_dict()
    for name, value in training.objective.judge.state_dict().items():
        torch.testing.assert_close(found[name], value, atol=2e-3, rtol=2e-3)
    picture = Image(np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8))
    prompt = PromptBatch.points(np.array([[60, 40]], np.float32))
    before, after = (
        engine.cut(engine.encode([picture])[0], prompt)
        for engine in (
            load("mini", options=EngineOptions(checkpoint=folder)).get(Segmenter)
            for folder in (SHIPPED, files)
        )
    )
    np.testing.assert_array_equal(after.logits, before.logits)
    assert not np.allclose(after.quality, before.quality, atol=1e-4)


def test_pictures_are_cut_once(begin, monkeypatch):
    first = begin().objective.cuts
    monkeypatch.setattr("wordmask.lab.training.objective_judge.judged_cuts", None)
    torch.testing.assert_close(begin().objective.cuts, first)


def test_cuts_of_other_draws_are_not_taken_for_these(begin):
    assert len(begin(draws=1).objective.cuts.iou) < len(begin(draws=2).objective.cuts.iou)
    with pytest.raises(FormatError, match=r"made by mini .*, not by mini .* seed 2"):
        begin(seed=2)


def test_files_of_before_there_was_a_judge_are_refused_at_once(begin, tmp_path):
    files = tmp_path / "first"
    shutil.copytree(SHIPPED, files)
    graph = onnx.load(files / "cutter.onnx")
    for tensor in graph.graph.initializer:
        tensor.name = tensor.name.replace("decoder.judge", "decoder.other")
    for node in graph.graph.node:
        node.input[:] = [name.replace("decoder.judge", "decoder.other") for name in node.input]
    onnx.save(graph, files / "cutter.onnx")
    settings = json.loads((files / "mini.json").read_text())
    settings["files"]["cutter.onnx"] = digest(files / "cutter.onnx")
    (files / "mini.json").write_text(json.dumps(settings))
    with pytest.raises(WeightsError, match="train its cutter first"):
        begin(start_from=files)


def test_no_mask_anywhere_is_said(begin):
    nothing = SampleOptions(**(vars(SMALL) | {"cuts": 0}))
    with pytest.raises(InputError, match="nothing to judge"):
        begin(sample=nothing)


def test_a_checkpoint_for_other_files_is_refused(begin):
    state = begin().objective.state() | {"files": "elsewhere"}
    with pytest.raises(WeightsError, match="elsewhere"):
        begin().objective.load_state(state)
