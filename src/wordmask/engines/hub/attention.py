"""What the last attention block does so that patches, not only the whole picture, match words.

Written from the papers: SCLIP (Wang, Mei, Yuille, ECCV 2024), ClearCLIP (Lan et al., ECCV 2024), NACLIP (Hajimiri
et al., WACV 2025), ProxyCLIP (Lan et al., ECCV 2024), CorrCLIP (2025). Tensors are (B, T, D): `prefix` tokens that
stand for the whole picture, then a grid of patches, row by row. Attention maps are (B, heads or 1, T, T).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wordmask.core.image import Size
from wordmask.engines.hub.runtime import torch
from wordmask.errors import OptionError

MODES = ("plain", "clip", "sclip", "clearclip", "naclip", "proxyclip", "corrclip")
GUIDED = ("proxyclip", "corrclip")  # attention comes from outside the network
NEIGHBOURS = 5.0  # NACLIP: deviation of the Gaussian prior, in patches
PROXY_SHIFT, PROXY_GAIN = 1.2, 3.0  # ProxyCLIP: (s - 1.2 mean) x 3


@dataclass(frozen=True, eq=False)
class Block:
    """One pre-norm transformer block, whatever its makers called the parts."""

    norm1: Callable[[Any], Any]
    query: Callable[[Any], Any]
    key: Callable[[Any], Any]
    value: Callable[[Any], Any]
    out: Callable[[Any], Any]  # with the layer scale, where there is one
    norm2: Callable[[Any], Any]
    mlp: Callable[[Any], Any]  # with the layer scale, where there is one
    heads: int

    def split(self, tokens: Any) -> Any:
        """(B, T, D) -> (B, heads, T, d)."""
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)


@dataclass(frozen=True, eq=False)
class Scene:
    """What a guided mode knows of a window beside the pixels."""

    grid: Size
    prefix: int
    proxy: Any | None = None  # (B, N, E) another network's patch features
    clusters: Any | None = None  # (B, N) int64, which cluster of masks a patch lies in


def last_block(block: Block, x: Any, mode: str, scene: Scene) -> Any:
    """The patches (B, N, D) after the last block, done as `mode` says."""
    y = block.norm1(x)
    query, key, value = (block.split(part(y)) for part in (block.query, block.key, block.value))
    scale = query.shape[-1] ** -0.5
    if mode in GUIDED:
        weights = guided_weights(mode, scene, key[:, :, scene.prefix :])
        value = value[:, :, scene.prefix :]
    elif mode in ("plain", "clip"):
        weights = (query @ key.mT * scale).softmax(-1)
    elif mode == "sclip":
        weights = (query @ query.mT * scale).softmax(-1) + (key @ key.mT * scale).softmax(-1)
    elif mode == "clearclip":
        weights = (query @ query.mT * scale).softmax(-1)
    elif mode == "naclip":
        weights = (key @ key.mT * scale + _prior(scene).to(key)).softmax(-1)
    else:
        raise OptionError(f"the dense mode must be one of {', '.join(MODES)}, got {mode!r}")
    attended = block.out((weights.to(value.dtype) @ value).transpose(1, 2).flatten(2))
    if mode in ("plain", "clip", "sclip"):
        x = x + attended
        x = x + block.mlp(block.norm2(x))
        return x[:, scene.prefix :]
    # The shortcut and the feed-forward part carry what the whole picture shows, and drown the patch (ClearCLIP).
    return attended if mode in GUIDED else attended[:, scene.prefix :]


def guided_weights(mode: str, scene: Scene, key: Any) -> Any:
    """(B, 1, N, N): who attends to whom, decided by another network's features and by masks."""
    t = torch()
    features = key.transpose(1, 2).flatten(2) if scene.proxy is None else scene.proxy
    unit = t.nn.functional.normalize(features.float(), dim=-1)
    similarity = unit @ unit.mT
    # The mean is each window's own: a mean over the batch would make the answer depend on its neighbours.
    shifted = (similarity - PROXY_SHIFT * similarity.mean((1, 2), keepdim=True)) * PROXY_GAIN
    if mode == "proxyclip":
        allowed = shifted >= 0
    else:
        clusters = scene.clusters
        if clusters is None:
            raise OptionError("corrclip needs masks: features(images, masks)")
        allowed = clusters[:, :, None] == clusters[:, None, :]
    # A patch always sees itself, or a uniform window would have rows of nothing.
    allowed = allowed | t.eye(allowed.shape[-1], dtype=t.bool, device=allowed.device)
    return shifted.masked_fill(~allowed, float("-inf")).softmax(-1)[:, None]


def _prior(scene: Scene) -> Any:
    """(T, T): a Gaussian around each patch; nothing for the tokens that stand for the picture."""
    t = torch()
    rows, columns = (t.arange(side, dtype=t.float32) for side in scene.grid)
    y, x = t.meshgrid(rows, columns, indexing="ij")
    places = t.stack([y.flatten(), x.flatten()], 1)
    near = t.exp(-(t.cdist(places, places) ** 2) / (2 * NEIGHBOURS**2))
    return t.nn.functional.pad(near, (scene.prefix, 0, scene.prefix, 0))
