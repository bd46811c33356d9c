"""The smaller graphs say what torch says, at other sizes than the exported example.

Encoder, prepare and cutter take half a minute to export: the tests of what trains them compare
them, as training exports them there.
"""

import pytest

torch = pytest.importorskip("torch", reason="exports need torch: pip install 'wordmask[export]'")
pytest.importorskip("onnxscript", reason="exports need onnxscript: pip install 'wordmask[export]'")

import onnxruntime  # noqa: E402

from mini_parity import assert_alike  # noqa: E402
from wordmask.lab.export.mini_graphs import (  # noqa: E402
    DepthGraph,
    TogetherGraph,
    export_classes,
    export_depth,
    export_together,
)
from wordmask.model.mini.classes import ClassNetwork  # noqa: E402
from wordmask.model.mini.net import MiniNetwork  # noqa: E402


@pytest.mark.slow
def test_depth_is_told_for_a_picture_of_any_size(tmp_path):
    torch.manual_seed(0)
    network = MiniNetwork().eval()
    path = tmp_path / "depth.onnx"
    export_depth(network, path)
    session = onnxruntime.InferenceSession(path)
    for height, width in ((12, 20), (4, 6)):
        feed = {"neck": torch.randn(1, 160, height, width)}
        assert_alike(session, feed, DepthGraph(network))


@pytest.mark.slow
def test_classes_are_told_in_every_cell_at_stride_32(tmp_path):
    torch.manual_seed(0)
    classes = ClassNetwork().eval()
    path = tmp_path / "classes.onnx"
    export_classes(classes, path)
    session = onnxruntime.InferenceSession(path)
    for height, width in ((12, 20), (4, 8)):
        feed = {"shared": torch.randn(1, 40, height, width)}
        assert_alike(session, feed, classes)
        (found,) = session.run(None, {"shared": feed["shared"].numpy()})
        assert found.shape == (1, 1000, height // 4, width // 4)


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
