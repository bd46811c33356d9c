"""What the SAM engine reads: Meta's own files are converted, bad ones are refused."""

import importlib.util
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from meta_names import meta_name
from tiny_networks import torch, transformers
from wordmask.core.image import Image
from wordmask.core.protocols import PromptBatch
from wordmask.engines import sam
from wordmask.engines.hub import meta
from wordmask.engines.options import EngineOptions
from wordmask.errors import CapabilityError, OptionError, WeightsError

CPU = EngineOptions(device="cpu", offline=True)
CLICKS = np.array([[20.0, 30.0], [70.5, 11.0], [48.0, 90.0]])
SQUARE = Image(
    np.kron(np.random.default_rng(0).integers(0, 256, (6, 6, 3)), np.ones((16, 16, 1))).astype(
        np.uint8
    )
)


def tiny_sam():
    t = transformers
    vision = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64,
        "patch_size": 16,
        "output_channels": 32, "global_attn_indexes": [1], "window_size": 3, "mlp_dim": 64,
        "num_pos_feats": 16,
    }  # fmt: skip
    config = t.SamConfig(
        vision_config=t.SamVisionConfig(**vision),
        prompt_encoder_config=t.SamPromptEncoderConfig(
            hidden_size=32, image_size=64, mask_input_channels=8
        ),
        mask_decoder_config=t.SamMaskDecoderConfig(
            hidden_size=32, mlp_dim=48, iou_head_hidden_dim=24
        ),
    )
    torch.manual_seed(1)
    model = t.SamModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.15 * torch.randn(parameter.shape))
    return model.eval()


@pytest.fixture(scope="module")
def model():
    return tiny_sam()


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("sam")
    model.save_pretrained(path)
    return path


def cut(engine):
    return engine.cut(engine.encode([SQUARE])[0], PromptBatch.points(CLICKS)).logits


@pytest.fixture(scope="module")
def meta_state(model):
    state = model.state_dict()
    return {
        meta_name(name): value
        for name, value in state.items()
        if not name.startswith("shared_image")
    }


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_metas_own_checkpoint_is_converted(suffix, tmp_path, meta_state, folder):
    path = tmp_path / f"sam_vit_tiny{suffix}"
    if suffix == ".pth":
        torch.save(meta_state, path)
    else:
        save_file({name: value.contiguous() for name, value in meta_state.items()}, path)
    ours = cut(sam.load(str(path), EngineOptions(device="cpu", allow_pickle=suffix == ".pth")))
    assert ours.std() > 0.01
    assert np.abs(ours - cut(sam.load(str(folder), CPU))).max() < 1e-5


def test_metas_names_are_all_known(meta_state, model):
    names = {name for name in model.state_dict() if not name.startswith("shared_image")}
    assert {meta.translate_name(name) for name in meta_state} == names


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"mask_decoder.hf_token.weight": torch.zeros(1, 32)}, "SAM-HQ", id="SAM-HQ"),
        pytest.param(
            {"prompt_encoder.point_embeddings.0.weight": torch.zeros(1, 8)},
            "does not fit",
            id="shape",
        ),
        pytest.param(
            {"image_encoder.patch_embed.proj.weight": None}, "Meta's format", id="another network"
        ),
    ],
)
def test_a_file_that_only_looks_like_sam_is_refused(change, said, meta_state, tmp_path):
    state = {name: value for name, value in (meta_state | change).items() if value is not None}
    save_file(
        {name: value.contiguous() for name, value in state.items()}, tmp_path / "odd.safetensors"
    )
    with pytest.raises(WeightsError, match=said):
        sam.load(str(tmp_path / "odd.safetensors"), CPU)


@pytest.mark.parametrize(
    ("model_cfg", "error", "said"),
    [
        ("vit_l", WeightsError, "has 2 layers, so it is of a size of its own; vit_l has 24"),
        ("SAM-vit-B", WeightsError, "SAM-vit-B has 12"),
        ("vit_x", OptionError, "one of vit_b, vit_l, vit_h, got 'vit_x'"),
        ("configs/sam2.1/sam2.1_hiera_l.yaml", OptionError, "SAM 2 tells its size itself"),
    ],
)
def test_a_file_is_the_sam_that_it_was_said_to_be(model_cfg, error, said, meta_state, tmp_path):
    path = tmp_path / "sam.safetensors"
    save_file({name: value.contiguous() for name, value in meta_state.items()}, path)
    with pytest.raises(error, match=re.escape(said)):
        sam.load(str(path), EngineOptions(device="cpu", model_cfg=model_cfg))


@pytest.mark.parametrize(("depth", "name"), [(12, "vit_b"), (24, "vit_l"), (32, "vit_h")])
def test_the_three_sizes_of_sam_are_known(depth, name):
    meta._check_size(Path("sam.pth"), depth, name)
    with pytest.raises(WeightsError, match=f"so it is {name};"):
        meta._check_size(Path("sam.pth"), depth, "vit_h" if name == "vit_b" else "vit_b")


def bad_folders(folder, root):
    """The four: nothing there, another architecture, a file cut short, a pickle."""
    cut_short, pickled, wrong = (root / name for name in ("short", "pickled", "wrong"))
    shutil.copytree(folder, cut_short)
    weights = cut_short / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    shutil.copytree(folder, pickled)
    (pickled / "model.safetensors").unlink()
    torch.save({}, pickled / "pytorch_model.bin")
    transformers.CLIPVisionConfig().save_pretrained(wrong)
    return root / "nowhere", wrong, cut_short, pickled


def test_four_bad_checkpoints_are_four_different_errors(folder, tmp_path):
    messages = []
    for path in bad_folders(folder, tmp_path):
        with pytest.raises(WeightsError) as caught:
            sam.load(str(path), CPU)
        messages.append(str(caught.value))
    said = ("nothing at", "architecture 'clip_vision_model'", "is cut", "is a pickle")
    assert [part in message for part, message in zip(said, messages, strict=True)] == [True] * 4, (
        messages
    )
    assert len(set(messages)) == 4


def test_weights_that_lack_a_part_are_refused(model, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "part")
    state = {
        name: value.clone()
        for name, value in model.state_dict().items()
        if "mask_decoder" not in name
    }
    save_file(state, tmp_path / "part" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match="lacks"):
        sam.load(str(tmp_path / "part"), CPU)


def test_edgetam_without_its_backbone_library_says_so(tmp_path):
    if importlib.util.find_spec("timm"):
        pytest.skip("timm is installed, so EdgeTAM lacks nothing")
    (tmp_path / "config.json").write_text(
        '{"model_type": "edgetam_video", "vision_config": {"model_type": "edgetam_vision_model"}}'
    )
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CapabilityError, match="timm"):
        sam.load(str(tmp_path), CPU)
