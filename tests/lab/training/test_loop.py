"""A run of a few steps on drawn packs: it can be killed and go on exactly, and words can be kept from it."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wordmask[train]'")

from wordmask.lab.data.packs import Packs  # noqa: E402
from wordmask.lab.training.loop import Average, Run, TrainOptions, caption_words, rate_at  # noqa: E402
from wordmask.lab.training.samples import SampleOptions  # noqa: E402
from wordmask.lab.training.vocabulary import phrases  # noqa: E402
from wordmask.model.mini.net import Adapter, MiniNetwork  # noqa: E402

SMALL = SampleOptions(
    side=64, long_side=128, scales=(0.6, 1.0), points=32, regions=3, inside=6, cuts=1
)


@pytest.fixture
def begin(packs_folder, tmp_path):
    """Makes runs that start from one random network and know random word vectors instead of a sentence encoder's."""
    torch.manual_seed(0)
    start = tmp_path / "start.pt"
    torch.save({"average": [MiniNetwork().state_dict(), Adapter().state_dict()]}, start)

    def make(name: str, **options: object) -> Run:
        out = tmp_path / name
        out.mkdir(exist_ok=True)
        packs = Packs(packs_folder)
        count = sum(len(phrases(w)) for w in packs.vocabulary.words) + len(caption_words(packs))
        rows = np.random.default_rng(0).normal(size=(count, 384)).astype(np.float16)
        if not (out / "language.npz").exists():
            np.savez(out / "language.npz", rows=rows)
        settings = {
            "batch": 2,
            "warm": 0.0,
            "hold": 1.0,
            "sharpen_from": 0.0,
            "threads": 1,
            "minutes": 60.0,
        }
        return Run(
            TrainOptions(
                packs_folder, out, start_from=start, sample=SMALL, **{**settings, **options}
            )
        )

    return make


def weights(run: Run) -> torch.Tensor:
    return torch.cat([v.flatten().float() for v in run.average.state[0].values()])


@pytest.mark.slow
def test_a_killed_run_goes_on_exactly(begin):
    whole = begin("whole", max_steps=4)
    whole.train()
    begin("parts", max_steps=2).train()
    resumed = begin("parts", max_steps=4)
    assert resumed.step == 2
    resumed.train()
    torch.testing.assert_close(weights(resumed), weights(whole), atol=1e-6, rtol=1e-5)


@pytest.mark.slow
def test_the_log_has_a_line_per_twenty_steps(begin):
    run = begin("log", max_steps=20)
    run.train()
    (line,) = (run.options.out / "log.jsonl").read_text().splitlines()
    row = json.loads(line)
    assert row["step"] == 20
    assert {"points", "regions", "masks", "quality", "iou", "norm"} <= set(row)
    assert all(np.isfinite(v) for v in row.values())


def test_words_kept_from_training_are_in_no_row(begin):
    run = begin("without", without_words=("cat",))
    column = run.packs.vocabulary.index["cat"]
    assert not run.objective.positive[:, column].any()
    assert not run.objective.against[:, column].any()


def test_the_rate_climbs_holds_and_falls_to_zero():
    rates = [rate_at(share, 0.1, 0.4) for share in (0.0, 0.05, 0.1, 0.3, 0.4, 0.7, 1.0)]
    assert rates == pytest.approx([0.02, 0.5, 1, 1, 1, 0.5, 0], abs=1e-6)


def test_the_average_follows_slowly():
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(layer.weight)
    average = Average(layer)
    torch.nn.init.ones_(layer.weight)
    average.update(0.75)
    assert average.state[0]["weight"].item() == pytest.approx(0.25)
