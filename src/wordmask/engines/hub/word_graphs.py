"""CLIP, SigLIP and TIPSv2 as graphs: patches in a dense mode, whole pictures, texts.

The dense mode is a part of the patches' graph. Modes that are guided from outside take what guides
them as inputs: another network's features, and which cluster of masks a patch lies in.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from wordmask.core.graphs import GraphAxis, NetworkGraph, Sizes
from wordmask.core.image import Size
from wordmask.engines.hub.attention import WindowContext
from wordmask.engines.hub.towers import Proxy, Tower, patches

GRID = {"windows": 2, "rows": 3, "columns": 5}
LARGEST = 512  # patches along a side


class PatchGraph(nn.Module):
    """Pixels (B, 3, h, w) -> unit vectors (B, N, D) of their patches."""

    def __init__(self, tower: Tower, mode: str, proxied: bool) -> None:
        super().__init__()
        self.model, self.tower, self.mode, self.proxied = tower.model, tower, mode, proxied

    def forward(self, *inputs: Tensor) -> Tensor:
        pixels, *guides = inputs
        proxy = guides.pop(0) if self.proxied else None
        clusters = guides.pop(0) if guides else None
        dtype = next(self.model.parameters()).dtype
        grid = pixels.shape[2] // self.tower.patch, pixels.shape[3] // self.tower.patch
        context = WindowContext(grid, self.tower.prefix, proxy, clusters)
        return patches(self.tower, pixels.to(dtype), self.mode, context)


class PictureGraph(nn.Module):
    """Pixels (B, 3, side, side) -> unit vectors (B, D)."""

    def __init__(self, tower: Tower) -> None:
        super().__init__()
        self.model, self.tower = tower.model, tower

    def forward(self, pixels: Tensor) -> Tensor:
        found = self.tower.embed(pixels.to(next(self.model.parameters()).dtype))
        unit: Tensor = functional.normalize(found.float(), dim=-1)
        return unit


class TextGraph(nn.Module):
    """Tokens (B, T) -> unit vectors (B, D)."""

    def __init__(self, tower: Tower) -> None:
        super().__init__()
        self.model, self.tower = tower.model, tower

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        found = self.tower.words({"input_ids": input_ids, "attention_mask": attention_mask})
        unit: Tensor = functional.normalize(found.float(), dim=-1)
        return unit


class ProxyGraph(nn.Module):
    """Normalised pixels (B, 3, h, w) -> features (B, N, E) of DINO."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__()
        self.model, self.patch = proxy.model, proxy.patch

    def forward(self, pixels: Tensor) -> Tensor:
        cells = (pixels.shape[2] // self.patch) * (pixels.shape[3] // self.patch)
        dtype = next(self.model.parameters()).dtype
        found: Tensor = self.model(pixel_values=pixels.to(dtype)).last_hidden_state
        return found[:, -cells:].float()


def _windows(step: int) -> dict[int, GraphAxis]:
    return {0: GraphAxis("windows"), 2: GraphAxis("rows", step), 3: GraphAxis("columns", step)}


def _checks(native: int) -> tuple[Sizes, ...]:
    """Other grids: the native one, a single patch, an odd one."""
    return (
        {"windows": 1, "rows": native, "columns": native},
        {"windows": 1, "rows": 1, "columns": 1},
        {"windows": 3, "rows": 2, "columns": native + 1},
    )


def patch_graph(tower: Tower, mode: str, proxy_width: int | None, clustered: bool) -> NetworkGraph:
    """The dense graph in one mode; a proxy's features are `proxy_width` wide."""
    patch = tower.patch

    def feed(sizes: Sizes) -> dict[str, Tensor]:
        count, cells = sizes["windows"], sizes["rows"] * sizes["columns"]
        given = {"pixels": _noise(sizes, patch)}
        if proxy_width is not None:
            given["proxy"] = torch.randn(count, cells, proxy_width)
        if clustered:
            given["clusters"] = torch.randint(0, 3, (count, cells))
        return given

    axes: dict[str, Mapping[int, GraphAxis]] = {"pixels": _windows(patch)}
    guides = {0: GraphAxis("windows"), 1: GraphAxis("cells")}
    axes |= {"proxy": guides, "clusters": guides}
    module = PatchGraph(tower, mode, proxy_width is not None)
    checks = _checks(tower.side // patch)
    return NetworkGraph("patches", module, feed, ("out_vectors",), axes, GRID, checks, LARGEST)


def picture_graph(tower: Tower) -> NetworkGraph:
    """Whole pictures of the native side."""
    side = tower.side

    def feed(sizes: Sizes) -> dict[str, Tensor]:
        return {"pixels": torch.randn(sizes["pictures"], 3, side, side)}

    checks = ({"pictures": 1}, {"pictures": 3}, {"pictures": 4})
    axes = {"pixels": {0: GraphAxis("pictures")}}
    module, example = PictureGraph(tower), {"pictures": 2}
    return NetworkGraph("picture", module, feed, ("out_vectors",), axes, example, checks)


def text_graph(tower: Tower, vocabulary: int, longest: int) -> NetworkGraph:
    """Any number of texts; of any length where the network does not pad all to one."""
    fixed = tower.text_length

    def feed(sizes: Sizes) -> dict[str, Tensor]:
        length = fixed or sizes["tokens"]
        ids = torch.randint(0, vocabulary, (sizes["sentences"], length))
        mask = (torch.arange(length) < max(1, length - 1)).long().expand(len(ids), -1).clone()
        return {"input_ids": ids, "attention_mask": mask}

    lengths = {} if fixed else {1: GraphAxis("tokens")}
    own = {0: GraphAxis("sentences"), **lengths}
    axes = {"input_ids": own, "attention_mask": own}
    checks = (
        {"sentences": 1, "tokens": 2},
        {"sentences": 3, "tokens": longest},
        {"sentences": 4, "tokens": 6},
    )
    example = {"sentences": 2, "tokens": 5}
    module = TextGraph(tower)
    return NetworkGraph("text", module, feed, ("out_vectors",), axes, example, checks, longest)


def proxy_graph(proxy: Proxy) -> NetworkGraph:
    """DINO on any grid."""
    module = ProxyGraph(proxy)

    def feed(sizes: Sizes) -> dict[str, Tensor]:
        return {"pixels": _noise(sizes, proxy.patch)}

    axes, checks = {"pixels": _windows(proxy.patch)}, _checks(4)
    return NetworkGraph("proxy", module, feed, ("out_features",), axes, GRID, checks, LARGEST)


def _noise(sizes: Sizes, patch: int) -> Tensor:
    size: Size = sizes["rows"] * patch, sizes["columns"] * patch
    return torch.randn(sizes["windows"], 3, *size)


def word_settings(tower: Tower, mode: str, short: int, proxy: Proxy | None) -> dict[str, Any]:
    """What a program must know beside the graphs."""
    guide = None
    if proxy is not None:
        mean, std = proxy.statistics
        guide = {"patch": int(proxy.patch), "mean": list(mean), "std": list(std)}
    return {
        "mode": mode, "side": int(tower.side), "patch": int(tower.patch), "short": int(short),
        "scale": float(tower.scale), "cubic": tower.cubic, "mean": list(tower.statistics[0]),
        "std": list(tower.statistics[1]), "middle": tower.cuts_middle, "proxy": guide,
    }  # fmt: skip
