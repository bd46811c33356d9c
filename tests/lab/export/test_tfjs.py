"""A made-up TensorFlow.js graph as ONNX: each operation against sums written out by hand."""

import base64
import json

import numpy as np
import pytest

pytest.importorskip("onnx", reason="exports need onnx: pip install 'wordmask[export]'")

import onnxruntime

from wordmask.errors import WeightsError
from wordmask.lab.export.tfjs import Port, convert, read_tfjs
from wordmask.ops.resample import bilinear

RNG = np.random.default_rng(5)
WEIGHTS = {
    "kernel": RNG.normal(size=(3, 3, 2, 4)),
    "bias": RNG.normal(size=4),
    "depth": RNG.normal(size=(3, 3, 4, 1)),
    "scale": RNG.normal(size=(1, 1, 1, 2)),
    "one": np.array(1.0),
    "size": np.array([6, 8], np.int32),
}


def text(word):
    return base64.b64encode(word.encode()).decode()


def numbers(*values):
    return {"list": {"i": [str(value) for value in values]}}


def convolution(op, inputs, *, stride=1, padding="SAME", fused=(), dilation=1):
    attributes = {"strides": numbers(1, stride, stride, 1), "padding": {"s": text(padding)}}
    attributes["dilations"] = numbers(1, dilation, dilation, 1)
    if fused:
        attributes["fused_ops"] = {"list": {"s": [text(one) for one in fused]}}
    return op, inputs, attributes


def resizing(**switches):
    return "ResizeBilinear", ["a", "size"], {name: {"b": on} for name, on in switches.items()}


def write(folder, nodes, *, kept="float16"):
    """model.json and its weights; `nodes`: name -> (op, inputs, attributes)."""
    rows = [{"name": "picture", "op": "Placeholder"}]
    rows += [
        {"name": name, "op": op, "input": inputs, "attr": attributes}
        for name, (op, inputs, attributes) in nodes.items()
    ]
    data, listed = b"", []
    for name, values in WEIGHTS.items():
        whole = values.dtype == np.int32
        listed.append(
            {"name": name, "shape": values.shape, "dtype": "int32" if whole else "float32"}
        )
        if not whole:
            listed[-1]["quantization"] = {"dtype": kept}
        data += values.astype(np.int32 if whole else np.float16).tobytes()
    (folder / "weights.bin").write_bytes(data)
    manifest = [{"paths": ["weights.bin"], "weights": listed}]
    path = folder / "model.json"
    path.write_text(json.dumps({"modelTopology": {"node": rows}, "weightsManifest": manifest}))
    return path


def run(folder, nodes, output="a", shape=(1, 6, 8, 2)):
    """A picture of noise, and what the converted part makes of it."""
    graph = read_tfjs(write(folder, nodes))
    out = Port(output, "answer", ("n", "h", "w", "c"))
    model = convert(graph, [Port("picture", "pixels", ("n", *shape[1:]))], [out])
    session = onnxruntime.InferenceSession(model.SerializeToString())
    picture = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return picture, session.run(None, {"pixels": picture})[0]


def half(name):
    return WEIGHTS[name].astype(np.float16).astype(np.float32)


def convolve(picture, kernel, stride):
    """With TensorFlow's SAME: of an odd padding the larger half comes behind."""
    _, height, width, _ = picture.shape
    rows, columns = -(-height // stride), -(-width // stride)
    pads = [max((n - 1) * stride + 3 - side, 0) for n, side in ((rows, height), (columns, width))]
    around = [(0, 0), *((pad // 2, pad - pad // 2) for pad in pads), (0, 0)]
    wide = np.pad(picture, around)
    found = np.zeros((len(picture), rows, columns, kernel.shape[3]), np.float32)
    for y in range(rows):
        for x in range(columns):
            window = wide[:, y * stride : y * stride + 3, x * stride : x * stride + 3]
            found[:, y, x] = np.einsum("nhwc,hwcd->nd", window, kernel)
    return found


@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_with_bias_and_activation(tmp_path, stride):
    node = convolution(
        "_FusedConv2D", ["picture", "kernel", "bias"], stride=stride, fused=("BiasAdd", "Relu6")
    )
    picture, found = run(tmp_path, {"a": node}, shape=(2, 6, 8, 2))
    wanted = np.clip(convolve(picture, half("kernel"), stride) + half("bias"), 0, 6)
    assert np.abs(found - wanted).max() < 1e-4


def test_a_depthwise_convolution_keeps_channels_apart(tmp_path):
    nodes = {
        "b": convolution("Conv2D", ["picture", "kernel"]),
        "a": convolution("DepthwiseConv2dNative", ["b", "depth"]),
    }
    picture, found = run(tmp_path, nodes)
    before = convolve(picture, half("kernel"), 1)
    apart = half("depth")[..., 0][..., None] * np.eye(4, dtype=np.float32)
    assert np.abs(found - convolve(before, apart, 1)).max() < 1e-3


def test_sums_products_and_differences_take_constants(tmp_path):
    nodes = {
        "b": ("Mul", ["picture", "scale"], {}),
        "c": ("Sub", ["b", "one"], {}),
        "a": ("AddV2", ["c", "picture"], {}),
    }
    picture, found = run(tmp_path, nodes)
    assert np.abs(found - (picture * half("scale") - 1 + picture)).max() < 1e-5


def test_resizing_is_between_pixel_centres(tmp_path):
    _, _, switches = resizing(half_pixel_centers=True, align_corners=False)
    nodes = {
        "b": convolution("Conv2D", ["picture", "kernel"]),
        "c": ("ResizeBilinear", ["b", "size"], switches),
        "a": convolution("DepthwiseConv2dNative", ["c", "depth"]),
    }
    picture, found = run(tmp_path, nodes, shape=(1, 3, 4, 2))
    assert found.shape == (1, 6, 8, 4)
    small = convolve(picture, half("kernel"), 1)
    large = np.stack([bilinear(small[0], (6, 8))])
    apart = half("depth")[..., 0][..., None] * np.eye(4, dtype=np.float32)
    assert np.abs(found - convolve(large, apart, 1)).max() < 1e-3


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (("ArgMax", ["picture"], {}), "ArgMax, which is not converted"),
        (resizing(align_corners=True), "half_pixel_centers"),
        (convolution("Conv2D", ["picture", "kernel"], dilation=2), "dilations"),
        (convolution("Conv2D", ["picture", "kernel"], fused=("Elu",)), "Elu is not converted"),
        (("Mul", ["nowhere", "one"], {}), "no tensor nowhere"),
    ],
)
def test_what_is_not_converted_is_told(tmp_path, node, said):
    op, inputs, attributes = node
    inputs = ["picture" if one == "a" else one for one in inputs]
    with pytest.raises(WeightsError, match=said):
        run(tmp_path, {"a": (op, inputs, attributes)})


def test_weights_that_are_cut_or_rounded_otherwise_are_refused(tmp_path):
    path = write(tmp_path, {})
    file = tmp_path / "weights.bin"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="is cut"):
        read_tfjs(path)
    with pytest.raises(WeightsError, match="kept as uint8"):
        read_tfjs(write(tmp_path, {}, kept="uint8"))
