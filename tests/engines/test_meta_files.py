"""Meta's format of SAM 2 and MobileSAM's file: published names, made-up weights."""

import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from meta_names import meta_name
from seeing import see
from tiny_networks import CPU, perturb, picture, torch, transformers
from tiny_video import SIDE, box_mask, moving_square, tiny_video
from wordmask.core.protocols import PromptBatch, Tracker
from wordmask.engines import sam
from wordmask.engines.hub import sam2_meta
from wordmask.engines.hub.tiny_vit import TinyViT
from wordmask.errors import WeightsError

# transformers' name -> Meta's, written down from Meta's modules
SAM2 = (
    (r"^vision_encoder\.backbone\.", "image_encoder.trunk."),
    (r"^vision_encoder\.neck\.convs\.(\d)\.", r"image_encoder.neck.convs.\1.conv."),
    (r"patch_embed\.projection", "patch_embed.proj"),
    (r"^prompt_encoder\.shared_embedding\.positional_embedding",
     "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"),
    (r"^prompt_encoder\.mask_embed\.conv1", "sam_prompt_encoder.mask_downscaling.0"),
    (r"^prompt_encoder\.mask_embed\.layer_norm1", "sam_prompt_encoder.mask_downscaling.1"),
    (r"^prompt_encoder\.mask_embed\.conv2", "sam_prompt_encoder.mask_downscaling.3"),
    (r"^prompt_encoder\.mask_embed\.layer_norm2", "sam_prompt_encoder.mask_downscaling.4"),
    (r"^prompt_encoder\.mask_embed\.conv3", "sam_prompt_encoder.mask_downscaling.6"),
    (r"^prompt_encoder\.", "sam_prompt_encoder."),
    (r"^mask_decoder\.", "sam_mask_decoder."),
    (r"upscale_conv1", "output_upscaling.0"),
    (r"upscale_layer_norm", "output_upscaling.1"),
    (r"upscale_conv2", "output_upscaling.3"),
    (r"memory_encoder\.projection", "memory_encoder.out_proj"),
    (r"feature_projection", "pix_feat_proj"),
    (r"memory_fuser\.layers\.(\d)\.scale", r"fuser.layers.\1.gamma"),
    (r"memory_fuser", "fuser"),
    (r"depthwise_conv", "dwconv"),
    (r"pointwise_conv", "pwconv"),
    (r"mask_downsampler\.layers\.0\.conv", "mask_downsampler.encoder.0"),
    (r"mask_downsampler\.layers\.0\.layer_norm", "mask_downsampler.encoder.1"),
    (r"mask_downsampler\.layers\.1\.conv", "mask_downsampler.encoder.3"),
    (r"mask_downsampler\.layers\.1\.layer_norm", "mask_downsampler.encoder.4"),
    (r"mask_downsampler\.layers\.2\.conv", "mask_downsampler.encoder.6"),
    (r"mask_downsampler\.layers\.2\.layer_norm", "mask_downsampler.encoder.7"),
    (r"mask_downsampler\.layers\.3\.conv", "mask_downsampler.encoder.9"),
    (r"mask_downsampler\.layers\.3\.layer_norm", "mask_downsampler.encoder.10"),
    (r"mask_downsampler\.final_conv", "mask_downsampler.encoder.12"),
    (r"(head|mlps\.\d|pointer_proj)\.layers\.0", r"\1.layers.1"),
    (r"(head|mlps\.\d|pointer_proj)\.proj_in", r"\1.layers.0"),
    (r"(head|mlps\.\d|pointer_proj)\.proj_out", r"\1.layers.2"),
    (r"mlp\.proj_in", "mlp.layers.0"),
    (r"mlp\.proj_out", "mlp.layers.1"),
    (r"o_proj", "out_proj"),
    (r"layer_norm_final_attn", "norm_final_attn"),
    (r"layer_norm", "norm"),
    (r"^object_pointer_proj", "obj_ptr_proj"),
    (r"^temporal_positional_encoding_projection_layer", "obj_ptr_tpos_proj"),
    (r"^no_object_pointer", "no_obj_ptr"),
    (r"^occlusion_spatial_embedding_parameter", "no_obj_embed_spatial"),
    (r"^memory_temporal_positional_encoding", "maskmem_tpos_enc"),
    (r"^no_memory_embedding", "no_mem_embed"),
    (r"^no_memory_positional_encoding", "no_mem_pos_enc"),
)  # fmt: skip


def meta_state(model):
    state = {}
    for name, tensor in model.state_dict().items():
        if name.startswith("shared_image_embedding"):
            continue
        if name == "prompt_encoder.point_embed.weight":
            for row, one in enumerate(tensor):
                state[f"sam_prompt_encoder.point_embeddings.{row}.weight"] = one[None].clone()
            continue
        state[metas_name(name)] = tensor.clone().contiguous()
    return state


def metas_name(name):
    for pattern, theirs in SAM2:
        name = re.sub(pattern, theirs, name)
    return name


@pytest.fixture(scope="module")
def tiny():
    model = tiny_video(blocks=(1, 1, 2, 1))
    # Meta's file holds these once.
    codes = model.prompt_encoder.shared_embedding.positional_embedding
    model.shared_image_embedding.positional_embedding.copy_(codes)
    return model


SIZES = {(16, 1, 1, 2, 1): sam2_meta.HieraSize("mine", (1, 2, 2, 4), (8, 4, 8, 4), (3,), SIDE)}


def test_a_sam2_file_of_metas_is_the_folder_that_it_was_made_of(tiny):
    made = sam2_meta.network(meta_state(tiny), Path("sam2.pt"), SIZES)
    theirs, ours = tiny.state_dict(), made.state_dict()
    assert set(theirs) == set(ours)
    assert all(torch.equal(theirs[name], ours[name]) for name in theirs)
    frames, masks = moving_square(3)
    steps = []
    for model in (tiny, made):
        place = sam.runtime(CPU)
        engine = sam.SamTracker("x", sam.Sam2Video(model.eval(), place, None), place)
        memory = engine.remember(see(engine, frames[0]), masks[0])
        (step,) = engine.step([memory], see(engine, frames[1]))
        steps.append(step.logits)
    # What no tensor tells (heads, windows) is as in the original.
    assert np.abs(steps[0] - steps[1]).max() < 1e-5
    assert box_mask(1, 1, 2).any()
    assert isinstance(engine, Tracker)


def test_the_published_sizes_have_their_own_names_and_shapes():
    """On the meta device: nothing is computed."""
    for key, size in sam2_meta.SIZES.items():
        if size.name not in ("tiny", "large"):
            continue
        state = published(key, size)
        config = sam2_meta.config_of(state, Path("sam2.pt"))
        with torch.device("meta"):
            again = transformers.Sam2VideoModel(config)
        assert {n: t.shape for n, t in meta_state(again).items()} == {
            n: t.shape for n, t in state.items()
        }


def published(key, size):
    from wordmask.lab.bench.random_networks import HIERA

    hiera = HIERA[f"sam2.1-{size.name}"]
    widths = [hiera.width * 2**stage for stage in range(4)]
    assert key == (hiera.width, *hiera.blocks)
    assert (list(size.windows), list(size.everywhere)) == (hiera.windows, hiera.everywhere)
    assert list(size.heads) == hiera.heads
    t = transformers
    backbone = t.Sam2HieraDetConfig(
        hidden_size=hiera.width, blocks_per_stage=hiera.blocks, embed_dim_per_stage=widths,
        num_attention_heads_per_stage=hiera.heads, window_size_per_stage=hiera.windows,
        global_attention_blocks=hiera.everywhere,
        window_positional_embedding_background_size=hiera.background,
    )  # fmt: skip
    vision = t.Sam2VisionConfig(backbone_config=backbone, backbone_channel_list=widths[::-1])
    config = t.Sam2VideoConfig(
        vision_config=vision, enable_occlusion_spatial_embedding=True,
        enable_temporal_pos_encoding_for_object_pointers=True,
    )  # fmt: skip
    with torch.device("meta"):
        return meta_state(t.Sam2VideoModel(config))


def test_a_sam2_of_another_size_is_refused(tiny, tmp_path):
    save_file(meta_state(tiny), tmp_path / "odd.safetensors")
    with pytest.raises(WeightsError, match="width 16 with"):
        sam.load(str(tmp_path / "odd.safetensors"), CPU)


@pytest.fixture(scope="module")
def mobile(tmp_path_factory):
    """MobileSAM's file with made-up weights, and its encoder."""
    torch.manual_seed(0)
    encoder = perturb(TinyViT(), 0.02)
    decoder = perturb(transformers.SamModel(transformers.SamConfig(
        vision_config=transformers.SamVisionConfig(num_hidden_layers=0, global_attn_indexes=[])
    )), 0.02)  # fmt: skip
    state = {f"image_encoder.{name}": value for name, value in encoder.state_dict().items()}
    for name, value in decoder.state_dict().items():
        if not name.startswith(("vision_encoder.", "shared_image")):
            state[meta_name(name)] = value
    path = tmp_path_factory.mktemp("mobile") / "mobile_sam.safetensors"
    save_file({name: value.clone().contiguous() for name, value in state.items()}, path)
    return path, encoder


def test_mobile_sam_loads_by_its_published_names_and_cuts(mobile):
    path, encoder = mobile
    engine = sam.load(str(path), sam.EngineOptions(device="cpu", input_side=256))
    image = picture(60, 80)
    seen = see(engine, image)
    with torch.no_grad():
        expected = encoder(engine.network.pixels(image)[None]).last_hidden_state
    assert seen.tensors[0].shape == (1, 256, 16, 16)
    assert (seen.tensors[0] - expected).abs().max() < 1e-5
    cuts = engine.cut(seen, PromptBatch.points([[30.0, 30.0]]))
    assert cuts.logits.shape == (1, 3, 48, 64)
    assert cuts.logits.std() > 0


def test_its_names_are_those_that_were_published(mobile):
    names = {re.sub(r"\.\d+\.", ".N.", name) for name in mobile[1].state_dict()}
    for name in (
        "patch_embed.seq.N.c.weight", "patch_embed.seq.N.bn.running_mean",
        "layers.N.blocks.N.conv1.c.weight", "layers.N.downsample.conv2.bn.bias",
        "layers.N.blocks.N.attn.attention_biases", "layers.N.blocks.N.attn.qkv.weight",
        "layers.N.blocks.N.local_conv.c.weight", "layers.N.blocks.N.mlp.fc1.weight",
        "norm_head.weight", "head.bias", "neck.N.weight",
    ):  # fmt: skip
        assert name in names, name
    shapes = {name: tuple(t.shape) for name, t in mobile[1].state_dict().items()}
    assert shapes["layers.2.blocks.0.attn.attention_biases"] == (5, 196)
    assert shapes["layers.3.blocks.1.attn.attention_biases"] == (10, 49)
    classifier = [t.numel() for name, t in mobile[1].named_parameters() if name[:4] != "neck"]
    assert sum(classifier) == pytest.approx(5.39e6, rel=0.001)  # as TinyViT-5M was published
