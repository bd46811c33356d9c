"""LaMa's kind of painter, from an ONNX file."""

import numpy as np
import pytest

from holes import scene
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.protocols import Inpainter
from wordmask.core.result import Result
from wordmask.engines import EngineOptions
from wordmask.engines.fill import lama
from wordmask.errors import CapabilityError, WeightsError
from wordmask.tasks import edit


def lama_file(path, *, side=None, scale=1.0, mask_channels=1):
    """A network that answers `image + mask * 0.5`, in 0..1 or, with scale 255, in 0..255."""
    onnx = pytest.importorskip("onnx", reason="building an ONNX file needs onnx (extra export)")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    shape = ["height", "width"] if side is None else [side, side]
    ports = [
        helper.make_tensor_value_info("image", floats, [1, 3, *shape]),
        helper.make_tensor_value_info("mask", floats, [1, mask_channels, *shape]),
    ]
    constants = [
        helper.make_tensor("half", floats, [], [0.5]),
        helper.make_tensor("scale", floats, [], [scale]),
    ]
    nodes = [
        helper.make_node("Mul", ["mask", "half"], ["grey"]),
        helper.make_node("Add", ["image", "grey"], ["sum"]),
        helper.make_node("Mul", ["sum", "scale"], ["out"]),
    ]
    out = helper.make_tensor_value_info("out", floats, [1, 3, *shape])
    graph = helper.make_graph(nodes, "lama", ports, [out], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize(("side", "scale"), [(None, 1.0), (None, 255.0), (64, 1.0), (64, 255.0)])
def test_lama_runs_from_a_file_whatever_its_size_and_range(tmp_path, side, scale):
    path = lama_file(tmp_path / "lama.onnx", side=side, scale=scale)
    painter = engines.load(str(path), need=(Inpainter,)).get(Inpainter)
    image, hole = scene(61)
    filled = painter.fill(image, hole)
    assert filled.size == image.size
    assert (filled.pixels[~hole] == image.pixels[~hole]).all()
    assert (np.abs(filled.pixels[hole].astype(int) - 128) <= 1).all()
    assert "@sha256:" in painter.name


def test_lama_gets_crops_at_its_own_size(tmp_path):
    painter = lama.load(
        "lama", EngineOptions(checkpoint=lama_file(tmp_path / "lama.onnx", side=64))
    )
    pixels = np.zeros((400, 500, 3), np.uint8)
    mask = np.zeros((400, 500), bool)
    mask[50:250, 100:400] = True
    done = edit.remove(Image(pixels), Result.of(Masks.from_dense(mask)), painter)
    assert (done.image.pixels[120:180, 200:300] > 100).all()
    assert not done.image.pixels[~done.touched].any()
    with pytest.raises(CapabilityError, match="takes crops up to"):
        painter.fill(Image(pixels), mask)


def test_lama_with_a_wrong_file_says_what_it_needs(tmp_path):
    with pytest.raises(WeightsError, match="a mask"):
        lama.load(
            "lama", EngineOptions(checkpoint=lama_file(tmp_path / "two.onnx", mask_channels=3))
        )
    (tmp_path / "junk.onnx").write_bytes(b"\x08\x07junk")
    with pytest.raises(WeightsError, match=r"junk\.onnx"):
        lama.load("lama", EngineOptions(checkpoint=tmp_path / "junk.onnx"))
