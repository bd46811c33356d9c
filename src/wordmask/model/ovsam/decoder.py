"""CLIP2SAM, first half: prompts and the embedding to one mask, its quality and a label token.

SAM's two-way decoder (Kirillov et al. 2023) with one mask instead of three, and one more output
token, which reads what kind of thing is being cut.

    tokens = mask, quality, label, then the prompt's points
    twice: tokens read each other, then the cells; the cells read the tokens
    mask = cells at stride 4 times a vector that the mask token makes
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordmask.model.ovsam.blocks import MapNorm, perceptron, resize
from wordmask.model.ovsam.plan import NO_POINT, OvsamPlan

OUTPUTS = 3  # tokens: mask, quality, label


class OvsamPrompts(NamedTuple):
    """N prompts in pixels of the square."""

    xy: Tensor
    """(N, P, 2)"""
    kinds: Tensor
    """(N, P), -1 = padding"""
    before: Tensor
    """(N, 1, h, w) logits of an earlier mask, all 0 where there is none."""


class OvsamCut(NamedTuple):
    """What comes of N prompts."""

    masks: Tensor
    """(N, side / 4, side / 4) logits"""
    quality: Tensor
    """(N,) logits of the IoU"""
    label: Tensor
    """(N, dim) the label token."""


class CrossAttention(nn.Module):
    """Queries (N, Q, C) read values (N, K, C) by their keys; `hidden` (N, K) are not read."""

    def __init__(self, dim: int, heads: int = 8) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(dim, dim) for _ in range(4))

    def forward(
        self, queries: Tensor, keys: Tensor, values: Tensor, hidden: Tensor | None = None
    ) -> Tensor:
        parts = (self.q(queries), self.k(keys), self.v(values))
        q, k, v = (one.unflatten(2, (self.heads, -1)).transpose(1, 2) for one in parts)
        shown = None if hidden is None else ~hidden[:, None, None]
        read = F.scaled_dot_product_attention(q, k, v, attn_mask=shown)
        seen: Tensor = self.out(read.transpose(1, 2).flatten(2))
        return seen


class TwoWayBlock(nn.Module):
    """Tokens and cells read each other."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.among, self.to_cells, self.to_tokens = (CrossAttention(dim) for _ in range(3))
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(4))
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.ReLU(), nn.Linear(4 * dim, dim))

    def forward(
        self, tokens: Tensor, cells: Tensor, where: Tensor, hidden: Tensor
    ) -> tuple[Tensor, Tensor]:
        """`where` (1, h * w, C): positions of the cells; `hidden` (N, T): padding."""
        tokens = self.norms[0](tokens + self.among(tokens, tokens, tokens, hidden))
        tokens = self.norms[1](tokens + self.to_cells(tokens, cells + where, cells))
        tokens = self.norms[2](tokens + self.mlp(tokens))
        read = self.to_tokens(cells + where, tokens, tokens, hidden)
        return tokens, self.norms[3](cells + read)


class Clip2Sam(nn.Module):
    """The prompt encoder and the decoder."""

    frequencies: Tensor

    def __init__(self, plan: OvsamPlan) -> None:
        super().__init__()
        dim, self.side = plan.dim, plan.side
        fixed = torch.Generator().manual_seed(11)
        self.register_buffer("frequencies", torch.randn(2, dim // 2, generator=fixed))
        self.kinds = nn.Embedding(5, dim)
        self.earlier = nn.Sequential(
            nn.Conv2d(2, dim // 4, 3, padding=1), nn.GELU(), nn.Conv2d(dim // 4, dim, 1)
        )
        self.outputs = nn.Parameter(torch.randn(OUTPUTS, dim) * 0.1)
        self.blocks = nn.ModuleList(TwoWayBlock(dim) for _ in range(2))
        self.last, self.last_norm = CrossAttention(dim), nn.LayerNorm(dim)
        self.finer = nn.Sequential(
            nn.ConvTranspose2d(dim, dim // 4, 2, stride=2),
            MapNorm(dim // 4),
            nn.GELU(),
            nn.ConvTranspose2d(dim // 4, dim // 8, 2, stride=2),
            nn.GELU(),
        )
        self.mask, self.quality = perceptron(dim, dim // 8), perceptron(dim, 1)

    def forward(self, embedding: Tensor, prompts: OvsamPrompts) -> OvsamCut:
        """`embedding` (N, dim, h, w): of each prompt's picture."""
        height, width = embedding.shape[2:]
        size = height, width
        where = self._where(size).to(embedding.dtype)
        cells = (embedding + self._draw(prompts.before, size)).flatten(2).transpose(1, 2)
        points = self.kinds((prompts.kinds + 1).long()) + self.position(prompts.xy)
        outputs = self.outputs.expand(len(points), -1, -1)
        tokens = torch.cat([outputs, points], 1)
        shown = torch.zeros(outputs.shape[:2], dtype=torch.bool, device=tokens.device)
        hidden = torch.cat([shown, prompts.kinds == NO_POINT], 1)
        for block in self.blocks:
            tokens, cells = block(tokens, cells, where, hidden)
        tokens = self.last_norm(tokens + self.last(tokens, cells + where, cells))
        finer = self.finer(cells.transpose(1, 2).unflatten(2, size))
        masks = torch.einsum("nc,nchw->nhw", self.mask(tokens[:, 0]), finer)
        return OvsamCut(masks, self.quality(tokens[:, 1])[:, 0], tokens[:, 2])

    def start_with_no_mask(self) -> None:
        """All logits of masks are 0 until something is learned, so that a first cut stays as it
        is."""
        last = self.mask[-1]
        if isinstance(last, nn.Linear):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def position(self, xy: Tensor) -> Tensor:
        """(..., 2) pixels to random Fourier features (..., dim)."""
        angles = (xy / self.side * 2 - 1) @ self.frequencies * (2 * math.pi)
        return torch.cat([angles.sin(), angles.cos()], -1)

    def _where(self, size: tuple[int, int]) -> Tensor:
        """(1, h * w, dim): cells have the code of a point at their middle, so that a point's token
        finds its cell."""
        rows, columns = (
            (torch.arange(one, device=self.frequencies.device) + 0.5) * self.side / one
            for one in size
        )
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        return self.position(torch.stack([x, y], -1)).flatten(0, 1)[None]

    def _draw(self, before: Tensor, size: tuple[int, int]) -> Tensor:
        """What an earlier mask adds to the cells, nothing where there is none."""
        small = resize(before.clamp(-8, 8) / 8, size)
        has = (before.abs().amax((1, 2, 3), keepdim=True) > 0).to(small.dtype)
        drawn: Tensor = self.earlier(torch.cat([small, has.expand_as(small)], 1)) * has
        return drawn
