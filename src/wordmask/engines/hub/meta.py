"""SAM checkpoints as Meta publishes them.

The architecture is read off the tensors' shapes; their names become those of transformers.
"""

import re
from pathlib import Path
from typing import Any

import torch
from transformers import (
    SamConfig,
    SamMaskDecoderConfig,
    SamModel,
    SamPromptEncoderConfig,
    SamVisionConfig,
)

from wordmask.engines.hub import sam2_meta
from wordmask.engines.hub.tiny_vit import TinyViT
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights.open import read_state
from wordmask.errors import OptionError, WeightsError, did_you_mean

# Meta's name -> the name in transformers; applied in order.
_NAMES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"^image_encoder\.", "vision_encoder."),
        (r"\.blocks\.", ".layers."),
        (r"patch_embed\.proj\.", "patch_embed.projection."),
        (r"neck\.0\.", "neck.conv1."),
        (r"neck\.1\.", "neck.layer_norm1."),
        (r"neck\.2\.", "neck.conv2."),
        (r"neck\.3\.", "neck.layer_norm2."),
        (r"\.norm(\d)\.", r".layer_norm\1."),
        (r"\.norm_final_attn\.", ".layer_norm_final_attn."),
        (r"(iou_prediction_head|output_hypernetworks_mlps\.\d)\.layers\.0\.", r"\1.proj_in."),
        (r"(iou_prediction_head|output_hypernetworks_mlps\.\d)\.layers\.2\.", r"\1.proj_out."),
        (r"(iou_prediction_head|output_hypernetworks_mlps\.\d)\.layers\.1\.", r"\1.layers.0."),
        (r"output_upscaling\.0\.", "upscale_conv1."),
        (r"output_upscaling\.1\.", "upscale_layer_norm."),
        (r"output_upscaling\.3\.", "upscale_conv2."),
        (r"\.point_embeddings\.", ".point_embed."),
        (r"mask_downscaling\.0\.", "mask_embed.conv1."),
        (r"mask_downscaling\.1\.", "mask_embed.layer_norm1."),
        (r"mask_downscaling\.3\.", "mask_embed.conv2."),
        (r"mask_downscaling\.4\.", "mask_embed.layer_norm2."),
        (r"mask_downscaling\.6\.", "mask_embed.conv3."),
        (
            r"pe_layer\.positional_encoding_gaussian_matrix$",
            "shared_embedding.positional_embedding",
        ),
    )
)
SIZES = {"vit_b": 12, "vit_l": 24, "vit_h": 32}  # layers of the picture's encoder
_POSITIONS = "prompt_encoder.shared_embedding.positional_embedding"


def load(path: Path, options: EngineOptions) -> Any:
    """A network filled from one file of Meta's: SAM, SAM 2, or MobileSAM."""
    state = read_state(path, options)
    if sam2_meta.FIRST in state:
        _refuse_cfg(options)
        return sam2_meta.network(state, path)
    if "image_encoder.patch_embed.seq.0.c.weight" in state:
        _refuse_cfg(options)
        return load_mobile(state, path)
    if "image_encoder.patch_embed.proj.weight" not in state:
        raise WeightsError(
            f"{path} is not a SAM checkpoint in Meta's format (it holds "
            f"{next(iter(state), 'nothing')!r}, ...); "
            "SAM, SAM 2 and MobileSAM are; all other networks are read as folders in hub layout"
        )
    if any("hf_token" in name for name in state):
        raise WeightsError(
            f"{path} is SAM-HQ in its authors' format; "
            "use the folder in hub layout (sam-hq-b, sam-hq-l, sam-hq-h)"
        )
    config = config_of(state)
    _check_size(path, config.vision_config.num_hidden_layers, options.model_cfg)
    model = SamModel(config)
    named = {translate_name(name): tensor for name, tensor in state.items()}
    named["shared_image_embedding.positional_embedding"] = named[_POSITIONS]
    try:
        model.load_state_dict(named, strict=True)
    except RuntimeError as error:
        raise WeightsError(
            f"{path} does not fit SAM: {' '.join(str(error).split())[:200]}"
        ) from None
    return model.to(torch.float32)


def load_mobile(state: dict[str, Any], path: Path) -> Any:
    """MobileSAM: SAM's prompts and decoder behind a TinyViT."""
    vision = SamVisionConfig(hidden_size=TinyViT.width, num_hidden_layers=0, global_attn_indexes=[])
    model = SamModel(SamConfig(vision_config=vision))
    model.vision_encoder = TinyViT()
    head = "image_encoder."
    named = {
        f"vision_{name[len('image_') :]}" if name.startswith(head) else translate_name(name): tensor
        for name, tensor in state.items()
    }
    named["shared_image_embedding.positional_embedding"] = named.get(_POSITIONS)
    try:
        model.load_state_dict(named, strict=True)
    except (RuntimeError, AttributeError) as error:
        raise WeightsError(
            f"{path} does not fit MobileSAM: {' '.join(str(error).split())[:200]}"
        ) from None
    return model.to(torch.float32)


def _refuse_cfg(options: EngineOptions) -> None:
    """A model_cfg is only about SAM; these files say themselves what they are."""
    if options.model_cfg is not None:
        raise OptionError(
            f"model_cfg is one of {', '.join(SIZES)}, for files of SAM, got "
            f"{options.model_cfg!r}; this file tells its size itself, so leave it out"
        )


def _check_size(path: Path, depth: int, wanted: str | None) -> None:
    """Raise where the file is not the SAM that it was said to be."""
    if wanted is None:
        return
    name = wanted.lower().replace("-", "_").removeprefix("sam_")
    if name not in SIZES:
        raise OptionError(
            f"model_cfg is one of {', '.join(SIZES)}, got {wanted!r}.{did_you_mean(name, SIZES)} "
            "SAM 2 tells its size itself, so it needs none"
        )
    if depth != SIZES[name]:
        sizes = [size for size, layers in SIZES.items() if layers == depth]
        found = sizes[0] if sizes else "of a size of its own"
        raise WeightsError(
            f"{path} has {depth} layers, so it is {found}; {wanted} has {SIZES[name]}"
        )


def translate_name(name: str) -> str:
    """The name in transformers of one of Meta's tensors.

    >>> translate_name("image_encoder.blocks.3.norm1.weight")
    'vision_encoder.layers.3.layer_norm1.weight'
    """
    for pattern, replacement in _NAMES:
        name = pattern.sub(replacement, name)
    return name


def config_of(state: dict[str, Any]) -> Any:
    """The architecture, read off the tensors' shapes."""
    hidden, channels, patch, _ = state["image_encoder.patch_embed.proj.weight"].shape
    depth = 1 + max(
        int(name.split(".")[2]) for name in state if name.startswith("image_encoder.blocks.")
    )
    spans = [tuple(state[f"image_encoder.blocks.{k}.attn.rel_pos_h"].shape) for k in range(depth)]
    cells = state["image_encoder.pos_embed"].shape[1]
    wide = 2 * cells - 1  # a block that sees the whole picture
    output = state["image_encoder.neck.0.weight"].shape[0]
    vision = SamVisionConfig(
        hidden_size=hidden,
        num_channels=channels,
        patch_size=patch,
        image_size=cells * patch,
        num_hidden_layers=depth,
        num_attention_heads=hidden // spans[0][1],
        global_attn_indexes=[k for k, (length, _) in enumerate(spans) if length == wide],
        window_size=min((length + 1) // 2 for length, _ in spans),
        mlp_dim=state["image_encoder.blocks.0.mlp.lin1.weight"].shape[0],
        output_channels=output,
        num_pos_feats=state["prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"].shape[1],
    )
    prompt = SamPromptEncoderConfig(
        hidden_size=output,
        image_size=cells * patch,
        patch_size=patch,
        mask_input_channels=state["prompt_encoder.mask_downscaling.3.weight"].shape[0],
    )
    decoder = SamMaskDecoderConfig(
        hidden_size=output,
        mlp_dim=state["mask_decoder.transformer.layers.0.mlp.lin1.weight"].shape[0],
        iou_head_hidden_dim=state["mask_decoder.iou_prediction_head.layers.0.weight"].shape[0],
    )
    return SamConfig(
        vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder
    )
