"""The mask decoder: clicks, a box and an earlier mask to three candidate masks with their quality.

After SAM's two-way decoder (Kirillov et al. 2023), with two changes for small feature maps: prompts
are also drawn as maps (a click as a Gaussian, a box filled in), and each layer mixes neighbouring
cells with a depthwise convolution. All prompts of a batch run at once; each belongs to one picture
of the batch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordmask.model.mini.constants import (
    BOTTOM_RIGHT,
    CANDIDATES,
    NEGATIVE,
    POSITIVE,
    STRIDE,
    TOP_LEFT,
    WORDS,
)
from wordmask.model.mini.depthwise import Depthwise

CLICK_RADII = (6.0, 40.0)  # standard deviations, in input pixels, at which a click is drawn
FAR = 1e6  # added to the squared distance of points that are not of the kind being drawn


class CrossAttention(nn.Module):
    """Attention with several heads, written out so that it exports as plain matrix products."""

    def __init__(self, dim: int, heads: int = 4) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(dim, dim) for _ in range(4))
        self.heads = heads

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, hidden: Tensor | None = None
    ) -> Tensor:
        """query (N, Q, C), key and value (N, K, C); `hidden` (N, K) is True at keys to ignore."""
        q = self._split(self.q(query))
        k = self._split(self.k(key))
        v = self._split(self.v(value))
        weights = q @ k.transpose(-1, -2) * (q.shape[-1] ** -0.5)
        if hidden is not None:
            weights = weights - hidden[:, None, None, :].to(weights.dtype) * 1e4
        y = weights.softmax(-1) @ v
        out: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, x.shape[2] // self.heads)).transpose(1, 2)


class TwoWayLayer(nn.Module):
    """One layer of the decoder.

    Tokens attend to each other and to the cells of the map, then the cells attend to the tokens and
    mix with their neighbours.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.among, self.to_map, self.to_tokens = (CrossAttention(dim) for _ in range(3))
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(5))
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, dim))
        self.near = Depthwise(dim, 5)
        self.mix = nn.Linear(dim, dim)

    def forward(
        self, tokens: Tensor, x: Tensor, where: Tensor, hidden: Tensor
    ) -> tuple[Tensor, Tensor]:
        """tokens (N, T, C), map x (N, C, h, w), `where` (1, h*w, C): position of each cell."""
        h, w = x.shape[2:]
        tokens = self.norms[0](tokens + self.among(tokens, tokens, tokens, hidden))
        cells = x.flatten(2).transpose(1, 2)
        tokens = self.norms[1](tokens + self.to_map(tokens, cells + where, cells))
        tokens = self.norms[2](tokens + self.mlp(tokens))
        cells = self.norms[3](cells + self.to_tokens(cells + where, tokens, tokens, hidden))
        near = self.near(cells.transpose(1, 2).unflatten(2, (h, w))).flatten(2).transpose(1, 2)
        cells = self.norms[4](cells + self.mix(F.relu(near)))
        return tokens, cells.transpose(1, 2).unflatten(2, (h, w))


class Decoder(nn.Module):
    """Features and prompts to mask logits at stride 4, their predicted IoU, and a label vector.

    The label vector corrects the mean word vector under a mask, by what the prompt shows.
    """

    frequencies: Tensor

    def __init__(self, dim: int = 96, fine: int = 48, words: int = WORDS) -> None:
        super().__init__()
        fixed = torch.Generator().manual_seed(7)
        self.register_buffer("frequencies", torch.randn(2, dim // 2, generator=fixed) * 1.5)
        self.kinds = nn.Embedding(5, dim)
        self.outputs = nn.Parameter(torch.randn(CANDIDATES + 2, dim) * 0.1)  # masks, quality, label
        self.here = nn.Linear(dim, dim)
        self.drawn = nn.Conv2d(7, dim, 3, padding=1)
        self.layers = nn.ModuleList(TwoWayLayer(dim) for _ in range(2))
        self.last = CrossAttention(dim)
        self.last_norm = nn.LayerNorm(dim)
        self.up = nn.Conv2d(dim, fine, 1)
        self.sharpen = nn.Sequential(Depthwise(fine, 3), nn.Conv2d(fine, fine, 1), nn.ReLU())
        self.masks = nn.ModuleList(
            nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, fine + 1))
            for _ in range(CANDIDATES)
        )
        self.quality = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, CANDIDATES))
        self.label = nn.Linear(dim, words)

    def forward(
        self, coarse: Tensor, fine: Tensor, xy: Tensor, kind: Tensor, before: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One row per prompt.

        coarse (N, C, h, w) at stride 8, fine (N, F, 2h, 2w) at stride 4; xy (N, P, 2) in input
        pixels, kind (N, P) the kinds of points; before (N, 1, h, w) logits of an earlier mask at
        stride 8, all 0 where there is none. Returns masks (N, 3, 2h, 2w) logits, quality (N, 3)
        logits of IoU, label (N, words).
        """
        h, w = coarse.shape[2:]
        x = coarse + self.drawn(draw_prompts(xy, kind, before, h, w))
        where = self.position(cell_centres(h, w, coarse))[None]
        tokens, hidden = self._tokens(coarse, xy, kind)
        for layer in self.layers:
            tokens, x = layer(tokens, x, where, hidden)
        cells = x.flatten(2).transpose(1, 2)
        tokens = self.last_norm(tokens + self.last(tokens, cells + where, cells))
        wide = F.interpolate(self.up(x), scale_factor=2.0, mode="bilinear", align_corners=False)
        up = F.relu(wide + fine)
        up = up + self.sharpen(up)
        # (N, 3, F + 1): for each candidate the weights of the fine channels and a bias
        weights = torch.stack([head(tokens[:, k]) for k, head in enumerate(self.masks)], 1)
        flat = weights[:, :, :-1] @ up.flatten(2) + weights[:, :, -1:]
        return (
            flat.unflatten(2, (2 * h, 2 * w)),
            self.quality(tokens[:, CANDIDATES]),
            self.label(tokens[:, CANDIDATES + 1]),
        )

    def position(self, xy: Tensor) -> Tensor:
        """xy (..., 2) in pixels to random Fourier features (..., dim); the unit is 256 pixels."""
        angles = (xy / 256.0) @ self.frequencies * 3.14159
        return torch.cat([angles.sin(), angles.cos()], -1)

    def _tokens(self, coarse: Tensor, xy: Tensor, kind: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (N, 5 + P, C), output tokens first, and (N, 5 + P) True where one is padding."""
        h, w = coarse.shape[2:]
        size = torch.tensor([w * 8.0, h * 8.0], dtype=xy.dtype, device=xy.device)
        grid = (xy / size * 2 - 1)[:, :, None]
        seen = F.grid_sample(coarse, grid, align_corners=False, padding_mode="border")
        kinds = self.kinds((kind + 1).long())
        points = kinds + self.position(xy) + self.here(seen[..., 0].transpose(1, 2))
        outputs = self.outputs[None].expand(xy.shape[0], -1, -1)
        shown = torch.zeros_like(outputs[..., 0], dtype=torch.bool)
        return torch.cat([outputs, points], 1), torch.cat([shown, kind < 0], 1)


def cell_centres(h: int, w: int, like: Tensor) -> Tensor:
    """(h*w, 2) xy of the centres of cells at stride 8, in input pixels."""
    y = (torch.arange(h, device=like.device, dtype=torch.float32) + 0.5) * STRIDE
    x = (torch.arange(w, device=like.device, dtype=torch.float32) + 0.5) * STRIDE
    return torch.stack([x[None].expand(h, w), y[:, None].expand(h, w)], -1).flatten(0, 1)


def draw_prompts(xy: Tensor, kind: Tensor, before: Tensor, h: int, w: int) -> Tensor:
    """Prompts as maps (N, 7, h, w) at stride 8.

    Positive clicks at two radii, negative clicks at two radii, the box, the earlier mask, and 1
    everywhere where there is an earlier mask.
    """
    y = (torch.arange(h, device=xy.device, dtype=xy.dtype) + 0.5) * STRIDE
    x = (torch.arange(w, device=xy.device, dtype=xy.dtype) + 0.5) * STRIDE
    maps = []
    for label in (POSITIVE, NEGATIVE):
        off = (kind != label).to(xy.dtype)[:, :, None] * FAR
        dx2 = (x[None, None] - xy[:, :, :1]) ** 2 + off
        dy2 = (y[None, None] - xy[:, :, 1:]) ** 2
        near = (dx2[:, :, None, :] + dy2[:, :, :, None]).amin(1)
        maps += [torch.exp(-near / (2 * r * r)) for r in CLICK_RADII]
    maps.append(_box_map(xy, kind, x, y))
    has = (before.abs().amax((1, 2, 3), keepdim=True) > 0).to(xy.dtype)
    return torch.cat([torch.stack(maps, 1), before.clamp(-8, 8) / 8, has.expand_as(before)], 1)


def _box_map(xy: Tensor, kind: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """(N, h, w): 1 inside the box, falling to 0 over one cell outside; all 0 without a box."""
    first = (kind == TOP_LEFT).to(xy.dtype)[:, :, None]
    second = (kind == BOTTOM_RIGHT).to(xy.dtype)[:, :, None]
    a, b = (xy * first).sum(1), (xy * second).sum(1)
    in_x = torch.sigmoid((x[None] - a[:, :1]) / 3) * torch.sigmoid((b[:, :1] - x[None]) / 3)
    in_y = torch.sigmoid((y[None] - a[:, 1:]) / 3) * torch.sigmoid((b[:, 1:] - y[None]) / 3)
    given = second.sum(1)[:, :, None].clamp(max=1)
    return in_y[:, :, None] * in_x[:, None, :] * given
