"""The cutter: clicks, boxes and a previous mask -> three candidate masks and how good each one is.

After SAM's two-way decoder (Kirillov et al. 2023), with two changes for small feature maps: prompts are also
drawn as maps (a click is a blob, a box is filled in), and each layer mixes neighbouring cells with a depthwise
convolution. All prompts of a batch run at once; each belongs to one picture of it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordmask.model.mini.depthwise import Depthwise

NOTHING, NEGATIVE, POSITIVE, TOP_LEFT, BOTTOM_RIGHT = -1, 0, 1, 2, 3  # labels of points
CANDIDATES = 3
BLOBS = (6.0, 40.0)  # radii in pixels of the network's input at which a click is drawn


class CrossAttention(nn.Module):
    """Queries look at keys; written out so that it exports as plain matrix products."""

    def __init__(self, dim: int, heads: int = 4) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(dim, dim) for _ in range(4))
        self.heads = heads

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, hidden: Tensor | None = None
    ) -> Tensor:
        """`hidden`: (N, K) True where a key must not be looked at."""
        q, k, v = (self._split(f(x)) for f, x in ((self.q, query), (self.k, key), (self.v, value)))
        weights = q @ k.transpose(-1, -2) * (q.shape[-1] ** -0.5)
        if hidden is not None:
            weights = weights - hidden[:, None, None, :].to(weights.dtype) * 1e4
        y = weights.softmax(-1) @ v
        out: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, x.shape[2] // self.heads)).transpose(1, 2)


class TwoWayLayer(nn.Module):
    """Tokens look at each other and at the map; the map looks at the tokens, then at its neighbours."""

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
        """tokens (N, T, C); x (N, C, h, w); where: (1, h*w, C) position of each cell."""
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
    """Features of pictures + prompts -> mask logits at stride 4, predicted IoU, a label token."""

    frequencies: Tensor

    def __init__(self, dim: int = 96, fine: int = 48, words: int = 256) -> None:
        super().__init__()
        self.register_buffer(
            "frequencies",
            torch.randn(2, dim // 2, generator=torch.Generator().manual_seed(7)) * 1.5,
        )
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
        """One row per prompt: coarse (N, C, h, w) at stride 8, fine (N, F, 2h, 2w) at stride 4.

        xy (N, P, 2) pixels of the input, kind (N, P) labels of points, before (N, 1, h, w) the previous mask's
        logits at stride 8 (0 where there is none) -> masks (N, 3, 2h, 2w), quality (N, 3), label (N, words).
        """
        h, w = coarse.shape[2:]
        x = coarse + self.drawn(draw_prompts(xy, kind, before, h, w))
        where = self.position(cell_centres(h, w, coarse))[None]
        tokens, hidden = self._tokens(coarse, xy, kind)
        for layer in self.layers:
            tokens, x = layer(tokens, x, where, hidden)
        cells = x.flatten(2).transpose(1, 2)
        tokens = self.last_norm(tokens + self.last(tokens, cells + where, cells))
        up = F.relu(
            F.interpolate(self.up(x), scale_factor=2.0, mode="bilinear", align_corners=False) + fine
        )
        up = up + self.sharpen(up)
        weights = torch.stack(
            [m(tokens[:, k]) for k, m in enumerate(self.masks)], 1
        )  # (N, 3, F + 1)
        flat = weights[:, :, :-1] @ up.flatten(2) + weights[:, :, -1:]
        return (
            flat.unflatten(2, (2 * h, 2 * w)),
            self.quality(tokens[:, CANDIDATES]),
            self.label(tokens[:, CANDIDATES + 1]),
        )

    def position(self, xy: Tensor) -> Tensor:
        """Random Fourier features of a place, in units of 256 pixels."""
        angles = (xy / 256.0) @ self.frequencies * 3.14159
        return torch.cat([angles.sin(), angles.cos()], -1)

    def _tokens(self, coarse: Tensor, xy: Tensor, kind: Tensor) -> tuple[Tensor, Tensor]:
        h, w = coarse.shape[2:]
        size = torch.tensor([w * 8.0, h * 8.0], dtype=xy.dtype, device=xy.device)
        seen = F.grid_sample(
            coarse, (xy / size * 2 - 1)[:, :, None], align_corners=False, padding_mode="border"
        )
        points = (
            self.kinds((kind + 1).long())
            + self.position(xy)
            + self.here(seen[..., 0].transpose(1, 2))
        )
        fixed = self.outputs[None].expand(xy.shape[0], -1, -1)
        shown = torch.zeros_like(fixed[..., 0], dtype=torch.bool)
        return torch.cat([fixed, points], 1), torch.cat([shown, kind < 0], 1)


def cell_centres(h: int, w: int, like: Tensor) -> Tensor:
    """(h*w, 2) xy of cells at stride 8, in pixels."""
    y = (torch.arange(h, device=like.device, dtype=torch.float32) + 0.5) * 8
    x = (torch.arange(w, device=like.device, dtype=torch.float32) + 0.5) * 8
    return torch.stack([x[None].expand(h, w), y[:, None].expand(h, w)], -1).flatten(0, 1)


def draw_prompts(xy: Tensor, kind: Tensor, before: Tensor, h: int, w: int) -> Tensor:
    """(N, 7, h, w): positive and negative clicks at two radii, the box, the previous mask and whether there is one."""
    y = (torch.arange(h, device=xy.device, dtype=xy.dtype) + 0.5) * 8
    x = (torch.arange(w, device=xy.device, dtype=xy.dtype) + 0.5) * 8
    maps = []
    for label in (POSITIVE, NEGATIVE):
        off = (kind != label).to(xy.dtype)[:, :, None] * 1e6
        dx2 = (x[None, None] - xy[:, :, :1]) ** 2 + off
        dy2 = (y[None, None] - xy[:, :, 1:]) ** 2
        near = (dx2[:, :, None, :] + dy2[:, :, :, None]).amin(1)
        maps += [torch.exp(-near / (2 * r * r)) for r in BLOBS]
    maps.append(_box_map(xy, kind, x, y))
    has = (before.abs().amax((1, 2, 3), keepdim=True) > 0).to(xy.dtype)
    return torch.cat([torch.stack(maps, 1), before.clamp(-8, 8) / 8, has.expand_as(before)], 1)


def _box_map(xy: Tensor, kind: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Inside the box 1, outside falling off over one cell; nothing drawn (0.0) where no box was given."""
    first, second = ((kind == k).to(xy.dtype)[:, :, None] for k in (TOP_LEFT, BOTTOM_RIGHT))
    a, b = (xy * first).sum(1), (xy * second).sum(1)
    in_x = torch.sigmoid((x[None] - a[:, :1]) / 3) * torch.sigmoid((b[:, :1] - x[None]) / 3)
    in_y = torch.sigmoid((y[None] - a[:, 1:]) / 3) * torch.sigmoid((b[:, 1:] - y[None]) / 3)
    given = second.sum(1)[:, :, None].clamp(max=1)
    return in_y[:, :, None] * in_x[:, None, :] * given
