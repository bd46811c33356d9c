"""The exported graphs say what torch says, at other sizes than the exported example."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="exports need torch: pip install 'wordmask[export]'")
pytest.importorskip("onnxscript", reason="exports need onnxscript: pip install 'wordmask[export]'")

import onnxruntime  # noqa: E402

from wordmask.lab.export.mini_graphs import (  # noqa: E402
    CutterGraph,
    EncoderGraph,
    export_cutter,
    export_encoder,
)
from wordmask.model.mini.net import MiniNetwork  # noqa: E402


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return MiniNetwork().eval()


def assert_alike(found, wanted):
    """Weights are kept in fp16: a relative error of 2^-11 each."""
    for one, tensor in zip(found, wanted, strict=True):
        other = tensor.numpy()
        assert one.shape == other.shape
        assert np.abs(one - other).mean() < 0.01 * np.abs(other).mean() + 1e-4


@pytest.mark.slow
def test_the_encoder_takes_pictures_of_any_number_and_size(network, tmp_path):
    path = tmp_path / "encoder.onnx"
    export_encoder(network, path)
    session = onnxruntime.InferenceSession(path)
    for shape in ((1, 3, 96, 160), (3, 3, 64, 32)):
        picture = torch.randint(0, 255, shape, dtype=torch.uint8)
        with torch.no_grad():
            wanted = EncoderGraph(network)(picture)
        assert_alike(session.run(None, {"picture": picture.numpy()}), wanted)


@pytest.mark.slow
def test_the_cutter_takes_any_number_of_prompts(network, tmp_path):
    path = tmp_path / "cutter.onnx"
    export_cutter(network, path)
    session = onnxruntime.InferenceSession(path)
    features = network(torch.randint(0, 255, (1, 3, 96, 160)).float())
    coarse, fine = features.coarse.detach(), features.fine.detach()
    for count, points in ((5, 3), (1, 1)):
        feed = {
            "coarse": coarse,
            "fine": fine,
            "xy": torch.rand(count, points, 2) * 90,
            "kind": torch.randint(-1, 4, (count, points)),
            "before": torch.randn(count, 1, 12, 20),
        }
        with torch.no_grad():
            wanted = CutterGraph(network)(*feed.values())
        found = session.run(None, {name: value.numpy() for name, value in feed.items()})
        assert_alike(found, wanted)
