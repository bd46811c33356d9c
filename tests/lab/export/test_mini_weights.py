"""The torch network that is rebuilt from the shipped files computes what the engine computes."""

import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="the network needs torch: pip install 'wordmask[train]'"
)
pytest.importorskip("onnx", reason="the files are ONNX: pip install 'wordmask[export]'")

import onnxruntime  # noqa: E402

from wordmask.errors import WeightsError  # noqa: E402
from wordmask.lab.export.mini_graphs import (  # noqa: E402
    CutterGraph,
    DepthGraph,
    EncoderGraph,
    PrepareGraph,
)
from wordmask.lab.export.mini_weights import SHIPPED, load_shipped, measure_norms  # noqa: E402
from wordmask.model.mini.decoder import PromptMaps  # noqa: E402

TOLERANCE = 1e-5  # of the largest value of an output; 4e-6 was measured


@pytest.fixture(scope="module")
def shipped():
    return load_shipped()


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """(4, 3, 96, 160): smooth noise, so that the network sees more than grey."""
    torch.manual_seed(0)
    coarse = torch.rand(4, 3, 6, 10) * 255
    return torch.nn.functional.interpolate(coarse, (96, 160), mode="bilinear")


def run(name: str, feed: dict[str, torch.Tensor]) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(SHIPPED / name)
    return session.run(None, {key: value.numpy() for key, value in feed.items()})


def assert_same(one: torch.Tensor, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(one, wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


def test_the_encoder_is_the_shipped_one(shipped, pictures):
    picture = pictures.to(torch.uint8)
    with torch.no_grad():
        found = EncoderGraph(shipped.network)(picture)
    for one, wanted in zip(found, run("encoder.onnx", {"picture": picture}), strict=True):
        assert_same(one, wanted)


def test_the_cutter_is_the_shipped_one(shipped, pictures):
    with torch.no_grad():
        trunk = shipped.network.trunk(pictures[:1])
        maps = PrepareGraph(shipped.network)(trunk.neck, trunk.early, trunk.shared)
    feed = {
        **dict(zip(PromptMaps._fields, maps, strict=False)),
        "xy": torch.rand(5, 3, 2) * torch.tensor([160.0, 96.0]),
        "kind": torch.randint(-1, 4, (5, 3)),
        "before": torch.randn(5, 1, 12, 20),
    }
    with torch.no_grad():
        found = CutterGraph(shipped.network)(*feed.values())
    maps_feed = {"neck": trunk.neck, "early": trunk.early, "shared": trunk.shared}
    for one, wanted in zip(maps, run("prepare.onnx", maps_feed), strict=True):
        assert_same(one, wanted)
    for one, wanted in zip(found, run("cutter.onnx", feed), strict=True):
        assert_same(one, wanted)


def test_depth_is_the_shipped_one(shipped, pictures):
    with torch.no_grad():
        neck = shipped.network.trunk(pictures[:1]).neck
        found = DepthGraph(shipped.network)(neck)
        whole = shipped.network(pictures[:1]).depth
    (wanted,) = run("depth.onnx", {"neck": neck})
    assert_same(found, wanted)
    assert_same(whole, wanted)


def test_words_are_adapted_and_scaled_as_the_engine_does(shipped):
    from wordmask import engines
    from wordmask.core.protocols import Dense

    with np.load(SHIPPED / "words.npz") as table:
        names = str(table["names"]).split("\n")[-50:]
        rows = table["vectors"][-50:].astype(np.float32)
    unit = torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    with torch.no_grad():
        found = shipped.adapter(unit)
    wanted = engines.load("mini").get(Dense).embed_texts(names)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert float(shipped.network.scale().detach()) == pytest.approx(shipped.settings["scale"])


def test_the_whitening_is_the_one_inside_the_text_network(shipped):
    """What text.onnx holds of a phrase before it whitens, whitened here, is what it answers."""
    import onnx
    from tokenizers import Tokenizer

    model = onnx.load(SHIPPED / "text.onnx")
    (centre,) = [node for node in model.graph.node if "mean" in node.input]
    raw = onnx.helper.make_tensor_value_info(centre.input[0], onnx.TensorProto.FLOAT, None)
    model.graph.output.append(raw)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    coded = Tokenizer.from_file(str(SHIPPED / "tokenizer.json")).encode("a photo of a zebra.")
    feed = {"ids": np.array([coded.ids]), "mask": np.array([coded.attention_mask])}
    wanted, unit = session.run(None, feed)
    assert float((shipped.whitening(unit) * wanted).sum()) > 0.999  # it multiplies in int8


def test_measured_norms_change_training_and_nothing_else(pictures):
    network = load_shipped().network
    before = network(pictures)
    folded = network.train()(pictures)
    network = load_shipped().network
    measure_norms(network, [pictures[:2], pictures[2:]])
    after = network.eval()(pictures)
    trained = network.train()(pictures)
    for one, other in zip(after, before, strict=True):
        torch.testing.assert_close(one, other, atol=TOLERANCE, rtol=1e-4)
    # On the pictures that were measured, statistics of the batch are those of the norms.
    torch.testing.assert_close(trained.vectors, before.vectors, atol=0.05, rtol=0.05)
    assert (folded.vectors - before.vectors).abs().max() > 0.5


def test_a_changed_file_is_refused(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "files", ignore=shutil.ignore_patterns("*.py", "__*"))
    data = bytearray((tmp_path / "files/cutter.onnx").read_bytes())
    data[1000] ^= 1
    (tmp_path / "files/cutter.onnx").write_bytes(data)
    with pytest.raises(WeightsError, match=r"cutter\.onnx has sha256"):
        load_shipped(tmp_path / "files")


@pytest.fixture
def rename(tmp_path):
    """A copy of the shipped files in which parameters of one of them have other names."""
    from hashlib import sha256

    import onnx

    def make(part: str, file: str = "encoder.onnx"):
        folder = tmp_path / "files"
        shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("*.py", "__*"))
        path = folder / file
        model = onnx.load(path)

        def another(name: str) -> str:
            return sha256(name.encode()).hexdigest() if part in name else name

        for tensor in model.graph.initializer:
            tensor.name = another(tensor.name)
        for node in model.graph.node:
            for names in (node.input, node.output):
                names[:] = map(another, names)
        path.write_bytes(model.SerializeToString())
        settings = json.loads((folder / "mini.json").read_text())
        settings["files"][file] = sha256(path.read_bytes()).hexdigest()
        (folder / "mini.json").write_text(json.dumps(settings))
        return folder

    return make


def test_files_without_a_parameter_are_refused(rename):
    folder = rename("model.to_none.weight")
    with pytest.raises(WeightsError, match=r"lacks 1 parameters, the first is to_none\.weight"):
        load_shipped(folder)


def test_files_of_before_the_neck_for_words_add_nothing_by_it(rename, pictures):
    network = load_shipped(rename("word_neck")).network
    with torch.no_grad():
        trunk = network.trunk(pictures[:1])
    assert torch.equal(trunk.words, trunk.neck)
    layers = network.word_neck.layers[-1], network.backbone.layers[-1]
    assert torch.equal(*(one.project.weight for one in layers))


def test_files_of_before_the_neck_for_masks_add_nothing_by_it(rename, pictures):
    network = load_shipped(rename("mask_neck", "prepare.onnx")).network
    with torch.no_grad():
        trunk = network.trunk(pictures[:1])
        assert not network.mask_neck(trunk.neck, trunk.shared).any()
    layers = network.mask_neck.layers[-1], network.backbone.layers[11]
    assert torch.equal(*(one.project.weight for one in layers))


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"no mini\.json"):
        load_shipped(tmp_path)
