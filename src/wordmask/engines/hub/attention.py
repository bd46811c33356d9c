"""What the last attention block does so that patches, not only the whole picture, match words.

Written from the papers: SCLIP (Wang, Mei, Yuille, ECCV 2024), ClearCLIP (Lan et al., ECCV 2024),
NACLIP (Hajimiri et al., WACV 2025), ProxyCLIP (Lan et al., ECCV 2024), CorrCLIP (2025). Tensors are
(B, T, D): `prefix` tokens that stand for the whole picture, then a grid of patches, row by row.
Attention maps are (B, heads or 1, T, T).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from wordmask.core.image import Size
from wordmask.errors import OptionError

MODES = ("plain", "clip", "sclip", "clearclip", "naclip", "proxyclip", "corrclip")
GUIDED = ("proxyclip", "corrclip")  # attention comes from outside the network
NEIGHBOURS = 5.0  # NACLIP: deviation of the Gaussian prior, in patches
PROXY_SHIFT, PROXY_GAIN = 1.2, 3.0  # ProxyCLIP: (s - 1.2 mean) x 3


@dataclass(frozen=True, eq=False)
class AttentionBlock:
    """One pre-norm transformer block, whatever its makers called the parts."""

    norm1: Callable[[Tensor], Tensor]
    query: Callable[[Tensor], Tensor]
    key: Callable[[Tensor], Tensor]
    value: Callable[[Tensor], Tensor]
    out: Callable[[Tensor], Tensor]  # with the layer scale, where there is one
    norm2: Callable[[Tensor], Tensor]
    mlp: Callable[[Tensor], Tensor]  # with the layer scale, where there is one
    heads: int

    def split(self, tokens: Tensor) -> Tensor:
        """(B, T, D) -> (B, heads, T, d)."""
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)


@dataclass(frozen=True, eq=False)
class WindowContext:
    """What a guided mode knows of a window beside the pixels."""

    grid: Size
    prefix: int
    proxy: Tensor | None = None  # (B, N, E) another network's patch features
    clusters: Tensor | None = None  # (B, N) int64, which cluster of masks a patch lies in


def last_block(block: AttentionBlock, x: Tensor, mode: str, context: WindowContext) -> Tensor:
    """The patches (B, N, D) after the last block, done as `mode` says."""
    y = block.norm1(x)
    query, key, value = (block.split(part(y)) for part in (block.query, block.key, block.value))
    scale = query.shape[-1] ** -0.5
    if mode in GUIDED:
        weights = guided_weights(mode, context, key[:, :, context.prefix :])
        value = value[:, :, context.prefix :]
    elif mode in ("plain", "clip"):
        weights = (query @ key.mT * scale).softmax(-1)
    elif mode == "sclip":
        weights = (query @ query.mT * scale).softmax(-1) + (key @ key.mT * scale).softmax(-1)
    elif mode == "clearclip":
        weights = (query @ query.mT * scale).softmax(-1)
    elif mode == "naclip":
        weights = (key @ key.mT * scale + _prior(context).to(key)).softmax(-1)
    else:
        raise OptionError(f"the dense mode must be one of {', '.join(MODES)}, got {mode!r}")
    attended = block.out((weights.to(value.dtype) @ value).transpose(1, 2).flatten(2))
    if mode in ("plain", "clip", "sclip"):
        x = x + attended
        x = x + block.mlp(block.norm2(x))
        return x[:, context.prefix :]
    # Shortcut and feed-forward part carry the whole picture and drown the patch (ClearCLIP).
    return attended if mode in GUIDED else attended[:, context.prefix :]


def guided_weights(mode: str, context: WindowContext, key: Tensor) -> Tensor:
    """(B, 1, N, N): who attends to whom, decided by another network's features and by masks."""
    features = key.transpose(1, 2).flatten(2) if context.proxy is None else context.proxy
    unit = functional.normalize(features.float(), dim=-1)
    similarity = unit @ unit.mT
    # The mean is each window's own: with one over the batch, neighbours would change the answer.
    shifted = (similarity - PROXY_SHIFT * similarity.mean((1, 2), keepdim=True)) * PROXY_GAIN
    if mode == "proxyclip":
        allowed = shifted >= 0
    else:
        clusters = context.clusters
        if clusters is None:
            raise OptionError("corrclip needs masks: features(seen, masks)")
        allowed = clusters[:, :, None] == clusters[:, None, :]
    # A patch always sees itself, or a uniform window would have rows of nothing.
    allowed = allowed | torch.eye(allowed.shape[-1], dtype=torch.bool, device=allowed.device)
    return shifted.masked_fill(~allowed, float("-inf")).softmax(-1)[:, None]


def _prior(context: WindowContext) -> Tensor:
    """(T, T): a Gaussian around each patch; nothing for the tokens that stand for the picture."""
    rows, columns = (torch.arange(side, dtype=torch.float32) for side in context.grid)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    places = torch.stack([y.flatten(), x.flatten()], 1)
    apart = (places[:, None] - places[None]).square().sum(-1)  # cdist has no form in ONNX
    near = torch.exp(-apart / (2 * NEIGHBOURS**2))
    return functional.pad(near, (context.prefix, 0, context.prefix, 0))
