"""The suites of large networks, on tiny ones; without torch they name the extra."""

import builtins

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'wordmask[hf]'")
transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed: pip install 'wordmask[hf]'"
)

from wordmask.core.protocols import Segmenter  # noqa: E402 (after the skips above)
from wordmask.errors import CapabilityError, MissingExtraError, OptionError  # noqa: E402
from wordmask.lab.bench.random_networks import random_network, write_network  # noqa: E402
from wordmask.lab.bench.suites import find_suite, gpu  # noqa: E402


def tiny_sam2():
    t = transformers
    backbone = t.Sam2HieraDetConfig(
        hidden_size=16,
        image_size=[128, 128],
        blocks_per_stage=[1, 2, 2, 1],
        embed_dim_per_stage=[16, 32, 64, 128],
        num_attention_heads_per_stage=[1, 2, 2, 4],
        window_size_per_stage=[8, 4, 8, 4],
        global_attention_blocks=[4],
        window_positional_embedding_background_size=[7, 7],
    )
    vision = t.Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[128, 64, 32, 16],
        fpn_hidden_size=32,
        backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]],
    )
    prompts = {"hidden_size": 32, "image_size": 128}
    decoder = {"hidden_size": 32, "mlp_dim": 48, "iou_head_hidden_dim": 24}
    config = t.Sam2Config(
        vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder
    )
    return t.Sam2Model(config)


@pytest.mark.parametrize("name", ["sam", "gpu", "everything", "export"])
def test_without_torch_the_extra_is_named(name, kit, monkeypatch):
    real = builtins.__import__

    def refuse(module, *rest, **more):
        if module == "torch":
            raise ImportError("no torch", name="torch")
        return real(module, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    suite = find_suite(name)
    with pytest.raises(MissingExtraError, match=r"wordmask\[hf\]"):
        suite.run(kit(suite.options()))


def test_without_a_gpu_nothing_is_measured(kit):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    suite = find_suite("gpu")
    with pytest.raises(CapabilityError, match="no CUDA device"):
        suite.run(kit(suite.options()))


def test_sam_is_timed(kit, monkeypatch):
    monkeypatch.setattr("wordmask.lab.bench.suites.sam.random_network", lambda name: tiny_sam2())
    suite = find_suite("sam")
    found = suite.run(kit(suite.options(prompts=2, repeat=1)))
    assert found.metrics["encode_s"] >= 0
    assert found.metrics["peak_mb"] > 1


def test_ours_and_theirs_are_timed_side_by_side(kit, monkeypatch, tmp_path):
    """As on a GPU, on the processor, with a tiny network."""
    for name, value in {"BATCHES": (1,), "POINTS": 2, "MATRIX": 64, "SAM_INPUT": 128}.items():
        monkeypatch.setattr(gpu, name, value)
    monkeypatch.setattr(gpu, "random_network", lambda name: tiny_sam2())
    path = write_network(tiny_sam2(), tmp_path / "sam")
    engine = kit(gpu.GpuOptions()).load(path, device="cpu").get(Segmenter)
    found = gpu.time_sam(gpu.GpuPlace(torch, "cpu", "fp32"), engine)
    ours, theirs = {"encode_1_s", "cut_s"}, {"transformers_encode_1_s", "transformers_cut_s"}
    assert set(found) == ours | theirs | {"encode_share_of_rate"}
    assert all(value > 0 for value in found.values())
    rows = [{"network": "sam", "format": "fp32", "mode": "eager", **found}]
    assert gpu.flatten(rows)["sam.fp32.eager.cut_s"] == found["cut_s"]


def test_a_network_that_nobody_knows():
    with pytest.raises(OptionError, match="Did you mean 'sam-b'"):
        random_network("sam-c")
