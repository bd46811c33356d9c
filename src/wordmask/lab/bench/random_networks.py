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
    vision = transformers.Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=widths[::-1]
    )
    return transformers.Sam2Model(transformers.Sam2Config(vision_config=vision))


def write_network(network: Any, folder: Path) -> str:
    """Save it as `save_pretrained` does; the name by which the engines load it: its path."""
    network.save_pretrained(folder)
    return str(folder)
