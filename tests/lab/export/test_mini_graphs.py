"""The exported graphs say what torch says, at other sizes than the exported example."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="exports need torch: pip install 'wordmask[export]'")
pytest.importorskip("onnxscript", reason="exports need onnxscript: pip install 'wordmask[export]'")

import onnxruntime  # noqa: E402

from wordmask.lab.export.mini_graphs import (  # noqa: E402
    CutterGraph,
    DepthGraph,
    EncoderGraph,
    PrepareGraph,
    TogetherGraph,
    export_classes,
    export_cutter,
    export_depth,
    export_encoder,
    export_prepare,
    export_together,
)
from wordmask.model.mini.classes import ClassNetwork  # noqa: E402
from wordmask.model.mini.decoder import PromptMaps  # noqa: E402
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
    with torch.no_grad():
        trunk = network.trunk(torch.randint(0, 255, (1, 3, 96, 160)).float())
        maps = PrepareGraph(network)(trunk.neck, trunk.early, trunk.shared)
    for count, points in ((5, 3), (1, 1)):
        feed = {
            **dict(zip(PromptMaps._fields, maps, strict=False)),
            "xy": torch.rand(count, points, 2) * 90,
            "kind": torch.randint(-1, 4, (count, points)),
            "before": torch.randn(count, 1, 12, 20),
        }
        with torch.no_grad():
            wanted = CutterGraph(network)(*feed.values())
        found = session.run(None, {name: value.numpy() for name, value in feed.items()})
        assert_alike(found, wanted)


@pytest.mark.slow
def test_prompt_maps_are_made_for_a_picture_of_any_size(network, tmp_path):
    path = tmp_path / "prepare.onnx"
    export_prepare(network, path)
    session = onnxruntime.InferenceSession(path)
    for height, width in ((12, 20), (4, 6)):
        feed = {
            "neck": torch.randn(1, 160, height, width),
            "early": torch.randn(1, 24, 2 * height, 2 * width),
            "shared": torch.randn(1, 40, height, width),
        }
        with torch.no_grad():
            wanted = PrepareGraph(network)(*feed.values())
        assert_alike(session.run(None, {k: v.numpy() for k, v in feed.items()}), wanted)


@pytest.mark.slow
def test_depth_is_told_for_a_picture_of_any_size(network, tmp_path):
    path = tmp_path / "depth.onnx"
    export_depth(network, path)
    session = onnxruntime.InferenceSession(path)
    for height, width in ((12, 20), (4, 6)):
        neck = torch.randn(1, 160, height, width)
        with torch.no_grad():
            wanted = DepthGraph(network)(neck)
        assert_alike(session.run(None, {"neck": neck.numpy()}), [wanted])


@pytest.mark.slow
def test_classes_are_told_in_every_cell_at_stride_32(tmp_path):
    torch.manual_seed(0)
    classes = ClassNetwork().eval()
    path = tmp_path / "classes.onnx"
    export_classes(classes, path)
    session = onnxruntime.InferenceSession(path)
    for height, width in ((12, 20), (4, 8)):
        shared = torch.randn(1, 40, height, width)
        with torch.no_grad():
            wanted = classes(shared)
        assert wanted.shape == (1, 1000, height // 4, width // 4)
        assert_alike(session.run(None, {"shared": shared.numpy()}), [wanted])


def test_cells_are_drawn_together_however_many_they_are(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "together.onnx"
    export_together(path)
    session = onnxruntime.InferenceSession(path)
    for many, few in ((20, 4), (3, 1)):
        cells = torch.nn.functional.normalize(torch.randn(256, many), dim=0)
        given = {"cells": cells, "some": cells[:, :few], "share": torch.tensor(0.6)}
        given["sharpness"] = torch.tensor(30.0)
        (found,) = session.run(None, {name: one.numpy() for name, one in given.items()})
        assert found == pytest.approx(TogetherGraph()(**given).numpy(), abs=1e-5)
