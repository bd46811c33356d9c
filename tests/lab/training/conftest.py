"""Runs of `mini` on drawn packs, small enough for a test."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest


def random_sentences(lines: Sequence[str]) -> np.ndarray:
    """In place of the sentence encoder, which comes with a package that only training needs."""
    return np.random.default_rng(len(lines)).normal(size=(len(lines), 384)).astype(np.float32)


@pytest.fixture
def embed_lines() -> Callable[[Sequence[str]], np.ndarray]:
    return random_sentences


@pytest.fixture
def begin_mini(packs_folder: Path, tmp_path: Path) -> Callable[..., object]:
    """Makes runs that start from one random network."""
    torch = pytest.importorskip(
        "torch", reason="training needs torch: pip install 'wordmask[train]'"
    )
    from wordmask.lab.training.loop import Training
    from wordmask.lab.training.objective_mini import MiniObjective, MiniTrainOptions
    from wordmask.lab.training.samples import SampleOptions
    from wordmask.model.mini.net import Adapter, MiniNetwork

    small = SampleOptions(
        side=64, long_side=128, scales=(0.6, 1.0), points=32, regions=3, inside=6, cuts=1
    )
    torch.manual_seed(0)
    modules = {"network": MiniNetwork(), "adapter": Adapter()}
    average = {name: module.state_dict() for name, module in modules.items()}
    whitening = {"mean": torch.randn(384), "turn": torch.randn(384, 256)}
    start = tmp_path / "start.pt"
    torch.save({"average": average, "objective": whitening}, start)

    def make(name: str = "run", **options: object) -> Training:
        values: dict[str, object] = {"data": packs_folder, "out": tmp_path / name}
        values |= {"batch": 2, "warm": 0.0, "hold": 1.0, "sharpen_from": 0.0, "threads": 1}
        values |= {"minutes": 60.0, "sample": small, "start_from": start}
        objective = partial(MiniObjective, embed_lines=random_sentences)
        return Training(objective, MiniTrainOptions(**(values | options)))

    return make
