"""The context trained on drawn packs, and what the engine makes of it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")
pytest.importorskip("onnxscript", reason="exports need onnxscript: pip install 'wordmask[export]'")

from wordmask import engines  # noqa: E402
from wordmask.core.image import Image  # noqa: E402
from wordmask.core.protocols import Dense  # noqa: E402
from wordmask.engines.options import EngineOptions  # noqa: E402
from wordmask.errors import FormatError, WeightsError  # noqa: E402
from wordmask.lab.training.kept import NOTE  # noqa: E402
from wordmask.lab.training.loop import Step, Training  # noqa: E402
from wordmask.lab.training.objective_context import (  # noqa: E402
    ContextObjective,
    ContextTrainOptions,
)
from wordmask.model.mini.context import SUMMARY  # noqa: E402


def summarise(image):
    """Something that tells pictures apart."""
    dice = np.random.default_rng(int(image.pixels.sum()))
    return dice.normal(size=SUMMARY).astype(np.float32)


def embed_texts(phrases):
    rows = np.stack([np.random.default_rng(list(one.encode())).normal(size=256) for one in phrases])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def begin(packs_folder, tmp_path):
    def make(look=summarise, **options):
        values = {"data": packs_folder, "out": tmp_path / "run", "batch": 8, "threads": 1}
        values |= {"warm": 0.0, "hold": 1.0, "minutes": 60.0}
        return Training(
            lambda o: ContextObjective(o, look, embed_texts),
            ContextTrainOptions(**(values | options)),
        )

    return make


def test_a_run_learns_which_words_are_there(begin):
    training = begin(max_steps=60)
    batch = training.objective.draw(10**6)
    network = training.objective.network.eval()

    def loss():
        return training.objective.losses(batch, Step(0, 0.0, False))[1]["presence"]

    before = loss()
    training.run()
    network.eval()
    assert loss() < before / 2


def test_pictures_are_looked_at_once(begin):
    begin()

    def refuse(image):
        raise AssertionError("looked at again")

    objective = begin(refuse).objective
    assert len(objective.summaries) == len(objective.records)


def test_what_was_seen_in_other_packs_is_refused(begin, tmp_path):
    begin()
    (tmp_path / "run/summaries" / NOTE).write_text("classes 123 of elsewhere")
    with pytest.raises(FormatError, match="made by classes 123 of elsewhere, not by"):
        begin()


def test_a_checkpoint_for_other_files_is_refused(begin):
    state = begin().objective.state() | {"files": "elsewhere"}
    with pytest.raises(WeightsError, match="elsewhere"):
        begin().objective.load_state(state)


def test_the_engine_says_what_the_network_says(begin, tmp_path):
    training = begin(max_steps=2)
    files = tmp_path / "files"
    training.objective.export(training.run(), files)
    dense = engines.load("mini", options=EngineOptions(checkpoint=files)).get(Dense)
    dice = np.random.default_rng(0)
    picture = Image(dice.integers(0, 255, (64, 96, 3), np.uint8))
    features = dense.features(dense.encode([picture])[0])
    summary = features.classes.maps().summary
    with torch.no_grad():
        expected = training.objective.network(torch.from_numpy(summary[None]))[0]
    assert features.context.direction() == pytest.approx(expected.numpy(), abs=0.02, rel=0.02)
    texts = dense.embed_texts(("dog", "cat"))
    assert np.isfinite(features.context.log_odds(texts)).all()
