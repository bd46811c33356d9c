"""SAM-HQ's mask decoder on the library's weights, by its authors' formula.

That of transformers (5.23) is not used: its forward pass throws away the map that the two-way
transformer returns, and makes masks of the map from before it, with rows and columns swapped.
"""

from typing import Any

import torch
from torch import Tensor


def decode_all(
    decoder: Any, maps: tuple[Tensor, ...], positions: Tensor, prompts: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Logits (P, 4, h, w), quality (P, 4): for one thing, then the three candidates, best first.

    `maps` are the picture's (1, D, h, w) and the encoder's early one (1, h, w, C), `prompts` the
    tokens (P, T, D) and the maps of earlier masks (P or 1, D, h, w).
    """
    picture, early = maps
    tokens, dense = prompts
    count = tokens.shape[0]
    # First the quality's token, then those of SAM's masks, then that of the finer one
    own = (decoder.iou_token, decoder.mask_tokens, decoder.hq_token)
    rows = torch.cat([one.weight for one in own]).expand(count, -1, -1)
    read, cells = decoder.transformer(
        point_embeddings=torch.cat([rows, tokens], 1)[:, None],
        image_embeddings=(picture + dense).expand(count, -1, -1, -1),
        image_positional_embeddings=positions.expand(count, -1, -1, -1),
        attention_similarity=None,
    )
    coarse = _enlarge(decoder, cells[:, 0].transpose(1, 2).unflatten(2, picture.shape[-2:]))
    fine = _refine(decoder, coarse) + _details(decoder, picture, early)
    heads = (*decoder.output_hypernetworks_mlps, decoder.hq_mask_mlp)
    mixes = torch.stack([head(read[:, 0, 1 + row]) for row, head in enumerate(heads)], 1)
    logits = mixes[:, :-1] @ coarse.flatten(2) + mixes[:, -1:] @ fine.flatten(2)
    return _best_first(
        logits.unflatten(2, coarse.shape[-2:]), decoder.iou_prediction_head(read[:, 0, 0])
    )


def _enlarge(decoder: Any, cells: Tensor) -> Tensor:
    """The map that the transformer gives, at four times its side."""
    up = decoder.activation(decoder.upscale_layer_norm(decoder.upscale_conv1(cells)))
    return torch.as_tensor(decoder.activation(decoder.upscale_conv2(up)))


def _refine(decoder: Any, coarse: Tensor) -> Tensor:
    inner = decoder.activation(decoder.mask_norm(decoder.mask_conv1(coarse)))
    return torch.as_tensor(decoder.mask_conv2(inner))


def _details(decoder: Any, picture: Tensor, early: Tensor) -> Tensor:
    """Both maps of the encoder, which know no prompt, at four times their side."""
    late = decoder.activation(decoder.encoder_norm(decoder.encoder_conv1(picture)))
    inner = decoder.compress_vit_conv1(early.permute(0, 3, 1, 2))
    inner = decoder.activation(decoder.compress_vit_norm(inner))
    return torch.as_tensor(decoder.encoder_conv2(late) + decoder.compress_vit_conv2(inner))


def _best_first(logits: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
    """All but the first sorted by quality."""
    best = quality[:, 1:].sort(1, descending=True).indices + 1
    order = torch.cat([torch.zeros_like(best[:, :1]), best], 1)
    return logits.gather(1, order[..., None, None].expand_as(logits)), quality.gather(1, order)
