"""The mask decoder: clicks, a box and an earlier mask to three candidate masks with their quality.

After SAM's two-way decoder (Kirillov et al. 2023), with three changes for small feature maps:
prompts are also drawn as maps (a click as a Gaussian, a box filled in), each layer mixes
neighbouring cells with a depthwise convolution, and the detail at stride 4 is made once for a
picture: a prompt only says where it counts.

    once a picture:  coarse at 8, fine at 4 -> PromptMaps at 16, 8 and 4
    for each prompt: tokens and cells at 16 attend to each other, twice
                     cells at 16, brought to 8, times one vector a candidate -> masks at 8
                     masks at 4 = those + gate x (detail times one vector a candidate)
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordmask.model.mini.attention import TokenAttention
from wordmask.model.mini.constants import (
    BOTTOM_RIGHT,
    CANDIDATES,
    NEGATIVE,
    POSITIVE,
    STRIDE,
    TOP_LEFT,
)
from wordmask.model.mini.depthwise import Depthwise
from wordmask.model.mini.judge import MaskJudge, mask_facts

CLICK_RADII = (6.0, 40.0)  # standard deviations, in input pixels, at which a click is drawn
FAR = 1e6  # added to the squared distance of points that are not of the kind being drawn
DRAWN = 7  # maps that `draw_prompts` makes
CELL = 2 * STRIDE  # input pixels of a cell that attends
GATE = 0.2  # factor on the gate of the detail, so that it starts small


class PromptMaps(NamedTuple):
    """What all prompts of a picture read."""

    cells: Tensor
    """(N, C, h / 2, w / 2) at stride 16"""
    middle: Tensor
    """(N, 48, h, w) at stride 8"""
    detail: Tensor
    """(N, 24, 2h, 2w) at stride 4"""


class PromptMapsMaker(nn.Module):
    """The encoder's maps to `PromptMaps`, once for a picture."""

    def __init__(self, dim: int, fine: int, middle: int, detail: int) -> None:
        super().__init__()
        self.shrink = nn.Sequential(
            nn.Conv2d(dim, dim, 3, stride=2, padding=1, groups=dim), nn.Conv2d(dim, dim, 1)
        )
        self.to_middle = nn.Conv2d(dim + fine, middle, 1)
        self.up = nn.Conv2d(dim, fine, 1)
        self.mix = nn.Conv2d(2 * fine, 2 * detail, 1)
        self.near = Depthwise(2 * detail, 3)
        self.to_detail = nn.Conv2d(2 * detail, detail, 1)

    def forward(self, coarse: Tensor, fine: Tensor) -> PromptMaps:
        """coarse (N, C, h, w) at stride 8, fine (N, F, 2h, 2w) at stride 4; h and w are even."""
        cells = F.avg_pool2d(coarse, 2) + self.shrink(coarse)
        middle = self.to_middle(torch.cat([coarse, F.avg_pool2d(fine, 2)], 1))
        mixed = F.relu(self.mix(torch.cat([fine, upsample(self.up(coarse))], 1)))
        mixed = mixed + F.relu(self.near(mixed))
        return PromptMaps(cells, middle, self.to_detail(mixed))


class CellNorm(nn.Module):
    """Scales each cell to a mean square of 1; a layer norm that leaves the mean where it is.

    The mean is a product with a column of ones, which runs 3 times as fast in onnxruntime as its
    own norms of rows of 96.
    """

    ones: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))
        self.register_buffer("ones", torch.full((dim, 1), 1 / dim), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        mean_square = (x * x) @ self.ones
        return x * (mean_square + 1e-5).rsqrt() * self.weight + self.bias


class TwoWayLayer(nn.Module):
    """One layer of the decoder.

    Tokens attend to each other and to the cells of the map, then the cells attend to the tokens and
    mix with their neighbours.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.among, self.to_map, self.to_tokens = (TokenAttention(dim) for _ in range(3))
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(3))
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, dim))
        self.near = Depthwise(dim, 5)
        self.mix = nn.Linear(dim, dim)
        self.cell_norm = CellNorm(dim)

    def forward(
        self, tokens: Tensor, x: Tensor, where: Tensor, hidden: Tensor
    ) -> tuple[Tensor, Tensor]:
        """tokens (N, T, C), map x (N, C, h, w), `where` (1, h*w, C): position of each cell."""
        h, w = x.shape[2:]
        cells = x.flatten(2).transpose(1, 2)
        placed = cells + where
        tokens = self.norms[0](tokens + self.among.among_tokens(tokens, hidden))
        tokens = self.norms[1](tokens + self.to_map.read_cells(tokens, placed, cells))
        tokens = self.norms[2](tokens + self.mlp(tokens))
        cells = cells + self.to_tokens.read_tokens(placed, tokens, hidden)
        near = self.near(cells.transpose(1, 2).unflatten(2, (h, w)))
        cells = self.cell_norm(cells + self.mix(F.relu(near).flatten(2).transpose(1, 2)))
        return tokens, cells.transpose(1, 2).unflatten(2, (h, w))


def draw_near_in_boxes(masks: Tensor, kind: Tensor) -> Tensor:
    """(N, 3, h, w) logits: a box says which thing is meant, so its candidates are opinions on one
    mask, and each moves half-way to their mean."""
    boxed = (kind == TOP_LEFT).any(1).to(masks.dtype)[:, None, None, None]
    return masks + 0.5 * boxed * (masks.mean(1, keepdim=True) - masks)


class Decoder(nn.Module):
    """Features and prompts to mask logits at stride 4 and their predicted IoU."""

    frequencies: Tensor

    def __init__(self, dim: int = 96, fine: int = 48, middle: int = 48, detail: int = 24) -> None:
        super().__init__()
        fixed = torch.Generator().manual_seed(7)
        self.register_buffer("frequencies", torch.randn(2, dim // 2, generator=fixed) * 1.5)
        self.prepare = PromptMapsMaker(dim, fine, middle, detail)
        self.kinds = nn.Embedding(5, dim)
        self.outputs = nn.Parameter(torch.randn(CANDIDATES + 1, dim) * 0.1)  # masks, quality
        self.here = nn.Linear(dim, dim)
        self.drawn_at_16 = nn.Conv2d(DRAWN, dim, 4, stride=2, padding=1)
        self.drawn_at_8 = nn.Conv2d(DRAWN, middle, 3, padding=1)
        self.layers = nn.ModuleList(TwoWayLayer(dim) for _ in range(2))
        self.last = TokenAttention(dim)
        self.last_norm = nn.LayerNorm(dim)
        self.up = nn.Conv2d(dim, middle, 1)
        self.near = Depthwise(middle, 3)
        self.point = nn.Conv2d(middle, middle, 1)
        self.masks = nn.ModuleList(_mlp(dim, 2 * (middle + 1) + detail) for _ in range(CANDIDATES))
        self.quality = _mlp(dim, CANDIDATES)
        self.judge = MaskJudge()

    def forward(
        self, maps: PromptMaps, xy: Tensor, kind: Tensor, before: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One row per prompt.

        `maps` of N pictures, or of one for all prompts; xy (N, P, 2) in input pixels, kind (N, P)
        the kinds of points; before (N, 1, h, w) logits of an earlier mask at stride 8, all 0 where
        there is none. Returns masks (N, 3, 2h, 2w) logits, quality (N, 3) logits of IoU.
        """
        masks, facts = self.cut(maps, xy, kind, before)
        return masks, self.judge(facts)

    def cut(
        self, maps: PromptMaps, xy: Tensor, kind: Tensor, before: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Masks, and the facts about them (N, 3, FACTS) from which they are judged."""
        h, w = maps.middle.shape[2:]
        drawn = draw_prompts(xy, kind, before, h, w)
        x = maps.cells + self.drawn_at_16(drawn)
        where = self.position(cell_centres(h // 2, w // 2, x))[None]
        tokens, hidden = self._tokens(maps.cells, xy, kind)
        for layer in self.layers:
            tokens, x = layer(tokens, x, where, hidden)
        cells = x.flatten(2).transpose(1, 2)
        tokens = self.last_norm(tokens + self.last.read_cells(tokens, cells + where, cells))
        masks = self._masks(tokens, x, maps, drawn)
        if not self.training:  # where each candidate learns for itself
            masks = draw_near_in_boxes(masks, kind)
        quality = self.quality(tokens[:, CANDIDATES])
        # The judge learns from the masks; they do not learn to please it.
        return masks, mask_facts(masks.detach(), quality, maps.middle.detach(), drawn)

    def _masks(self, tokens: Tensor, x: Tensor, maps: PromptMaps, drawn: Tensor) -> Tensor:
        """(N, 3, 2h, 2w) logits."""
        wide = F.relu(upsample(self.up(x)) + maps.middle + self.drawn_at_8(drawn))
        wide = wide + F.relu(self.point(self.near(wide)))
        size = wide.shape[2:]
        # (N, 3, ...) for each candidate: weights of a mask and of a gate, a bias of each, weights
        # of the detail
        vectors = torch.stack([head(tokens[:, k]) for k, head in enumerate(self.masks)], 1)
        middle, detail = maps.middle.shape[1], maps.detail.shape[1]
        mask, gate, biases, fine = vectors.split([middle, middle, 2, detail], 2)
        weights = torch.cat([mask, GATE * gate], 1)
        offsets = torch.cat([biases[..., :1], biases[..., 1:]], 1)
        both = (weights @ wide.flatten(2) + offsets).unflatten(2, size)
        coarse_mask, gates = upsample(both).chunk(2, 1)
        edges = (fine @ maps.detail.flatten(2)).unflatten(2, coarse_mask.shape[2:])
        return coarse_mask + gates * edges

    def position(self, xy: Tensor) -> Tensor:
        """xy (..., 2) in pixels to random Fourier features (..., dim); the unit is 256 pixels."""
        angles = (xy / 256.0) @ self.frequencies * 3.14159
        return torch.cat([angles.sin(), angles.cos()], -1)

    def _tokens(self, cells: Tensor, xy: Tensor, kind: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (N, 4 + P, C), output tokens first, and (N, 4 + P) True where one is padding."""
        h, w = cells.shape[2:]
        size = torch.tensor([w * CELL, h * CELL], dtype=xy.dtype, device=xy.device)
        grid = (xy / size * 2 - 1)[:, :, None]
        features = cells.expand(xy.shape[0], -1, -1, -1)
        seen = F.grid_sample(features, grid, align_corners=False, padding_mode="border")
        kinds = self.kinds((kind + 1).long())
        points = kinds + self.position(xy) + self.here(seen[..., 0].transpose(1, 2))
        outputs = self.outputs[None].expand(xy.shape[0], -1, -1)
        shown = torch.zeros_like(outputs[..., 0], dtype=torch.bool)
        return torch.cat([outputs, points], 1), torch.cat([shown, kind < 0], 1)


def upsample(x: Tensor) -> Tensor:
    """Twice as high and wide, bilinear."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _mlp(dim: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, out))


def cell_centres(h: int, w: int, like: Tensor) -> Tensor:
    """(h*w, 2) xy of the centres of cells that attend, in input pixels."""
    y = (torch.arange(h, device=like.device, dtype=torch.float32) + 0.5) * CELL
    x = (torch.arange(w, device=like.device, dtype=torch.float32) + 0.5) * CELL
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
