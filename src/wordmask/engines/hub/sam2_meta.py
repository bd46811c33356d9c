"""SAM 2 and 2.1 checkpoints as Meta publishes them (and MedSAM2 in their format).

The size is told by the width and the number of blocks, all else by shapes; Meta's names become
those of transformers.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import (
    Sam2HieraDetConfig,
    Sam2VideoConfig,
    Sam2VideoMaskDecoderConfig,
    Sam2VideoModel,
    Sam2VideoPromptEncoderConfig,
    Sam2VisionConfig,
)

from wordmask.errors import WeightsError

FIRST = "image_encoder.trunk.patch_embed.proj.weight"  # by which such a file is known


class HieraSize(NamedTuple):
    """What shapes do not tell of a backbone."""

    name: str
    heads: tuple[int, ...]  # of each stage
    windows: tuple[int, ...]
    everywhere: tuple[int, ...]  # blocks that see the whole picture
    image_size: int = 1024


# (width, blocks of each stage) -> the published sizes
SIZES: dict[tuple[int, ...], HieraSize] = {
    (96, 1, 2, 7, 2): HieraSize("tiny", (1, 2, 4, 8), (8, 4, 14, 7), (5, 7, 9)),
    (96, 1, 2, 11, 2): HieraSize("small", (1, 2, 4, 8), (8, 4, 14, 7), (7, 10, 13)),
    (112, 2, 3, 16, 3): HieraSize("base-plus", (2, 4, 8, 16), (8, 4, 14, 7), (12, 16, 20)),
    (144, 2, 6, 36, 4): HieraSize("large", (2, 4, 8, 16), (8, 4, 16, 8), (23, 33, 43)),
}

_LAST = r"(iou_prediction_head|pred_obj_score_head|output_hypernetworks_mlps\.\d|obj_ptr_proj)"
# Meta's name -> the name in transformers; applied in order.
_NAMES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (rf"{_LAST}\.layers\.0\.", r"\1.proj_in."),
        (rf"{_LAST}\.layers\.2\.", r"\1.proj_out."),
        (rf"{_LAST}\.layers\.1\.", r"\1.layers.0."),
        (r"\.mlp\.layers\.0\.", ".mlp.proj_in."),
        (r"\.mlp\.layers\.1\.", ".mlp.proj_out."),
        (r"^image_encoder\.trunk\.", "vision_encoder.backbone."),
        (r"^image_encoder\.neck\.convs\.(\d)\.conv\.", r"vision_encoder.neck.convs.\1."),
        (r"patch_embed\.proj\.", "patch_embed.projection."),
        (r"^sam_prompt_encoder\.", "prompt_encoder."),
        (r"^sam_mask_decoder\.", "mask_decoder."),
        (r"pe_layer\.positional_encoding_gaussian_matrix", "shared_embedding.positional_embedding"),
        (r"mask_downscaling\.0\.", "mask_embed.conv1."),
        (r"mask_downscaling\.1\.", "mask_embed.layer_norm1."),
        (r"mask_downscaling\.3\.", "mask_embed.conv2."),
        (r"mask_downscaling\.4\.", "mask_embed.layer_norm2."),
        (r"mask_downscaling\.6\.", "mask_embed.conv3."),
        (r"output_upscaling\.0\.", "upscale_conv1."),
        (r"output_upscaling\.1\.", "upscale_layer_norm."),
        (r"output_upscaling\.3\.", "upscale_conv2."),
        (r"^memory_encoder\.out_proj\.", "memory_encoder.projection."),
        (r"\.pix_feat_proj\.", ".feature_projection."),
        (r"\.fuser\.layers\.", ".memory_fuser.layers."),
        (r"\.dwconv\.", ".depthwise_conv."),
        (r"\.pwconv(\d)\.", r".pointwise_conv\1."),
        (r"\.gamma$", ".scale"),
        (r"\.out_proj\.", ".o_proj."),
        (r"\.norm_final_attn\.", ".layer_norm_final_attn."),
        (r"\.norm(\d?)\.", r".layer_norm\1."),
        (r"^obj_ptr_tpos_proj\.", "temporal_positional_encoding_projection_layer."),
        (r"^obj_ptr_proj\.", "object_pointer_proj."),
        (r"^no_obj_ptr$", "no_object_pointer"),
        (r"^no_obj_embed_spatial$", "occlusion_spatial_embedding_parameter"),
        (r"^maskmem_tpos_enc$", "memory_temporal_positional_encoding"),
        (r"^no_mem_embed$", "no_memory_embedding"),
        (r"^no_mem_pos_enc$", "no_memory_positional_encoding"),
    )
)
_POINTS = "sam_prompt_encoder.point_embeddings."
_DOWN = re.compile(r"mask_downsampler\.encoder\.(\d+)\.")


def translate_name(name: str, last: int) -> str:
    """The name in transformers; `last` is the number of the mask downsampler's last part.

    >>> translate_name("memory_encoder.mask_downsampler.encoder.4.weight", 12)
    'memory_encoder.mask_downsampler.layers.1.layer_norm.weight'
    >>> translate_name("image_encoder.trunk.blocks.3.mlp.layers.1.bias", 12)
    'vision_encoder.backbone.blocks.3.mlp.proj_out.bias'
    """
    found = _DOWN.search(name)
    if found is not None:
        number = int(found[1])
        part = ("conv", "layer_norm", "")[number % 3]
        place = "final_conv" if number == last else f"layers.{number // 3}.{part}"
        name = f"{name[: found.start()]}mask_downsampler.{place}.{name[found.end() :]}"
    for pattern, replacement in _NAMES:
        name = pattern.sub(replacement, name)
    return name


def network(
    state: dict[str, Any], path: Path, sizes: Mapping[tuple[int, ...], HieraSize] = SIZES
) -> Any:
    """A `Sam2VideoModel` filled from Meta's tensors."""
    model = Sam2VideoModel(config_of(state, path, sizes))
    numbers = [int(found[1]) for name in state if (found := _DOWN.search(name))]
    last = max(numbers, default=0)
    named = {
        translate_name(name, last): tensor
        for name, tensor in state.items()
        if not name.startswith(_POINTS)
    }
    rows = [state[name] for name in sorted(state) if name.startswith(_POINTS)]
    if rows:
        named["prompt_encoder.point_embed.weight"] = torch.cat(rows)
    positions = "prompt_encoder.shared_embedding.positional_embedding"
    if positions in named:
        named["shared_image_embedding.positional_embedding"] = named[positions]
    try:
        model.load_state_dict(named, strict=True)
    except RuntimeError as error:
        raise WeightsError(
            f"{path} does not fit SAM 2: {' '.join(str(error).split())[:200]}"
        ) from None
    return model.to(torch.float32)


def config_of(
    state: Mapping[str, Any], path: Path, sizes: Mapping[tuple[int, ...], HieraSize] = SIZES
) -> Any:
    """The architecture, by the published sizes and the tensors' shapes."""
    trunk = "image_encoder.trunk"
    count = 1 + max(
        int(name.split(".")[3]) for name in state if name.startswith(f"{trunk}.blocks.")
    )
    starts = [0, *(k for k in range(count) if f"{trunk}.blocks.{k}.proj.weight" in state), count]
    blocks = [end - start for start, end in pairwise(starts)]
    width = int(state[FIRST].shape[0])
    size = sizes.get((width, *blocks))
    if size is None:
        known = ", ".join(one.name for one in sizes.values())
        raise WeightsError(
            f"{path} is a SAM 2 of width {width} with {blocks} blocks, which is none of the "
            f"published sizes ({known}); convert it to a folder in hub layout"
        )
    wider = [int(state[f"{trunk}.blocks.{k}.proj.weight"].shape[0]) for k in starts[1:-1]]
    widths = [width, *wider]
    cells = size.image_size // 16
    hidden = int(state["image_encoder.neck.convs.0.conv.weight"].shape[0])
    backbone = Sam2HieraDetConfig(
        hidden_size=width,
        image_size=[size.image_size] * 2,
        blocks_per_stage=blocks,
        embed_dim_per_stage=widths,
        num_attention_heads=size.heads[0],
        num_attention_heads_per_stage=list(size.heads),
        window_size_per_stage=list(size.windows),
        global_attention_blocks=list(size.everywhere),
        window_positional_embedding_background_size=list(state[f"{trunk}.pos_embed"].shape[2:]),
    )
    vision = Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=widths[::-1],
        fpn_hidden_size=hidden,
        backbone_feature_sizes=[[cells * scale] * 2 for scale in (4, 2, 1)],
    )
    return _video_config(state, vision, size.image_size, hidden)


def _video_config(state: Mapping[str, Any], vision: Any, side: int, hidden: int) -> Any:
    """The parts behind the backbone, by their shapes."""
    decoder, attention = "sam_mask_decoder", "memory_attention.layers"
    layers = {name.split(".")[2] for name in state if name.startswith(f"{attention}.")}
    prompt = Sam2VideoPromptEncoderConfig(
        hidden_size=hidden,
        image_size=side,
        mask_input_channels=int(state["sam_prompt_encoder.mask_downscaling.3.weight"].shape[0]),
    )
    masks = Sam2VideoMaskDecoderConfig(
        hidden_size=hidden,
        mlp_dim=int(state[f"{decoder}.transformer.layers.0.mlp.layers.0.weight"].shape[0]),
        iou_head_hidden_dim=int(state[f"{decoder}.iou_prediction_head.layers.0.weight"].shape[0]),
    )
    fuser = state["memory_encoder.fuser.layers.0.pwconv1.weight"].shape
    return Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config=prompt,
        mask_decoder_config=masks,
        image_size=side,
        num_maskmem=int(state["maskmem_tpos_enc"].shape[0]),
        enable_occlusion_spatial_embedding="no_obj_embed_spatial" in state,
        enable_temporal_pos_encoding_for_object_pointers="obj_ptr_tpos_proj.weight" in state,
        memory_attention_hidden_size=hidden,
        memory_attention_num_layers=len(layers),
        memory_attention_feed_forward_hidden_size=int(
            state[f"{attention}.0.linear1.weight"].shape[0]
        ),
        memory_attention_rope_feat_sizes=[side // 16, side // 16],
        memory_encoder_hidden_size=hidden,
        memory_encoder_output_channels=int(state["memory_encoder.out_proj.weight"].shape[0]),
        memory_fuser_embed_dim=int(fuser[1]),
        memory_fuser_intermediate_dim=int(fuser[0]),
        mask_downsampler_embed_dim=hidden,
    )
