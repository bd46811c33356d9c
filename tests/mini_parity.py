"""An exported graph of mini says what torch says, also at other sizes than the exported example."""

from pathlib import Path

import numpy as np
import onnxruntime
import torch

from wordmask.lab.export.mini_graphs import CutterGraph, EncoderGraph, PrepareGraph
from wordmask.model.mini.decoder import PromptMaps
from wordmask.model.mini.net import MiniNetwork


def assert_encoder_alike(path: Path, network: MiniNetwork) -> None:
    """Pictures of any number and size."""
    session, dice = onnxruntime.InferenceSession(path), torch.Generator().manual_seed(0)
    for shape in ((1, 3, 96, 160), (3, 3, 64, 32)):
        picture = torch.randint(0, 255, shape, dtype=torch.uint8, generator=dice)
        assert_alike(session, {"picture": picture}, EncoderGraph(network))


def assert_prepare_alike(path: Path, network: MiniNetwork) -> None:
    """One picture of any size."""
    session, dice = onnxruntime.InferenceSession(path), torch.Generator().manual_seed(0)
    for height, width in ((12, 20), (4, 6)):
        feed = {
            "neck": torch.randn(1, 160, height, width, generator=dice),
            "early": torch.randn(1, 24, 2 * height, 2 * width, generator=dice),
            "shared": torch.randn(1, 40, height, width, generator=dice),
        }
        assert_alike(session, feed, PrepareGraph(network))


def assert_cutter_alike(path: Path, network: MiniNetwork) -> None:
    """Any number of prompts with any number of points."""
    session, dice = onnxruntime.InferenceSession(path), torch.Generator().manual_seed(0)
    with torch.no_grad():
        trunk = network.trunk(torch.randint(0, 255, (1, 3, 96, 160), generator=dice).float())
        maps = PrepareGraph(network)(trunk.neck, trunk.early, trunk.shared)
    for count, points in ((5, 3), (1, 1)):
        feed = {
            **dict(zip(PromptMaps._fields, maps, strict=False)),
            "xy": torch.rand(count, points, 2, generator=dice) * 90,
            "kind": torch.randint(-1, 4, (count, points), generator=dice),
            "before": torch.randn(count, 1, 12, 20, generator=dice),
        }
        assert_alike(session, feed, CutterGraph(network))


def assert_alike(
    session: onnxruntime.InferenceSession, feed: dict[str, torch.Tensor], graph: torch.nn.Module
) -> None:
    """Weights are kept in fp16: a relative error of 2^-11 each."""
    found = session.run(None, {name: value.numpy() for name, value in feed.items()})
    with torch.no_grad():
        wanted = graph(*feed.values())
    several = wanted if isinstance(wanted, tuple) else (wanted,)
    for one, tensor in zip(found, several, strict=True):
        other = tensor.numpy()
        assert one.shape == other.shape
        assert np.abs(one - other).mean() < 0.01 * np.abs(other).mean() + 1e-4
