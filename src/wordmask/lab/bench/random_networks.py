"""Full-size networks with random weights: they cost the time and memory of trained ones.

Written as the hub has them, so that the engines load them like any others.
"""

from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from wordmask.errors import OptionError, did_you_mean, missing_extra


class Hiera(NamedTuple):
    """A backbone of SAM 2."""

    width: int
    blocks: list[int]  # per stage, as the next two
    heads: list[int]
    windows: list[int]
    everywhere: list[int]  # blocks that see the whole picture
    background: list[int]  # size of the positional embedding


HIERA = {
    "sam2.1-tiny": Hiera(96, [1, 2, 7, 2], [1, 2, 4, 8], [8, 4, 14, 7], [5, 7, 9], [7, 7]),
    "sam2.1-small": Hiera(96, [1, 2, 11, 2], [1, 2, 4, 8], [8, 4, 14, 7], [7, 10, 13], [7, 7]),
    "sam2.1-base-plus": Hiera(
        112, [2, 3, 16, 3], [2, 4, 8, 16], [8, 4, 14, 7], [12, 16, 20], [14, 14]
    ),
    "sam2.1-large": Hiera(144, [2, 6, 36, 4], [2, 4, 8, 16], [8, 4, 16, 8], [23, 33, 43], [7, 7]),
}
NAMES = ("sam-b", *HIERA, "clip-b16")


def libraries() -> tuple[ModuleType, ModuleType]:
    """torch and transformers, or the error that names their extra."""
    try:
        import torch
        import transformers
    except ImportError as error:
        raise missing_extra(error.name or "torch", "hf") from None
    return torch, transformers


def random_network(name: str) -> Any:
    """The network of that name in transformers, with random weights of a fixed seed."""
    torch, transformers = libraries()
    torch.manual_seed(0)
    if name == "sam-b":
        return transformers.SamModel(transformers.SamConfig())
    if name == "clip-b16":
        config = transformers.CLIPConfig(vision_config={"patch_size": 16})
        return transformers.CLIPModel(config)
    return transformers.Sam2Model(transformers.Sam2Config(vision_config=_vision(name)))


def random_tracker(small: bool = False) -> Any:
    """SAM 2.1-tiny with its memory, for videos, on random weights of a fixed seed.

    `small` has the same parts in few channels. The object counts as there in every frame: a fresh
    network finds nobody, and then draws nothing.
    """
    torch, transformers = libraries()
    torch.manual_seed(0)
    if small:
        config = _small_video(transformers)
    else:
        config = transformers.Sam2VideoConfig(vision_config=_vision("sam2.1-tiny"))
    network = transformers.Sam2VideoModel(config)
    head = network.mask_decoder.pred_obj_score_head.proj_out
    with torch.no_grad():
        head.weight.zero_()
        head.bias.fill_(8.0)
    return network


def _small_video(transformers: ModuleType) -> Any:
    side, hidden, widths = 128, 128, [16, 32, 64, 128]
    backbone = transformers.Sam2HieraDetConfig(
        hidden_size=16, image_size=[side, side], blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=widths, num_attention_heads_per_stage=[1, 2, 2, 4],
        window_size_per_stage=[8, 4, 8, 4], global_attention_blocks=[3],
        window_positional_embedding_background_size=[7, 7],
    )  # fmt: skip
    vision = transformers.Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=widths[::-1], fpn_hidden_size=hidden,
        backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]],
    )  # fmt: skip
    return transformers.Sam2VideoConfig(
        vision_config=vision, image_size=side,
        prompt_encoder_config=transformers.Sam2VideoPromptEncoderConfig(
            hidden_size=hidden, image_size=side, mask_input_channels=8
        ),
        mask_decoder_config=transformers.Sam2VideoMaskDecoderConfig(
            hidden_size=hidden, mlp_dim=48, iou_head_hidden_dim=24
        ),
        memory_attention_hidden_size=hidden, memory_attention_num_layers=1,
        memory_attention_rope_feat_sizes=[8, 8], memory_attention_feed_forward_hidden_size=64,
        memory_encoder_hidden_size=hidden, memory_fuser_embed_dim=hidden,
        memory_fuser_intermediate_dim=32, mask_downsampler_embed_dim=hidden,
    )  # fmt: skip


def _vision(name: str) -> Any:
    """What SAM 2 of that name sees with, as transformers describes it."""
    _, transformers = libraries()
    if name not in HIERA:
        raise OptionError(f"there is no random network {name!r}.{did_you_mean(name, NAMES)}")
    hiera = HIERA[name]
    widths = [hiera.width * 2**stage for stage in range(4)]
    backbone = transformers.Sam2HieraDetConfig(
        hidden_size=hiera.width,
        num_attention_heads=hiera.heads[0],
        blocks_per_stage=hiera.blocks,
        embed_dim_per_stage=widths,
        num_attention_heads_per_stage=hiera.heads,
        window_size_per_stage=hiera.windows,
        global_attention_blocks=hiera.everywhere,
        window_positional_embedding_background_size=hiera.background,
    )
    return transformers.Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=widths[::-1]
    )


def write_network(network: Any, folder: Path) -> str:
    """Save it as `save_pretrained` does; the name by which the engines load it: its path."""
    network.save_pretrained(folder)
    return str(folder)
