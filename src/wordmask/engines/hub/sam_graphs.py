"""The networks of SAM, SAM-HQ and SAM 2 as graphs: what is exported, and how it is tried.

A prompt is a row of tokens, `xy` in the network's input and `kind`: 0 not this, 1 this, 2 and 3 the
corners of a box, -1 the padding that the network was trained with. Earlier masks come beside them,
and `which` says whose they are. A decoder always gives its four masks; which of them count is for
the caller, as the networks decide it by a constant.
"""

from collections.abc import Sequence
from math import pi
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from wordmask.core.graphs import GraphAxis, NetworkGraph, Sizes
from wordmask.engines.hub.hq_decoder import decode_all
from wordmask.engines.hub.pictures import IMAGENET
from wordmask.engines.hub.sam_networks import Sam, Sam2

BATCH = {0: GraphAxis("pictures")}
TOKENS = {0: GraphAxis("prompts"), 1: GraphAxis("points")}
PROMPT_AXES = {
    "xy": TOKENS,
    "kind": TOKENS,
    "earlier": {0: GraphAxis("masks")},
    "which": {0: GraphAxis("prompts")},
}
SAM_MAPS, SAM2_MAPS = ("map_picture", "map_early"), ("map_fine", "map_middle", "map_picture")


class SamEncoderGraph(nn.Module):
    """Pixels (B, 3, side, side) -> what `Sam.encode` gives."""

    def __init__(self, network: Sam) -> None:
        super().__init__()
        self.encoder = network.model.vision_encoder

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        out = self.encoder(pixels.to(next(self.encoder.parameters()).dtype))
        early = out.get("intermediate_embeddings")
        maps = (out.last_hidden_state,) if early is None else (out.last_hidden_state, early[0])
        return tuple(level.float() for level in maps)


class Sam2EncoderGraph(nn.Module):
    """Pixels -> the three maps of `Sam2.encode`, and for videos the coarsest as memory takes it."""

    no_memory: Tensor

    def __init__(self, network: Sam2, video: bool) -> None:
        super().__init__()
        self.encoder, decoder = network.model.vision_encoder, network.model.mask_decoder
        self.fine, self.middle, self.video = decoder.conv_s0, decoder.conv_s1, video
        self.register_buffer("no_memory", network.model.no_memory_embedding.reshape(1, -1, 1, 1))

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        fine, middle, raw = self.encoder(pixels.to(self.fine.weight.dtype)).fpn_hidden_states
        maps = (self.fine(fine), self.middle(middle), raw + self.no_memory)
        return tuple(level.float() for level in ((*maps, raw) if self.video else maps))


class PromptTokens(nn.Module):
    """Prompts -> their tokens and maps, as `transformers` embeds them, but from one kind of row."""

    codes: Tensor
    table: Tensor
    nothing: Tensor
    no_mask: Tensor

    def __init__(self, network: Sam | Sam2) -> None:
        super().__init__()
        prompt = network.model.prompt_encoder
        embed = prompt.point_embed
        alone = isinstance(embed, nn.Embedding)
        rows = embed.weight if alone else torch.cat([one.weight for one in embed])
        self.side = float(network.side)
        self.cells = network.cells // 4
        self.mask_embed = prompt.mask_embed
        self.register_buffer("codes", prompt.shared_embedding.positional_embedding)
        self.register_buffer("table", rows)
        self.register_buffer("nothing", prompt.not_a_point_embed.weight)
        self.register_buffer("no_mask", prompt.no_mask_embed.weight.reshape(1, -1, 1, 1))

    def forward(
        self, xy: Tensor, kind: Tensor, earlier: Tensor, which: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(P, K, D), and (P, D, cells, cells)."""
        angles = 2 * pi * ((2 * ((xy + 0.5) / self.side) - 1) @ self.codes)
        places = torch.cat([angles.sin(), angles.cos()], -1) + self.table[kind.clamp(min=0)]
        tokens = torch.where((kind == -1)[..., None], self.nothing, places)
        none = self.no_mask.expand(1, -1, self.cells, self.cells)
        maps = torch.cat([self.mask_embed(earlier), none])
        rows = torch.where(which < 0, earlier.shape[0], which)
        return tokens, maps[rows]


class DecoderAnswer(NamedTuple):
    """What a decoder says of P prompts."""

    masks: Tensor  # (P, 4, h, w) logits over the square; the first where only one thing is meant
    quality: Tensor  # (P, 4)
    tokens: Tensor  # (P, 4, D) of the masks
    first: Tensor  # (P, D) in SAM 2 of whether the object is there


class DecoderCore(nn.Module):
    """One picture's maps and P prompts -> all four masks with their quality."""

    positions: Tensor

    def __init__(self, network: Sam | Sam2) -> None:
        super().__init__()
        self.prompts = PromptTokens(network)
        self.decoder = network.model.mask_decoder
        positions = network.model.get_image_wide_positional_embeddings()
        self.register_buffer("positions", positions)

    def decode(self, picture: Tensor, prompts: Sequence[Tensor], *fine: Tensor) -> "DecoderAnswer":
        """The two-way transformer of the papers, with all masks that its tokens stand for."""
        parts, dtype = self.decoder, self.decoder.iou_token.weight.dtype
        tokens, maps = self.prompts(*prompts)
        count = maps.shape[0]
        first = [parts.obj_score_token.weight] if fine else []
        own = torch.cat([*first, parts.iou_token.weight, parts.mask_tokens.weight])
        rows = torch.cat([own.expand(count, -1, -1), tokens.to(dtype)], 1)
        read, cells = parts.transformer(
            point_embeddings=rows[:, None],
            image_embeddings=picture.to(dtype) + maps.to(dtype),
            image_positional_embeddings=self.positions.to(dtype).expand(count, -1, -1, -1),
            attention_similarity=None,
            target_embedding=None,
        )
        read, start = read[:, 0], len(first)
        masks = read[:, start + 1 : start + 1 + parts.num_mask_tokens]
        side = self.prompts.cells
        up = parts.upscale_conv1(cells[:, 0].transpose(1, 2).unflatten(2, (side, side)))
        up = parts.activation(parts.upscale_layer_norm(up + fine[1] if fine else up))
        up = parts.upscale_conv2(up)
        up = parts.activation(up + fine[0] if fine else up)
        mixes = [mix(masks[:, row]) for row, mix in enumerate(parts.output_hypernetworks_mlps)]
        logits = (torch.stack(mixes, 1) @ up.flatten(2)).unflatten(2, (4 * side, 4 * side))
        quality = parts.iou_prediction_head(read[:, start])
        return DecoderAnswer(logits.float(), quality.float(), masks, read[:, 0])


class SamDecoderGraph(DecoderCore):
    """SAM's."""

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        map_picture, *prompts = inputs
        found = self.decode(map_picture, prompts)
        return found.masks, found.quality


class SamHQDecoderGraph(DecoderCore):
    """SAM-HQ's, which reads an early map too."""

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        map_picture, map_early, *prompts = inputs
        dtype = self.decoder.iou_token.weight.dtype
        tokens, earlier = self.prompts(*prompts)
        masks, quality = decode_all(
            self.decoder,
            (map_picture.to(dtype), map_early.to(dtype)),
            self.positions.to(dtype),
            (tokens.to(dtype), earlier.to(dtype)),
        )
        return masks.float(), quality.float()


class Sam2DecoderGraph(DecoderCore):
    """SAM 2's, which reads finer maps too, and in a video says whether the object is there."""

    nobody: Tensor

    def __init__(self, network: Sam2, video: bool) -> None:
        super().__init__(network)
        self.video = video
        if video:
            self.pointer = network.model.object_pointer_proj
            self.register_buffer("nobody", network.model.no_object_pointer)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        map_fine, map_middle, map_picture, *prompts = inputs
        dtype = self.decoder.iou_token.weight.dtype
        fine = map_fine.to(dtype), map_middle.to(dtype)
        found = self.decode(map_picture, prompts, *fine)
        if not self.video:
            return found.masks, found.quality
        presence = self.decoder.pred_obj_score_head(found.first).float()
        pointers = self.pointer(found.tokens).float()
        kept = torch.where((presence > 0)[..., None], pointers, self.nobody.float())
        return found.masks, found.quality, presence[:, 0], kept


def encoder_graph(network: Sam | Sam2, video: bool = False) -> NetworkGraph:
    """Pictures of the network's side, any number."""
    if isinstance(network, Sam2):
        module: nn.Module = Sam2EncoderGraph(network, video)
        outputs: Sequence[str] = (*SAM2_MAPS, "map_raw") if video else SAM2_MAPS
    else:
        module = SamEncoderGraph(network)
        outputs = SAM_MAPS if _is_hq(network) else SAM_MAPS[:1]
    side = network.side

    def feed(sizes: Sizes) -> dict[str, Tensor]:
        return {"pixels": torch.randn(sizes["pictures"], 3, side, side)}

    checks = ({"pictures": 1}, {"pictures": 3}, {"pictures": 4})
    return NetworkGraph(
        "encoder", module, feed, tuple(outputs), {"pixels": BATCH}, {"pictures": 2}, checks, 64
    )


def decoder_graph(network: Sam | Sam2, maps: Sequence[Tensor], video: bool = False) -> NetworkGraph:
    """Any number of prompts of one shape; `maps` are those of a picture, to try it on."""
    outputs: tuple[str, ...] = ("out_masks", "out_quality")
    if isinstance(network, Sam2):
        module: nn.Module = Sam2DecoderGraph(network, video)
        outputs += ("out_presence", "out_pointers") if video else ()
        names: tuple[str, ...] = SAM2_MAPS
    else:
        module = SamHQDecoderGraph(network) if _is_hq(network) else SamDecoderGraph(network)
        names = SAM_MAPS[: len(maps)]
    own = dict(zip(names, maps, strict=True))
    checks = (
        {"prompts": 1, "points": 1, "masks": 1},
        {"prompts": 5, "points": 2, "masks": 3},
        {"prompts": 2, "points": 4, "masks": 1},
    )
    return NetworkGraph(
        "decoder",
        module,
        lambda sizes: own | random_prompts(sizes, network.side, network.cells),
        outputs,
        PROMPT_AXES,
        {"prompts": 3, "points": 3, "masks": 2},
        checks,
    )


def random_prompts(sizes: Sizes, side: int, cells: int) -> dict[str, Tensor]:
    """Tokens of every kind, some with an earlier mask."""
    count, points, masks = sizes["prompts"], sizes["points"], sizes["masks"]
    return {
        "xy": torch.rand(count, points, 2) * side,
        "kind": torch.randint(-1, 4, (count, points)),
        "earlier": 4 * torch.randn(masks, 1, cells, cells),
        "which": torch.arange(count) % (masks + 1) - 1,
    }


def example_maps(graph: NetworkGraph) -> list[Tensor]:
    """The maps of one made-up picture. Noise would do, but a decoder is compared on real ones."""
    with torch.no_grad():
        out: Sequence[Tensor] = graph.module(graph.feed({"pictures": 1})["pixels"])
    return list(out)


def sam_settings(network: Sam | Sam2) -> dict[str, Any]:
    """What a program must know beside the graphs."""
    two = isinstance(network, Sam2)
    decoder = network.model.mask_decoder
    settings = {
        "side": network.side,
        "cells": network.cells,
        "fit": "stretch" if two else "pad",
        "mean": list(IMAGENET[0]),
        "std": list(IMAGENET[1]),
        # Tokens of kind -1 behind points alone, behind a box, and where there is neither
        "paddings": {"points": 1, "box": 1 if two else 0, "nothing": 2 if two else 0},
        "stability": None,
    }
    if two and decoder.dynamic_multimask_via_stability:
        settings["stability"] = {
            "delta": decoder.dynamic_multimask_stability_delta,
            "threshold": decoder.dynamic_multimask_stability_thresh,
        }
    return settings


def _is_hq(network: Sam) -> bool:
    return bool(network.model.config.model_type == "sam_hq")
