"""A graph with other weights says what torch says with them; nothing else in it moves."""

import pytest

torch = pytest.importorskip("torch", reason="exports need torch: pip install 'wordmask[export]'")
onnx = pytest.importorskip("onnx", reason="exports need onnx: pip install 'wordmask[export]'")

import onnxruntime  # noqa: E402

from mini_parity import assert_cutter_alike, assert_encoder_alike  # noqa: E402
from wordmask.errors import WeightsError  # noqa: E402
from wordmask.lab.export.mini import HEAD  # noqa: E402
from wordmask.lab.export.mini_replace import replace_weights  # noqa: E402
from wordmask.lab.export.mini_weights import SHIPPED, load_shipped  # noqa: E402

JUDGE = ("decoder.judge",)


@pytest.fixture(scope="module")
def shipped():
    return load_shipped().network


@pytest.fixture(scope="module")
def other():
    """The shipped network with another head and judge, also in what its norms have seen."""
    network = load_shipped().network
    torch.manual_seed(0)
    with torch.no_grad():
        for part in map(network.get_submodule, (*HEAD, *JUDGE)):
            for values in part.parameters():
                values.add_(0.1 * torch.randn_like(values))
            for norm in part.modules():
                if isinstance(norm, torch.nn.BatchNorm2d):
                    norm.running_mean.normal_(0, 0.3)
                    norm.running_var.uniform_(0.5, 2)
    return network


@pytest.mark.parametrize(
    ("parts", "name", "assert_alike"),
    [
        (HEAD, "encoder.onnx", assert_encoder_alike),
        (JUDGE, "cutter.onnx", assert_cutter_alike),
    ],
)
def test_the_graph_answers_with_the_weights_it_was_given(
    parts, name, assert_alike, shipped, other, tmp_path
):
    assert_alike(SHIPPED / name, shipped)
    with pytest.raises(AssertionError):
        assert_alike(SHIPPED / name, other)
    replace_weights(other, parts, SHIPPED / name, tmp_path / name)
    assert_alike(tmp_path / name, other)
    ours, theirs = (onnx.load(folder / name).graph for folder in (tmp_path, SHIPPED))
    assert ours.node == theirs.node
    moved = [
        one.name
        for one, before in zip(ours.initializer, theirs.initializer, strict=True)
        if one != before
    ]
    assert 5 < len(moved) < len(ours.initializer) / 5


def test_its_own_weights_change_no_answer(shipped, tmp_path):
    path = tmp_path / "encoder.onnx"
    replace_weights(shipped, HEAD, SHIPPED / "encoder.onnx", path)
    picture = torch.randint(0, 255, (1, 3, 64, 96), dtype=torch.uint8).numpy()
    answers = [
        onnxruntime.InferenceSession(file).run(None, {"picture": picture})
        for file in (SHIPPED / "encoder.onnx", path)
    ]
    for one, again in zip(*answers, strict=True):
        assert abs(one - again).max() <= 2e-3 * abs(one).max()


def test_a_graph_without_the_part_is_refused(shipped, tmp_path):
    with pytest.raises(WeightsError, match="to_none"):
        replace_weights(shipped, HEAD, SHIPPED / "depth.onnx", tmp_path / "depth.onnx")
    assert not list(tmp_path.iterdir())


def test_another_size_is_refused(tmp_path):
    network = load_shipped().network
    network.to_none = torch.nn.Conv2d(8, 1, 1)
    with pytest.raises(
        WeightsError, match=r"to_none.weight is \(1, 160, 1, 1\), .* \(1, 8, 1, 1\)"
    ):
        replace_weights(network, HEAD, SHIPPED / "encoder.onnx", tmp_path / "encoder.onnx")
    assert not list(tmp_path.iterdir())
